//! The OTLP/HTTP backend: sends one request, says what came back.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use prost::Message;
use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER,
};
use secrecy::ExposeSecret;
use url::Url;

use super::retry::Answer;
use crate::config::UpstreamConfig;
use crate::error::chain;

/// A client of one backend.
#[derive(Clone, Debug)]
pub struct Upstream {
    client: reqwest::Client,
    url: Url,
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
    /// A client for `config`.
    ///
    /// # Errors
    ///
    /// When there is no way to verify a certificate.
    pub fn new(config: &UpstreamConfig) -> Result<Self, UpstreamError> {
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
        url.set_path(&format!("{}/v1/logs", url.path().trim_end_matches('/')));
        Ok(Self { client, url })
    }

    /// Sends an encoded `ExportLogsServiceRequest`, gzipped.
    pub async fn send(&self, request: Vec<u8>) -> Answer {
        let body = match tokio::task::spawn_blocking(move || gzip(&request)).await {
            Ok(Ok(body)) => body,
            _ => return no_answer("the request could not be compressed".to_owned()),
        };
        match self.client.post(self.url.clone()).body(body).send().await {
            Ok(response) => read(response).await,
            Err(error) => no_answer(chain(&error.without_url())),
        }
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

async fn read(mut response: reqwest::Response) -> Answer {
    let status = response.status().as_u16();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| retry_after(value.to_str().ok()?));
    let mut body = Vec::new();
    while body.len() < MAX_ANSWER_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            // A status is an answer, whatever becomes of its body.
            Err(_) => break,
        }
    }
    let mut answer = Answer {
        status: Some(status),
        retry_after,
        ..Answer::default()
    };
    if (200..300).contains(&status) {
        let partial = ExportLogsServiceResponse::decode(&body[..])
            .ok()
            .and_then(|response| response.partial_success);
        if let Some(partial) = partial {
            answer.refused = u64::try_from(partial.rejected_log_records).unwrap_or_default();
            answer.message = partial.error_message;
        }
    } else {
        // A `google.rpc.Status` has its text in the middle of a few bytes of framing; that is readable enough.
        let text = String::from_utf8_lossy(&body);
        answer.message = text
            .chars()
            .filter(|character| !character.is_control())
            .take(MAX_MESSAGE_CHARS)
            .collect();
    }
    answer
}

fn no_answer(message: String) -> Answer {
    Answer {
        message,
        ..Answer::default()
    }
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::new(1));
    encoder.write_all(bytes)?;
    encoder.finish()
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
