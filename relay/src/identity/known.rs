//! What is known of published keys: those at hand, and how the last fetches went.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::published::Published;

/// What the last fetches brought.
#[derive(Clone, Default)]
pub struct Known {
    pub keys: Vec<Arc<Published>>,
    /// When the last fetch ended that brought a key set.
    pub fetched: Option<Instant>,
    /// When the last fetch began that brought a key set: it says nothing about what was published later.
    pub asked: Option<Instant>,
    /// When the last fetch ended, whatever it brought.
    pub tried: Option<Instant>,
    /// Since when the set has no key that could be used.
    pub empty_since: Option<Instant>,
    pub failures: u64,
    pub last_failure: Option<Failure>,
    pub is_failing: bool,
}

/// A fetch that brought no keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// When it failed.
    pub at: jiff::Timestamp,
    /// Why it failed.
    pub reason: String,
}

/// What is known of published keys, for metrics and for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet {
    /// How many keys are in use.
    pub keys: usize,
    /// How long ago the last fetch brought a key set; `None` if none ever did.
    pub age: Option<Duration>,
    /// Fetches that brought no keys, since the relay started.
    pub failures: u64,
    /// The last of them.
    pub last_failure: Option<Failure>,
    /// Whether the last fetch was one of them.
    pub is_failing: bool,
}

impl Known {
    /// Whether the publisher may be asked again.
    pub fn may_try(&self) -> bool {
        self.tried.is_none_or(|tried| tried.elapsed() >= TRY_AGAIN)
    }

    /// Whether to fetch although no request waits: the keys are old, or the last fetch brought none.
    pub fn is_due(&self) -> bool {
        self.is_failing
            || self
                .fetched
                .is_none_or(|fetched| fetched.elapsed() >= REFRESH)
    }

    /// Notes a fetch that brought no keys, and why.
    pub fn fail(&mut self, reason: &str) {
        self.failures += 1;
        self.is_failing = true;
        self.last_failure = Some(Failure {
            at: jiff::Timestamp::now(),
            reason: reason.to_owned(),
        });
    }

    /// What is known, for metrics and for people.
    pub fn state(&self) -> KeySet {
        KeySet {
            keys: self.keys.len(),
            age: self.fetched.map(|fetched| fetched.elapsed()),
            failures: self.failures,
            last_failure: self.last_failure.clone(),
            is_failing: self.is_failing,
        }
    }
}

/// Keys older than this are fetched anew.
pub const REFRESH: Duration = Duration::from_secs(600);

/// Between two fetches, whatever tokens come.
pub const TRY_AGAIN: Duration = Duration::from_secs(10);
