//! Pseudonyms by HMAC-SHA-256.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::policy::error::PolicyError;
use crate::policy::pseudonym::{MIN_KEY_BYTES, Pseudonyms};
use crate::rule_names::Rule;

impl Pseudonyms {
    /// Pseudonyms for `rules` by the first 50 bits of HMAC-SHA-256 under `key`.
    ///
    /// # Errors
    /// A key of fewer than 32 bytes, or a rule other than e-mail and IP.
    pub fn hmac_sha256(
        rules: impl IntoIterator<Item = Rule>,
        key: &[u8],
    ) -> Result<Self, PolicyError> {
        if key.len() < MIN_KEY_BYTES {
            return Err(PolicyError::ShortKey(key.len()));
        }
        // HMAC takes keys of any length.
        let mac =
            Hmac::<Sha256>::new_from_slice(key).map_err(|_| PolicyError::ShortKey(key.len()))?;
        Self::new(rules, move |input| {
            let mut mac = mac.clone();
            mac.update(input);
            let [a, b, c, d, e, f, g, ..] = <[u8; 32]>::from(mac.finalize().into_bytes());
            [a, b, c, d, e, f, g]
        })
    }
}
