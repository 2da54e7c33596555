//! Setters of a sender over HTTP.

use std::error::Error;
use std::time::Duration;

use super::super::builder::BackendBuilder;
use super::super::error::BackendError;
use super::encode::Compression;
use super::settings::TOKEN_TIMEOUT;

/// Of a sender over HTTP; a transport of the program's own has its settings itself.
impl BackendBuilder {
    /// Sets how bodies are compressed. By default gzip.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.http.compression = compression;
        self
    }

    /// Sets the time to connect. By default [`DEFAULT_CONNECT_TIMEOUT`](super::DEFAULT_CONNECT_TIMEOUT).
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.http.connect_timeout = timeout;
        self
    }

    /// Sets the time for a whole request, its answer included. By default [`DEFAULT_REQUEST_TIMEOUT`](super::DEFAULT_REQUEST_TIMEOUT).
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.http.request_timeout = timeout;
        self
    }

    /// Trusts these root certificates (PEM) beside the platform's.
    pub fn root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        let added = self.http.trust.add_roots(pem.as_ref());
        self.remember(added.map_err(BackendError::Certificate));
        self
    }

    /// Shows this certificate (PEM, with the chain that leads up to it) to a relay that asks for one (mTLS). The key
    /// is PEM too, not encrypted.
    pub fn client_certificate(
        mut self,
        certificate: impl AsRef<[u8]>,
        key: impl AsRef<[u8]>,
    ) -> Self {
        let set = self
            .http
            .trust
            .set_client(certificate.as_ref(), key.as_ref());
        self.remember(set.map_err(BackendError::Certificate));
        self
    }

    /// Connects directly, also where `HTTPS_PROXY` or `ALL_PROXY` (less `NO_PROXY`) name a proxy. By default they are
    /// honoured for https, through `CONNECT` or SOCKS: the proxy sees the relay's name and port, and nothing else. A
    /// relay on this machine, and one that is asked over plain http, is never asked through a proxy. `NO_PROXY` is read
    /// as curl reads it, and an entry may name a port.
    pub fn without_proxy(mut self) -> Self {
        self.http.has_proxy = false;
        self
    }

    /// Allows `http://` to other machines: records and token cross the network in the clear. No proxy is used then: it
    /// would read both.
    pub fn allow_plain_http(mut self) -> Self {
        self.http.may_be_plain = true;
        self
    }

    /// Nothing changes the endpoint while the program runs.
    pub fn lock_endpoint(mut self) -> Self {
        self.http.is_locked = true;
        self
    }

    /// Asks this future for the bearer token before each batch, on the sender's own runtime. Without an answer within
    /// [`TOKEN_TIMEOUT`], with an error or a panic, the sender pauses with that reason and asks again later.
    pub fn token_provider_async<F, E>(
        mut self,
        mut provider: impl FnMut() -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<String, E>>,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let runtime = self.runtime.clone();
        self.ask = Some(Box::new(move || {
            runtime.get()?.block_on(async {
                match tokio::time::timeout(TOKEN_TIMEOUT, provider()).await {
                    Ok(token) => token.map_err(Into::into),
                    Err(_) => Err(format!("no answer within {TOKEN_TIMEOUT:?}").into()),
                }
            })
        }));
        self
    }
}
