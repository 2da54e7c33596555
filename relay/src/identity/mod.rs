//! Who sends: decided from the token alone, before a byte of the body is read.
//!
//! Algorithms are pinned to the key, so a public key is never an HMAC secret and `none` is never one. `exp` and `sub` are
//! required; issuer and audience are checked when set. A token whose header has `crit` is refused: what has to be
//! understood is not understood here. Clocks may be a minute apart. Every refusal looks the same from outside; the reason
//! is in the relay's log.

mod error;
mod jwks;
mod key;
mod known;
mod published;
mod remembered;
mod secret;
mod verifier;

pub use error::{KeyError, TokenError};
pub use known::KeySet;
pub use secret::{ADMIN_TOKEN, DEVELOPMENT_SECRET, Secret, SecretError, admin_token};
pub use verifier::{Identity, Verifier, fetch, secret};
