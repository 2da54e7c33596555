//! Settings of a sender over HTTP.

use std::time::Duration;

use super::super::error::BackendError;
use super::encode::Compression;
use super::tls::Trust;

/// Time to connect, name look-up and TLS included: 10 s, what a poor mobile network takes.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time from the first byte sent to the last byte read: 30 s, a full batch at 250 kbit/s.
pub const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for a token provider that is a future: 10 s, what a request of its own may take.
pub const TOKEN_TIMEOUT: Duration = Duration::from_secs(10);

/// What is set once, before the start.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(super) compression: Compression,
    pub(super) connect_timeout: Duration,
    pub(super) request_timeout: Duration,
    pub(super) trust: Trust,
    pub(super) has_proxy: bool,
    pub may_be_plain: bool,
    pub is_locked: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            compression: Compression::default(),
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            request_timeout: DEFAULT_REQUEST_TIMEOUT,
            trust: Trust::default(),
            has_proxy: true,
            may_be_plain: false,
            is_locked: false,
        }
    }
}

impl Settings {
    pub fn check(&self) -> Result<(), BackendError> {
        for (setting, value) in [
            ("connect_timeout", self.connect_timeout),
            ("request_timeout", self.request_timeout),
        ] {
            if value.is_zero() {
                return Err(BackendError::Zero { setting });
            }
        }
        Ok(())
    }
}
