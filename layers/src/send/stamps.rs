//! Records that were stamped before the device's clock was set: a board without a clock chip begins in 1970.
//!
//! The relay corrects the time of records by `sentAt`: it takes them for stamped by the clock that says so. So a batch
//! of records that another clock stamped is sent with what *that* clock would show now, and arrives with the right
//! time and `client.timestamp`.
//!
//! 1. Each context says which boot it was written in, and when that began by the clock of then. The monotonic clock
//!    says how much of the boot has passed, so both clocks, the one of then and the one of now, are known.
//! 2. A record was stamped by the clock of then if its time lies outside of this boot by the clock of now, and inside
//!    by the clock of then. Whatever is not so plain is taken as it is.
//! 3. It holds for queues of killed processes too, until the machine starts again.
//!
//! What it does not do: know of a boot that is over, or tell two clocks apart that differ by less than the boot is long.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::machine_boot::Boot;
use crate::queue::Batch;

/// How many of a batch's first records one clock has stamped, and what that clock shows now.
pub(super) fn of(batch: &Batch, now: Timestamp) -> (usize, Timestamp) {
    let all = (batch.len(), now);
    let Some(then) = boot_of(batch.context()) else {
        return all;
    };
    match Clocks::of(&then, now) {
        Some(clocks) if clocks.differ() => {
            let stamps = (0..batch.len()).map(|at| timestamp(batch.record(at)));
            first_of_one_clock(&clocks, stamps)
        }
        _ => all,
    }
}

/// A boot's begin and the present moment, by two clocks.
#[derive(Debug)]
struct Clocks {
    then: (Timestamp, Timestamp),
    today: (Timestamp, Timestamp),
}

impl Clocks {
    /// Nothing when the boot is over.
    fn of(then: &Boot, now: Timestamp) -> Option<Self> {
        let today = Boot::by(now).filter(|today| today.boot == then.boot)?;
        Some(Self {
            then: (then.began()?, then.now()?),
            today: (today.began()?, now),
        })
    }

    fn differ(&self) -> bool {
        self.then.0.duration_since(self.today.0).abs() > LEAST_STEP
    }

    fn is_of_then(&self, stamp: Timestamp) -> bool {
        let is_within = |(began, now): (Timestamp, Timestamp)| {
            stamp.duration_since(began) >= -SLACK && stamp.duration_since(now) <= SLACK
        };
        is_within(self.then) && !is_within(self.today)
    }
}

/// A record without a time of its own goes with the one before it.
fn first_of_one_clock(
    clocks: &Clocks,
    stamps: impl Iterator<Item = Option<Timestamp>>,
) -> (usize, Timestamp) {
    let (mut count, mut first) = (0, None);
    for stamp in stamps {
        if let Some(stamp) = stamp {
            let is_of_then = clocks.is_of_then(stamp);
            if *first.get_or_insert(is_of_then) != is_of_then {
                break;
            }
        }
        count += 1;
    }
    match first {
        Some(true) => (count, clocks.then.1),
        _ => (count, clocks.today.1),
    }
}

/// The boot that a batch's context was written in.
fn boot_of(members: &str) -> Option<Boot> {
    #[derive(Deserialize)]
    struct Members {
        context: Context,
    }
    #[derive(Deserialize)]
    struct Context {
        clock: Boot,
    }
    if !members.contains("\"clock\":") {
        return None;
    }
    let members: Members = serde_json::from_str(&format!("{{{members}}}")).ok()?;
    Some(members.context.clock)
}

fn timestamp(record: &[u8]) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Stamped<'a> {
        timestamp: &'a str,
    }
    let stamped: Stamped<'_> = serde_json::from_slice(record).ok()?;
    stamped.timestamp.parse().ok()
}

/// The relay corrects no smaller one. From the contract.
const LEAST_STEP: SignedDuration = SignedDuration::from_secs(60);
/// For stamps on the edge: a record is stamped a moment before its context is written, or while the clock is set.
const SLACK: SignedDuration = SignedDuration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Up for ten minutes; the clock began in 1970 and was set to noon.
    fn set_to_noon() -> Clocks {
        Clocks {
            then: (at("1970-01-01T00:00:00Z"), at("1970-01-01T00:10:00Z")),
            today: (at("2026-02-06T11:50:00Z"), at("2026-02-06T12:00:00Z")),
        }
    }

    #[test]
    fn a_batch_is_cut_where_the_clock_was_set_and_each_part_is_sent_by_its_own() {
        let clocks = set_to_noon();
        let (then, today) = (clocks.then.1, clocks.today.1);
        let early = Some(at("1970-01-01T00:00:30Z"));
        let late = Some(at("2026-02-06T11:59:00Z"));
        for (stamps, expected) in [
            (&[early, early][..], (2, then)),
            (&[late, late], (2, today)),
            (&[early, late, early], (1, then)),
            (&[late, early], (1, today)),
            (&[early, None, late], (2, then)),
            (&[None, early, late], (2, then)),
            (&[None, late], (2, today)),
            (&[None], (1, today)),
        ] {
            let found = first_of_one_clock(&clocks, stamps.iter().copied());
            assert_eq!(found, expected, "{stamps:?}");
        }
    }

    #[test]
    fn only_what_is_plain_is_put_down_to_the_clock_of_then() {
        let clocks = set_to_noon();
        for (stamp, is_of_then) in [
            ("1970-01-01T00:00:00Z", true),
            ("1970-01-01T00:10:04Z", true),
            // Later than the clock of then shows now.
            ("1970-01-01T00:11:00Z", false),
            // Of no clock that we know.
            ("2000-01-01T00:00:00Z", false),
            ("2026-02-06T11:55:00Z", false),
        ] {
            assert_eq!(clocks.is_of_then(at(stamp)), is_of_then, "{stamp}");
        }
        // An hour up, and set back by ten minutes: a stamp may be of either clock.
        let either = Clocks {
            then: (at("2026-02-06T11:10:00Z"), at("2026-02-06T12:10:00Z")),
            today: (at("2026-02-06T11:00:00Z"), at("2026-02-06T12:00:00Z")),
        };
        assert!(!either.is_of_then(at("2026-02-06T11:30:00Z")));
        // But not one from the future.
        assert!(either.is_of_then(at("2026-02-06T12:05:00Z")));
    }

    #[test]
    fn steps_that_the_relay_would_not_correct_are_none() {
        let clocks = Clocks {
            then: (at("2026-02-06T11:49:01Z"), at("2026-02-06T11:59:01Z")),
            ..set_to_noon()
        };
        assert!(!clocks.differ());
        assert!(set_to_noon().differ());
    }
}
