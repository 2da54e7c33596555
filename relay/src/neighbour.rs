//! The relay that runs on the same data directory, reached by a command through its admin API.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretBox};
use serde::de::DeserializeOwned;

use crate::config::Config;
use crate::error::chain;
use crate::export::{self, UpstreamError};
use crate::identity::{ADMIN_TOKEN, SecretError};
use crate::serve::admin_token;
use crate::spool::{announced, is_held};
use crate::status::Status;

/// A running relay.
pub struct Neighbour {
    client: reqwest::Client,
    base: String,
    token: SecretBox<[u8]>,
}

/// The running relay can't be asked, or says no.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NeighbourError {
    /// Somebody has the directory and does not say where to reach it: a command like this one. Wait for it to end.
    #[error("data directory `{}` is in use", .0.display())]
    Silent(PathBuf),
    /// There is no admin token where it was looked for. Give the file that the relay was started with.
    #[error("no admin token at `{}`: give the relay's own with --admin-token-file", .0.display())]
    NoToken(PathBuf),
    /// No relay runs there, as far as the directory says.
    #[error("no relay runs on data directory `{}` (give another with --data-dir, or --admin-url; if one should, its log says why not: `journalctl -u courier-relay` where systemd runs it)", .0.display())]
    Nobody(PathBuf),
    /// Its admin token can't be read.
    #[error(transparent)]
    Token(#[from] SecretError),
    /// There is no HTTP client.
    #[error(transparent)]
    Client(#[from] UpstreamError),
    /// It does not answer, or not with what was asked for.
    #[error("the relay at {0}: {1}")]
    Answer(String, String),
}

impl Neighbour {
    /// The relay that has `dir`.
    ///
    /// # Errors
    ///
    /// When it does not say where it is, or its token can't be read.
    pub fn at(config: &Config, dir: &Path) -> Result<Self, NeighbourError> {
        let admin = announced(dir).ok_or_else(|| NeighbourError::Silent(dir.to_owned()))?;
        Self::at_url(config, &format!("http://{admin}"))
    }

    /// The relay whose admin listener is at `base`.
    ///
    /// # Errors
    ///
    /// When its token can't be read. None is made: it would not be the relay's.
    pub fn at_url(config: &Config, base: &str) -> Result<Self, NeighbourError> {
        let made = config.data_dir.join(ADMIN_TOKEN);
        if config.admin_token.is_none() && !made.exists() {
            return Err(NeighbourError::NoToken(made));
        }
        Ok(Self {
            client: export::client(base.starts_with("https:"))?,
            base: base.trim_end_matches('/').to_owned(),
            token: admin_token(config)?,
        })
    }

    /// What it answers to a GET.
    ///
    /// # Errors
    ///
    /// When it is not what was asked for.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, NeighbourError> {
        self.ask(self.client.get(format!("{}{path}", self.base)))
            .await
    }

    /// What it answers to a POST.
    ///
    /// # Errors
    ///
    /// When it is not what was asked for.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Vec<u8>,
    ) -> Result<T, NeighbourError> {
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
    /// When it is not what was asked for.
    pub async fn delete<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Option<T>, NeighbourError> {
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
    ) -> Result<T, NeighbourError> {
        let (status, answer) = self.exchange(request).await?;
        self.read(status, &answer)
    }

    fn read<T: DeserializeOwned>(
        &self,
        status: StatusCode,
        answer: &[u8],
    ) -> Result<T, NeighbourError> {
        serde_json::from_slice(answer).map_err(|_| {
            let said = match status {
                StatusCode::UNAUTHORIZED => {
                    "it has another admin token: give the relay's own with --admin-token-file"
                        .to_owned()
                }
                _ => format!("{status}: {}", String::from_utf8_lossy(answer)),
            };
            NeighbourError::Answer(self.base.clone(), said)
        })
    }

    async fn exchange(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<(StatusCode, Bytes), NeighbourError> {
        let failed = |error: reqwest::Error| {
            NeighbourError::Answer(self.base.clone(), chain(&error.without_url()))
        };
        let token = String::from_utf8_lossy(self.token.expose_secret());
        let response = request.bearer_auth(token).send().await.map_err(failed)?;
        let status = response.status();
        let answer = response.bytes().await.map_err(failed)?;
        Ok((status, answer))
    }
}

/// How the relay is that runs on the data directory, or whose admin listener is at `admin_url`.
///
/// # Errors
///
/// When none runs, or it can't be asked.
pub async fn status(config: &Config, admin_url: Option<&str>) -> Result<Status, NeighbourError> {
    let relay = match admin_url {
        Some(url) => Neighbour::at_url(config, url)?,
        None if is_held(&config.data_dir) => Neighbour::at(config, &config.data_dir)?,
        None => return Err(NeighbourError::Nobody(config.data_dir.clone())),
    };
    relay.get("/admin/v1/status").await
}
