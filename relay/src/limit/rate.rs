//! How much in a minute, and what a user is told that wants more.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::http::ApiError;

/// Who was asked to wait, and until when.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<HashMap<String, Wait>>);

#[derive(Debug)]
pub(super) struct Wait {
    /// When what was asked for will be there.
    over: Instant,
    /// Until when it is said again without looking. Soon: what another device of the same user asks for may be less.
    said: Instant,
}

impl Told {
    pub(super) fn remember(&self, subject: &str, wait: Duration, now: Instant) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= MAX_TOLD {
            told.retain(|_, wait| wait.said > now);
        }
        if told.len() < MAX_TOLD {
            let said = now + wait.min(SAID_AGAIN);
            told.insert(
                subject.to_owned(),
                Wait {
                    over: now + wait,
                    said,
                },
            );
        }
    }

    pub(super) fn wait(&self, subject: &str, now: Instant) -> Option<Duration> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = told.get(subject).filter(|wait| wait.said > now)?;
        Some(wait.over - now)
    }
}

/// One rate, kept for each key that used it in the last minute.
#[derive(Debug)]
pub(super) struct Rate<K: Clone + Hash + Eq> {
    buckets: RateLimiter<K, HashMapStateStore<K>, DefaultClock>,
    taken: AtomicU32,
}

/// Why nothing was taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Wait(Duration),
    NeverFits,
}

impl Refusal {
    pub(super) fn into_error(self) -> ApiError {
        match self {
            // Rounded up: whoever comes back then must find enough.
            Self::Wait(wait) => ApiError::RateLimited(wait.as_secs() + 1),
            Self::NeverFits => ApiError::OverAMinute,
        }
    }
}

impl<K: Clone + Hash + Eq> Rate<K> {
    pub(super) fn per_minute(amount: NonZeroU32) -> Self {
        Self {
            buckets: RateLimiter::hashmap(Quota::per_minute(amount)),
            taken: AtomicU32::new(0),
        }
    }

    pub(super) fn take(&self, key: &K, amount: usize) -> Result<(), Refusal> {
        if self
            .taken
            .fetch_add(1, Ordering::Relaxed)
            .is_multiple_of(FORGET_EVERY)
        {
            // Full buckets are as good as none.
            self.buckets.retain_recent();
        }
        let Ok(amount) = u32::try_from(amount) else {
            return Err(Refusal::NeverFits);
        };
        let Some(amount) = NonZeroU32::new(amount) else {
            return Ok(());
        };
        match self.buckets.check_key_n(key, amount) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_until)) => Err(Refusal::Wait(
                not_until.wait_time_from(DefaultClock::default().now()),
            )),
            Err(_) => Err(Refusal::NeverFits),
        }
    }
}

/// How long a refusal is repeated without looking.
const SAID_AGAIN: Duration = Duration::from_secs(1);

/// Users whose refusal is remembered.
const MAX_TOLD: usize = 10_000;

/// How often full buckets are forgotten.
const FORGET_EVERY: u32 = 10_000;
