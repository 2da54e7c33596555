//! The admin API of a running relay, as a command uses it.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretBox};
use serde::de::DeserializeOwned;
use tracing_courier::wire::Refusal;

use crate::config::Config;
use crate::http::{Client, ClientError, End, FOUND, Response};
use crate::identity::{ADMIN_TOKEN, SecretError, admin_token};
use crate::spool::announced;
use crate::text::chain;

/// What came of a look.
#[derive(Debug)]
pub struct Looked {
    /// Whether there was anything.
    pub is_found: bool,
    /// The answer, in the format that was asked for.
    pub body: Bytes,
}

/// A running relay, and the token that it knows its operator by.
pub struct AdminClient {
    client: Client,
    base: String,
    token: SecretBox<[u8]>,
    why: Option<String>,
}

/// The running relay can't be asked, or says no.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminClientError {
    /// Another process has the directory and does not say where to reach it: a command like this one. Wait for it to end.
    #[error("data directory `{}` is in use", .0.display())]
    Silent(PathBuf),
    /// There is no admin token where it was looked for. Give the file that the relay was started with.
    #[error("no admin token at `{}`: give the relay's own with --admin-token-file", .0.display())]
    NoToken(PathBuf),
    /// No relay runs there, as far as the directory says.
    #[error("no relay runs on data directory `{}` (give another with --data-dir, or --admin-url; if one should, its log says why not: `journalctl -u courier-relay` where systemd runs it)", .0.display())]
    Nobody(PathBuf),
    /// The admin token can't be read.
    #[error(transparent)]
    Token(#[from] SecretError),
    /// The HTTP client can't be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The relay does not answer, or not with what was asked for.
    #[error("the relay at {0}: {1}")]
    Answer(String, String),
}

impl AdminClient {
    /// The relay that has `dir`.
    ///
    /// # Errors
    ///
    /// When it does not say where it is, or its token can't be read.
    pub fn at(config: &Config, dir: &Path) -> Result<Self, AdminClientError> {
        let admin = announced(dir).ok_or_else(|| AdminClientError::Silent(dir.to_owned()))?;
        Self::at_url(config, &format!("http://{admin}"))
    }

    /// The relay whose admin listener is at `base`.
    ///
    /// # Errors
    ///
    /// When its token can't be read. None is made: it would not be the relay's.
    pub fn at_url(config: &Config, base: &str) -> Result<Self, AdminClientError> {
        let made = config.data_dir.join(ADMIN_TOKEN);
        if config.admin_token.is_none() && !made.exists() {
            return Err(AdminClientError::NoToken(made));
        }
        Ok(Self {
            client: Client::new(base.starts_with("https:"))?,
            base: base.trim_end_matches('/').to_owned(),
            token: admin_token(config)?,
            why: None,
        })
    }

    /// The same, with `why` for the relay's audit.
    #[must_use]
    pub fn because(mut self, why: &str) -> Self {
        let why: String = why.chars().filter(|c| !c.is_control()).collect();
        self.why = (!why.is_empty()).then_some(why);
        self
    }

