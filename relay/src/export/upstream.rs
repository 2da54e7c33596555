//! The OTLP/HTTP backend: sends one request, says what came back.
//!
//! It may answer with anything, slowly or not at all: what is read of an answer, and how long it is waited for, is bounded.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use prost::Message;
use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER,
};
use secrecy::ExposeSecret;
use url::Url;

use super::echo::Echo;
use super::retry::Answer;
use crate::config::UpstreamConfig;
use crate::spool::join;
use crate::text::chain;

/// A client of one backend.
#[derive(Clone, Debug)]
pub struct Upstream {
    client: reqwest::Client,
    url: Url,
    echo: Echo,
}

/// The client could not be made. Nothing was started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// The platform's root certificates could not be loaded; install them (`ca-certificates`).
    #[error("cannot verify certificates for --otlp-endpoint: {0}")]
    Certificates(rustls::Error),
    /// The HTTP client refused its settings.
    #[error("cannot make a client for --otlp-endpoint")]
    Client(#[from] reqwest::Error),
}

impl Upstream {
    /// A client that sends logs.
    ///
    /// # Errors
    ///
    /// When there is no way to verify a certificate.
    pub fn new(config: &UpstreamConfig) -> Result<Self, UpstreamError> {
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

    fn to(config: &UpstreamConfig, path: &str) -> Result<Self, UpstreamError> {
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
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(config.endpoint.scheme() == "https")?)
            .default_headers(headers)
            .user_agent(concat!("courier-relay/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .build()?;
        let mut url = config.endpoint.clone();
        url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
        let echo = Echo::of(config.token.as_ref());
        Ok(Self { client, url, echo })
    }

    /// Sends an encoded `ExportLogsServiceRequest` that is gzipped already.
    pub async fn send(&self, gzip: Vec<u8>) -> Answer {
        match self.client.post(self.url.clone()).body(gzip).send().await {
            Ok(response) => read(response, &self.echo).await,
            Err(error) => no_answer(chain(&error.without_url())),
        }
    }

    /// Sends a request with nothing in it, which changes nothing.
    pub async fn probe(&self) -> Answer {
        self.send(join([])).await
    }
}

/// A client that asks one server for something small; by https, or by plain HTTP on this machine.
///
/// # Errors
///
/// When there is no way to verify a certificate.
pub fn client(is_https: bool) -> Result<reqwest::Client, UpstreamError> {
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls(is_https)?)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT);
    Ok(if is_https {
        builder
    } else {
        builder.no_proxy()
    }
    .build()?)
}

async fn read(mut response: reqwest::Response, echo: &Echo) -> Answer {
    let status = response.status().as_u16();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| retry_after(value.to_str().ok()?));
    let says_page = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| begins(value.as_bytes(), "text/html"));
    let mut body = Vec::new();
    while body.len() < MAX_ANSWER_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            // A status is an answer, whatever becomes of its body.
            Err(_) => break,
        }
    }
    let is_page = says_page || is_page(&body);
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
        answer.message = printable(&String::from_utf8_lossy(&body), echo);
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

/// `Retry-After` in seconds or as an HTTP date.
fn retry_after(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text.trim()).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default())
}

/// TLS by ring, so that only a C compiler is needed to build; without certificates where none are needed.
fn tls(is_https: bool) -> Result<rustls::ClientConfig, UpstreamError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(UpstreamError::Certificates)?;
    if !is_https {
        let none = rustls::RootCertStore::empty();
        return Ok(builder.with_root_certificates(none).with_no_client_auth());
    }
    let verifier =
        rustls_platform_verifier::Verifier::new(provider).map_err(UpstreamError::Certificates)?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// How long a connection may take to stand.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long one request may take in all.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// More of an answer is not read: an upstream may answer with anything.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// What of an upstream's words goes into the log.
const MAX_MESSAGE_CHARS: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(retry_after("7"), Some(Duration::from_secs(7)));
        assert_eq!(
            retry_after("Wed, 21 Oct 2015 07:28:00 GMT"),
            Some(Duration::ZERO)
        );
        let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(100);
        let soon = jiff::fmt::rfc2822::DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&soon)
            .expect("a date");
        let wait = retry_after(&soon).expect("it is a date");
        assert!(
            wait > Duration::from_secs(90) && wait <= Duration::from_secs(100),
            "{soon}: {wait:?}"
        );
        assert_eq!(retry_after("soon"), None);
    }
}
