//! The OTLP/HTTP backend: sends one request, says what came back.
//!
//! It may answer with anything, slowly or not at all: what is read of an answer, and how long it is waited for, is bounded.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use prost::Message;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::ExposeSecret;
use url::Url;

use super::echo::Echo;
use super::retry::Answer;
use crate::config::UpstreamConfig;
use crate::http::{self, Client, ClientError};
use crate::spool::join;
use crate::text::chain;

/// A client of one backend.
#[derive(Clone, Debug)]
pub struct Upstream {
    client: Client,
    url: Url,
    echo: Echo,
}

impl Upstream {
    /// A client that sends logs.
    ///
    /// # Errors
    ///
    /// When there is no way to verify a certificate.
    pub fn new(config: &UpstreamConfig) -> Result<Self, ClientError> {
        Self::to(config, "v1/logs")
    }

    /// The same for spans.
    #[must_use]
    pub fn of_spans(&self) -> Self {
        let mut url = self.url.clone();
        let base = url.path().strip_suffix("v1/logs").unwrap_or("/");
        let path = format!("{base}v1/traces");
        url.set_path(&path);
        Self {
            client: self.client.clone(),
            url,
            echo: self.echo.clone(),
        }
    }

    fn to(config: &UpstreamConfig, path: &str) -> Result<Self, ClientError> {
        let mut headers = HeaderMap::new();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-protobuf"),
        );
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        if let Some(token) = &config.token {
            // Known to be visible ASCII since the settings were read.
            if let Ok(mut value) = HeaderValue::from_str(token.expose_secret()) {
                value.set_sensitive(true);
                headers.insert(AUTHORIZATION, value);
            }
        }
        let client = Client::with_headers(config.endpoint.scheme() == "https", headers)?;
        let mut url = config.endpoint.clone();
        url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
        let echo = Echo::of(config.token.as_ref());
        Ok(Self { client, url, echo })
    }

    /// Sends an encoded `ExportLogsServiceRequest` that is gzipped already.
    pub async fn send(&self, gzip: Vec<u8>) -> Answer {
        let request = self.client.post(self.url.clone()).body(gzip);
        match self.client.send(request, MAX_ANSWER_BYTES).await {
            Ok(response) => read(&response, &self.echo),
            Err(error) => no_answer(chain(&error)),
        }
    }

    /// Sends a request with nothing in it, which changes nothing.
    pub async fn probe(&self) -> Answer {
        self.send(join([])).await
    }
}

fn read(response: &http::Response, echo: &Echo) -> Answer {
    let status = response.status.as_u16();
    let retry_after = response.retry_after();
    let says_page = response
        .headers
        .get(CONTENT_TYPE)
        .is_some_and(|value| begins(value.as_bytes(), "text/html"));
    // A status is an answer, whatever becomes of its body.
    let body = &response.body;
    let is_page = says_page || is_page(body);
    let mut answer = Answer {
        status: Some(status),
        retry_after,
        is_page,
        ..Answer::default()
    };
    if is_page {
        answer.message = "a web page, not OTLP: check --otlp-endpoint".to_owned();
    } else if (200..300).contains(&status) {
        let partial = ExportLogsServiceResponse::decode(&body[..])
            .ok()
            .and_then(|response| response.partial_success);
        if let Some(partial) = partial {
            answer.refused = u64::try_from(partial.rejected_log_records).unwrap_or_default();
            answer.message = printable(&partial.error_message, echo);
        }
    } else {
        // A `google.rpc.Status` has its text in the middle of a few bytes of framing; that is readable enough.
        answer.message = printable(&String::from_utf8_lossy(body), echo);
    }
    answer
}

/// Whether it is a page, whatever its headers say.
fn is_page(body: &[u8]) -> bool {
    let body = body.trim_ascii_start();
    begins(body, "<!doctype html") || begins(body, "<html")
}

fn begins(bytes: &[u8], with: &str) -> bool {
    let head = bytes.get(..with.len());
    head.is_some_and(|head| head.eq_ignore_ascii_case(with.as_bytes()))
}

/// What of an upstream's words may be shown: without our token, and hidden before it is cut.
fn printable(text: &str, echo: &Echo) -> String {
    let text: String = text
        .chars()
        .filter(|character| !character.is_control())
        .collect();
    echo.hide(&text).chars().take(MAX_MESSAGE_CHARS).collect()
}

fn no_answer(message: String) -> Answer {
    Answer {
        message,
        ..Answer::default()
    }
}

/// More of an answer is not read: an upstream may answer with anything.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// What of an upstream's words goes into the log.
const MAX_MESSAGE_CHARS: usize = 300;
