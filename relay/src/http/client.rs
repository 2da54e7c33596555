//! The client of every request that the relay makes: to an upstream, to who publishes keys, to a running relay.
//!
//! 1. TLS is rustls with ring and the platform's certificates; no process-wide provider is needed or touched;
//! 2. no redirect is followed, so that a token goes only to the server that it is for;
//! 3. a connection takes at most [`CONNECT_TIMEOUT`], a request with its answer at most [`REQUEST_TIMEOUT`];
//! 4. of an answer no more is read than the caller has room for: a server may answer with anything.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Request, RequestBuilder, StatusCode};

/// A client; a cheap handle.
#[derive(Clone, Debug)]
pub struct Client(reqwest::Client);

/// The client could not be made. Nothing was started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The platform's root certificates could not be loaded; install them (`ca-certificates`).
    #[error("cannot verify certificates: {0}")]
    Certificates(rustls::Error),
    /// The HTTP client refused its settings.
    #[error("cannot make a client")]
    Client(#[from] reqwest::Error),
}

/// The answer to a request, as far as it was read.
#[derive(Debug)]
pub struct Response {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, and not much more of it than there was room for.
    pub body: Bytes,
    /// Whether that is the whole body.
    pub end: End,
}

/// How the body of an answer ended.
#[derive(Debug)]
pub enum End {
    /// The body is whole.
    Whole,
    /// The body is longer than the caller has room for.
    Cut,
    /// The connection broke before the body's end.
    Broken(reqwest::Error),
}

impl Client {
    /// A client that asks one server for something small: by https, or by plain HTTP on this machine, past any proxy.
    ///
    /// # Errors
    ///
    /// When there is no way to verify a certificate.
    pub fn new(is_https: bool) -> Result<Self, ClientError> {
        let builder = hardened(is_https)?;
        let builder = if is_https {
            builder
        } else {
            builder.no_proxy()
        };
        Ok(Self(builder.build()?))
    }

    /// A client of an upstream: each of its requests says who sends it, and has these headers.
    ///
    /// # Errors
    ///
    /// When there is no way to verify a certificate.
    pub fn with_headers(is_https: bool, headers: HeaderMap) -> Result<Self, ClientError> {
        let builder = hardened(is_https)?
            .default_headers(headers)
            .user_agent(concat!("courier-relay/", env!("CARGO_PKG_VERSION")));
        Ok(Self(builder.build()?))
    }

    /// A request to be filled, for [`Client::send`].
    pub fn get(&self, url: impl reqwest::IntoUrl) -> RequestBuilder {
        self.0.get(url)
    }

    /// See [`Client::get`].
    pub fn post(&self, url: impl reqwest::IntoUrl) -> RequestBuilder {
        self.0.post(url)
    }

    /// See [`Client::get`].
    pub fn delete(&self, url: impl reqwest::IntoUrl) -> RequestBuilder {
        self.0.delete(url)
    }

    /// Sends a request whose answer has no end, and gives it as it comes, unless it refuses.
    ///
    /// # Errors
    ///
    /// When there is no answer; the URL is not in the error's text.
    pub async fn follow(
        &self,
        request: RequestBuilder,
    ) -> Result<reqwest::Response, reqwest::Error> {
        let endless = Duration::from_secs(365 * 24 * 60 * 60);
        let request = request.timeout(endless).build()?;
        self.0
            .execute(request)
            .await
            .map_err(reqwest::Error::without_url)
    }

    /// Sends a request, and reads `max_bytes` of the answer, or a little more: what came together is kept together.
    ///
    /// # Errors
    ///
    /// When there is no answer; the URL is not in the error's text. An answer whose body broke off is one.
    pub async fn send(
        &self,
        request: RequestBuilder,
        max_bytes: usize,
    ) -> Result<Response, reqwest::Error> {
        self.execute(request.build()?, max_bytes).await
    }

    /// The same for a request that is complete.
    ///
    /// # Errors
    ///
    /// When there is no answer; the URL is not in the error's text.
    pub async fn execute(
        &self,
        request: Request,
        max_bytes: usize,
    ) -> Result<Response, reqwest::Error> {
        let response = self.0.execute(request).await;
        Ok(read(response.map_err(reqwest::Error::without_url)?, max_bytes).await)
    }
}

impl Response {
    /// How long the server asks to be left alone: `Retry-After` in seconds or as an HTTP date.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(self.headers.get(RETRY_AFTER)?.to_str().ok()?)
    }
}

async fn read(mut response: reqwest::Response, max_bytes: usize) -> Response {
    let mut body = BytesMut::new();
    let end = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break End::Whole,
            Err(error) => break End::Broken(error.without_url()),
        }
        if body.len() > max_bytes {
            break End::Cut;
        }
    };
    Response {
        status: response.status(),
        headers: std::mem::take(response.headers_mut()),
        body: body.freeze(),
        end,
    }
}

fn hardened(is_https: bool) -> Result<reqwest::ClientBuilder, ClientError> {
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls(is_https)?)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT))
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
fn tls(is_https: bool) -> Result<rustls::ClientConfig, ClientError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(ClientError::Certificates)?;
    if !is_https {
        let none = rustls::RootCertStore::empty();
        return Ok(builder.with_root_certificates(none).with_no_client_auth());
    }
    let verifier =
        rustls_platform_verifier::Verifier::new(provider).map_err(ClientError::Certificates)?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// How long a connection may take to stand.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long one request may take in all.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

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