    /// What it answers to a GET.
    ///
    /// # Errors
    ///
    /// When the relay does not answer, or not with what was asked for.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, AdminClientError> {
        self.ask(self.client.get(format!("{}{path}", self.base)))
            .await
    }

    /// What it answers to a GET, as it is, with whether it found anything.
    ///
    /// # Errors
    ///
    /// When the relay does not answer, or says no.
    pub async fn look(&self, path: &str) -> Result<Looked, AdminClientError> {
        let request = self.client.get(format!("{}{path}", self.base));
        let answer = self.answer(request).await?;
        if answer.status.is_success() {
            let found = answer.headers.get(FOUND);
            return Ok(Looked {
                is_found: found.is_none_or(|found| found != "0"),
                body: answer.body,
            });
        }
        let said = self.in_words(answer.status, &answer.body);
        Err(AdminClientError::Answer(self.base.clone(), said))
    }

    /// The events of `path` as they come, from behind the one of the id `last`. When it ends the relay has stopped or the
    /// connection is gone.
    ///
    /// # Errors
    ///
    /// When the relay does not answer, or says no.
    pub async fn follow(
        &self,
        path: &str,
        last: Option<&str>,
    ) -> Result<reqwest::Response, AdminClientError> {
        let mut request = self.allowed(self.client.get(format!("{}{path}", self.base)));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let failed = |said: String| AdminClientError::Answer(self.base.clone(), said);
        let answer = self.client.follow(request).await;
        let answer = answer.map_err(|error| failed(chain(&error)))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let body = answer.bytes().await.unwrap_or_default();
        Err(failed(self.in_words(status, &body)))
    }

    /// What it answers to a POST.
    ///
    /// # Errors
    ///
    /// When the relay does not answer, or not with what was asked for.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Vec<u8>,
    ) -> Result<T, AdminClientError> {
        let request = self.client.post(format!("{}{path}", self.base));
        self.ask(
            request
                .header("content-type", "application/json")
                .body(body),
        )
        .await
    }

    /// What it answers to a DELETE; `None` if there was nothing to delete.
    ///
    /// # Errors
    ///
    /// When the relay does not answer, or not with what was asked for.
    pub async fn delete<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Option<T>, AdminClientError> {
        let request = self.client.delete(format!("{}{path}", self.base));
        let (status, answer) = self.exchange(request).await?;
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.read(status, &answer).map(Some)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, AdminClientError> {
        let (status, answer) = self.exchange(request).await?;
        self.read(status, &answer)
    }

    fn read<T: DeserializeOwned>(
        &self,
        status: StatusCode,
        answer: &[u8],
    ) -> Result<T, AdminClientError> {
        serde_json::from_slice(answer)
            .map_err(|_| AdminClientError::Answer(self.base.clone(), self.in_words(status, answer)))
    }

    fn in_words(&self, status: StatusCode, answer: &[u8]) -> String {
        match status {
            StatusCode::UNAUTHORIZED => {
                "it has another admin token: give the relay's own with --admin-token-file"
                    .to_owned()
            }
            _ => match serde_json::from_slice::<Refusal>(answer) {
                Ok(refusal) => refusal.error,
                Err(_) => format!("{status}: {}", String::from_utf8_lossy(answer)),
            },
        }
    }

    async fn exchange(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<(StatusCode, Bytes), AdminClientError> {
        let answer = self.answer(request).await?;
        Ok((answer.status, answer.body))
    }

    /// The same request with the token, and why it is made.
    fn allowed(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        let request = request.bearer_auth(String::from_utf8_lossy(self.token.expose_secret()));
        match &self.why {
            Some(why) => request.header("x-audit-why", why.as_bytes()),
            None => request,
        }
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Response, AdminClientError> {
        let failed = |said: String| AdminClientError::Answer(self.base.clone(), said);
        let request = self.allowed(request);
        let answer = self.client.send(request, MAX_ANSWER_BYTES).await;
        let answer = answer.map_err(|error| failed(chain(&error)))?;
        match answer.end {
            End::Whole => Ok(answer),
            End::Cut => Err(failed(format!(
                "it answers with over {MAX_ANSWER_BYTES} bytes"
            ))),
            End::Broken(error) => Err(failed(chain(&error))),
        }
    }
}

/// More of an answer is not read: a page of dead letters is a few megabytes.
const MAX_ANSWER_BYTES: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::config::RawConfig;

    #[tokio::test]
    async fn an_answer_without_end_is_not_read_to_its_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("it is bound"));
        let sent = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a request");
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await.expect("its head");
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
            stream.write_all(head.as_bytes()).await.expect("it is read");
            let block = vec![b' '; 1 << 20];
            for sent in 0..2 * MAX_ANSWER_BYTES / block.len() {
                if stream.write_all(&block).await.is_err() {
                    return sent;
                }
            }
            usize::MAX
        });
        let dir = tempfile::tempdir().expect("a directory");
        let config = Config::try_from(RawConfig::embedded(dir.path())).expect("settings");
        crate::identity::Secret::in_dir(dir.path(), ADMIN_TOKEN).expect("a token");
        let relay = AdminClient::at_url(&config, &base).expect("a client");
        let answer = relay
            .get::<u64>("/")
            .await
            .map_err(|error| error.to_string());
        let error = answer.expect_err("no number");
        assert!(
            error.len() < 200 && error.contains("over 67108864 bytes"),
            "{:.300}",
            error
        );
        assert!(sent.await.expect("it ends") < 2 * MAX_ANSWER_BYTES);
    }
}
