//! HTTP by reqwest, on a runtime of the sender's own thread.
//!
//! Its promises: the client is built at the first request, not at the start of the program; no redirect is followed;
//! an answer is read up to a cap; TLS by rustls with the platform's roots.

use std::io::Write as _;
use std::time::{Duration, SystemTime};

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, StatusCode, Url, redirect};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::runtime::Runtime;
use tracing_core::{Dispatch, dispatcher};

use super::transport::{Answer, MAX_ANSWER_BYTES, Request, Transport};

/// Time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time from the first byte sent to the last byte read.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The endpoint is no URL that records could be sent to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// It does not parse. Write it with its scheme: `https://relay.example`.
    #[error("relay URL `{url}`: {reason}; write it as `https://relay.example`")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// It carries a user or password, which would end up in logs. Use a token.
    #[error("relay URL with credentials in it: they would end up in logs; use a token")]
    Credentials,
}

/// The [`Transport`] of the `http` feature.
#[derive(Debug)]
pub struct Http {
    base: Url,
    shown: String,
    client: Option<(Runtime, Client)>,
}

impl Http {
    /// Sends to the relay at this base URL.
    ///
    /// # Errors
    /// What is given is no http or https URL with a host, or it has credentials in it.
    pub fn new(url: &str) -> Result<Self, EndpointError> {
        let refused = |reason: &str| EndpointError::Url {
            url: url.to_owned(),
            reason: reason.to_owned(),
        };
        let mut base = Url::parse(url).map_err(|error| {
            if url.contains('@') {
                EndpointError::Credentials
            } else {
                refused(&error.to_string())
            }
        })?;
        if !base.username().is_empty() || base.password().is_some() {
            return Err(EndpointError::Credentials);
        }
        if !matches!(base.scheme(), "http" | "https") {
            return Err(refused("its scheme is neither http nor https"));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(refused("it has a query or fragment"));
        }
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        Ok(Self {
            shown: base.as_str().trim_end_matches('/').to_owned(),
            base,
            client: None,
        })
    }

    /// The runtime and client, built where they are used.
    fn client(&mut self) -> Result<&(Runtime, Client), String> {
        let built = match self.client.take() {
            Some(built) => built,
            None => build()?,
        };
        Ok(self.client.insert(built))
    }
}

impl Transport for Http {
    fn prepare(&mut self) {
        // What goes wrong here is said by the request that needs it.
        let _ = self.client();
    }

    fn post(&mut self, request: &Request<'_>) -> Answer {
        let mut url = self.base.clone();
        url.set_path(&format!(
            "{}{}",
            self.base.path().trim_end_matches('/'),
            request.path
        ));
        match self.client() {
            Ok((runtime, client)) => runtime
                .block_on(exchange(client, url, request))
                .unwrap_or_else(|error| unanswered(root_cause(&error))),
            Err(error) => unanswered(error),
        }
    }

    fn endpoint(&self) -> &str {
        &self.shown
    }
}

fn build() -> Result<(Runtime, Client), String> {
    // Name look-ups block a thread of the runtime's pool: one, without a subscriber, gone after a while.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .thread_name("courier-resolve")
        .thread_keep_alive(Duration::from_secs(1))
        .on_thread_start(|| std::mem::forget(dispatcher::set_default(&Dispatch::none())))
        .build()
        .map_err(|error| format!("cannot start the sender's runtime: {error}"))?;
    let client = runtime.block_on(async {
        Client::builder()
            .tls_backend_preconfigured(tls()?)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .redirect(redirect::Policy::none())
            .user_agent(concat!(
                env!("CARGO_PKG_NAME"),
                "/",
                env!("CARGO_PKG_VERSION")
            ))
            .build()
            .map_err(|error| format!("cannot build the HTTP client: {}", root_cause(&error)))
    })?;
    Ok((runtime, client))
}

async fn exchange(
    client: &Client,
    url: Url,
    request: &Request<'_>,
) -> Result<Answer, reqwest::Error> {
    let mut post = client
        .post(url)
        .header(CONTENT_TYPE, "application/json")
        .header("x-request-id", request.request_id);
    if let Some(token) = request.token {
        post = post.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    post = match gzip(request.body) {
        Ok(body) => post.header(CONTENT_ENCODING, "gzip").body(body),
        Err(_) => post.body(request.body.to_vec()),
    };
    let mut response = post.send().await?;
    let status = response.status();
    let retry_after = retry_after(response.headers(), SystemTime::now());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = MAX_ANSWER_BYTES - body.len();
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if body.len() >= MAX_ANSWER_BYTES {
            break;
        }
    }
    Ok(Answer {
        status: Some(status.as_u16()),
        retry_after: retry_after.filter(|_| status != StatusCode::OK),
        body,
        error: None,
    })
}

fn gzip(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}

/// Seconds or an HTTP date, as RFC 9110 has it.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => {
            let at = httpdate::parse_http_date(text).ok()?;
            Some(at.duration_since(now).unwrap_or_default())
        }
    }
}

fn unanswered(error: String) -> Answer {
    Answer {
        error: Some(error),
        ..Answer::default()
    }
}

/// The innermost cause, which says `connection refused` where the outermost says `error sending request`.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// rustls with the provider named, so that no process-wide default is needed or touched.
fn tls() -> Result<rustls::ClientConfig, String> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_platform_verifier())
        .map_err(|error| format!("cannot set TLS up: {error}"))?;
    Ok(config.with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_that_is_none_is_refused_by_name() {
        for (url, message) in [
            (
                "",
                "relay URL ``: relative URL without a base; write it as `https://relay.example`",
            ),
            (
                "relay.example",
                "relay URL `relay.example`: relative URL without a base; write it as `https://relay.example`",
            ),
            (
                "ftp://relay.example",
                "relay URL `ftp://relay.example`: its scheme is neither http nor https; write it as `https://relay.example`",
            ),
            (
                "http://",
                "relay URL `http://`: empty host; write it as `https://relay.example`",
            ),
            (
                "https://relay.example?x=1",
                "relay URL `https://relay.example?x=1`: it has a query or fragment; write it as `https://relay.example`",
            ),
            (
                "https://ada:hunter2@relay.example",
                "relay URL with credentials in it: they would end up in logs; use a token",
            ),
            (
                "https://ada:hunter2@:x",
                "relay URL with credentials in it: they would end up in logs; use a token",
            ),
        ] {
            assert_eq!(Http::new(url).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn an_endpoint_may_have_a_path_and_ends_without_a_slash() {
        for (url, shown) in [
            ("https://relay.example", "https://relay.example"),
            ("http://127.0.0.1:8787/", "http://127.0.0.1:8787"),
            ("https://relay.example/logs/", "https://relay.example/logs"),
        ] {
            assert_eq!(Http::new(url).unwrap().endpoint(), shown);
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (value, seconds) in [
            ("120", Some(120)),
            (" 5 ", Some(5)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
            assert_eq!(
                retry_after(&headers, now),
                seconds.map(Duration::from_secs),
                "{value}"
            );
        }
    }
}
