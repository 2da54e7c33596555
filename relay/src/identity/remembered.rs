//! Tokens that were good of late, so that a signature is not checked for each request.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::published::Fingerprint;

/// Whose tokens were good, by their hash.
#[derive(Default)]
pub struct Remembered(Mutex<HashMap<[u8; 32], Verified>>);

/// A token that was good, and for how long that is believed.
struct Verified {
    subject: String,
    until: Instant,
    /// The published key that it was good for: it ends with that key.
    key: Option<Fingerprint>,
}

impl Remembered {
    /// Whose token that is, if it was good a short while ago and its published key, by `is_published`, still is.
    pub fn subject(
        &self,
        token: &[u8; 32],
        is_published: impl Fn(&Fingerprint) -> bool,
    ) -> Option<String> {
        let verified = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        verified
            .get(token)
            .filter(|verified| verified.until > Instant::now())
            .filter(|verified| verified.key.as_ref().is_none_or(is_published))
            .map(|verified| verified.subject.clone())
    }

    /// Keeps that a token is good, which ends in `left` seconds.
    pub fn keep(&self, token: [u8; 32], subject: &str, left: f64, key: Option<Fingerprint>) {
        let left = Duration::try_from_secs_f64(left.max(0.0))
            .unwrap_or(REMEMBERED)
            .min(REMEMBERED);
        let now = Instant::now();
        let mut verified = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= MAX_VERIFIED {
            verified.retain(|_, verified| verified.until > now);
        }
        if verified.len() < MAX_VERIFIED || verified.contains_key(&token) {
            verified.insert(
                token,
                Verified {
                    subject: subject.to_owned(),
                    until: now + left,
                    key,
                },
            );
        }
    }
}

/// A token that was good is believed this long at most, and no longer than its key is published.
const REMEMBERED: Duration = Duration::from_secs(300);

/// Tokens that are remembered.
const MAX_VERIFIED: usize = 20_000;
