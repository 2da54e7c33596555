//! How much goes into the next request, and when it goes: plain arithmetic, without a clock.
//!
//! Records that come one by one share a request every tenth of a second. After an outage the first request is small and
//! each one that is taken allows twice as much, so that a backend that has just come back is not met with all that waits;
//! and at no time is it sent more records a second than agreed, so that a drain leaves the machine to those who send.

use std::num::NonZeroU32;
use std::time::Duration;

/// The pace of one exporter.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    request_bytes: u64,
    records_per_second: Option<NonZeroU32>,
}

impl Pace {
    /// Full requests, at most so many records a second.
    #[must_use]
    pub fn new(records_per_second: Option<NonZeroU32>) -> Self {
        Self {
            request_bytes: MAX_REQUEST_BYTES,
            records_per_second,
        }
    }

    /// How much the next request may hold, before it is packed.
    #[must_use]
    pub fn request_bytes(&self) -> u64 {
        self.request_bytes
    }

    /// A request with so much in it was taken; how long after its beginning the next one may begin.
    pub fn taken(&mut self, records: u64, bytes: u64) -> Duration {
        let is_full = bytes >= self.request_bytes / 2;
        self.request_bytes = (self.request_bytes * 2).min(MAX_REQUEST_BYTES);
        let by_rate = self.records_per_second.map_or(Duration::ZERO, |rate| {
            let micros = records.saturating_mul(1_000_000) / u64::from(rate.get());
            Duration::from_micros(micros)
        });
        if is_full {
            by_rate
        } else {
            by_rate.max(GATHER)
        }
    }

    /// The upstream is away.
    pub fn away(&mut self) {
        self.request_bytes = FIRST_REQUEST_BYTES;
    }
}

/// Frames are merged up to this: 5 MB, by the contract.
const MAX_REQUEST_BYTES: u64 = 5_000_000;

/// What a backend gets first that has just come back.
const FIRST_REQUEST_BYTES: u64 = 256 * 1024;

/// How long records gather while there are not enough for a request.
const GATHER: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_that_has_just_come_back_gets_little_and_then_twice_as_much_each_time() {
        let mut pace = Pace::new(None);
        assert_eq!(pace.request_bytes(), MAX_REQUEST_BYTES);
        pace.away();
        let mut sizes = Vec::new();
        while pace.request_bytes() < MAX_REQUEST_BYTES {
            sizes.push(pace.request_bytes() / 1024);
            assert_eq!(pace.taken(1, pace.request_bytes()), Duration::ZERO);
        }
        assert_eq!(sizes, [256, 512, 1024, 2048, 4096]);
    }

    #[test]
    fn what_comes_one_by_one_is_gathered_and_a_rate_is_kept() {
        let mut pace = Pace::new(NonZeroU32::new(1000));
        assert_eq!(pace.taken(1, 600), GATHER);
        assert_eq!(pace.taken(500, 600), Duration::from_millis(500));
        assert_eq!(pace.taken(8000, MAX_REQUEST_BYTES), Duration::from_secs(8));
    }
}
