//! Why a token or a key is no good.

use std::time::Duration;

use super::secret::SecretError;
use crate::http::{ApiError, ClientError};

/// Why a token is refused. The client gets the same answer for each reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// There is no `Authorization: Bearer …`.
    #[error("no bearer token")]
    Missing,
    /// The token is longer than any token should be.
    #[error("a token of {0} bytes")]
    TooLong(usize),
    /// The token's signature, its times, its issuer or audience: what the check said.
    #[error("{0}")]
    Bad(String),
    /// The token names no subject.
    #[error("`sub` is empty")]
    NoSubject,
    /// The token names a key that is not among the published ones.
    #[error("an unknown key")]
    UnknownKey,
    /// The token's header has `crit`.
    #[error("its header has `crit`")]
    Critical,
    /// Whether it is good can't be known before newer keys are fetched.
    #[error("its key is not known yet; keys may be fetched again in {0:?}")]
    KeysAway(Duration),
}

impl From<TokenError> for ApiError {
    /// One answer for every token that is no good; "later" for one that can't be told yet.
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::KeysAway(wait) => Self::KeyUnknown(wait.as_secs() + 1),
            _ => Self::Unauthorized,
        }
    }
}

/// The key that tokens are checked with can't be used. Nothing was started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Write an RSA, P-256 or Ed25519 public key in PEM into the file.
    #[error("--jwt-public-key-file: no RSA, P-256 or Ed25519 public key in PEM")]
    NotAPublicKey,
    /// The development secret could not be made or read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// There is no way to verify the key server's certificate.
    #[error("--jwks-url")]
    Client(#[from] ClientError),
}
