//! Why a sender could not be started.

use std::io;

#[cfg(feature = "http")]
use super::http::{CertificateError, EndpointError};
use super::token::NotAToken;

/// The sender could not be started; nothing was installed.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// The URL is none that records could be sent to.
    #[cfg(feature = "http")]
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// A certificate or key can't be used.
    #[cfg(feature = "http")]
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The token is the empty text: a variable that is not set, a file that is empty? Where the relay wants none, call
    /// no `.token(..)`.
    #[error("the token is empty: where the relay wants none, call no `.token(..)`")]
    EmptyToken,
    /// A token is one line of visible ASCII. Check for a line break at its end.
    #[error("the token holds a character that no HTTP header can carry (a line break at its end?)")]
    Token,
    /// A setting is out of range.
    #[error("{setting} must be more than zero")]
    Zero {
        /// Which one.
        setting: &'static str,
    },
    /// A setting is over what a relay takes.
    #[error("{setting} is {value}: a relay takes {max} at most")]
    OverLimit {
        /// Which one.
        setting: &'static str,
        /// What was given.
        value: usize,
        /// The relay's limit.
        max: usize,
    },
    /// The system gave no thread.
    #[error("cannot start the sender's thread: {0}")]
    Thread(io::Error),
}
courier_sanitize::debug_is_display!(BackendError);

impl From<NotAToken> for BackendError {
    fn from(why: NotAToken) -> Self {
        match why {
            NotAToken::Empty => Self::EmptyToken,
            NotAToken::Character => Self::Token,
        }
    }
}
