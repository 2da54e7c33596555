//! What follows an upstream's answer: a table, without sockets or clocks.

use std::time::Duration;

/// What the upstream said to one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Its status; `None` when there was no answer.
    pub status: Option<u16>,
    /// How long the upstream asks to be left alone.
    pub retry_after: Option<Duration>,
    /// Records that it refused although it took the request.
    pub refused: u64,
    /// Whether it is a page for people: what answered is no OTLP backend.
    pub is_page: bool,
    /// What it said, or why there was no answer; for the log.
    pub message: String,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The upstream has the records.
    Done,
    /// The upstream may take them later: send the same again after this.
    RetryIn(Duration),
    /// Something is wrong that only a person can put right: keep them, say so, and try again after this.
    AlarmAndRetryIn(Duration),
    /// Something in the request is wrong: halve it until one record is left, and put that one aside.
    Bisect,
}

/// What follows the answer to the `attempt`-th try in a row, counted from 0. The rules are the contract's.
#[must_use]
pub fn next(answer: &Answer, attempt: u32) -> Next {
    match answer.status {
        Some(200..=299) if !answer.is_page => Next::Done,
        // A proxy that finds a body too long says so with a page; whatever else is a page is no verdict on a record.
        Some(413) => Next::Bisect,
        Some(400) if !answer.is_page => Next::Bisect,
        Some(429 | 502..=504) | None => {
            let backoff = doubled(MIN_BACKOFF, attempt).min(MAX_BACKOFF);
            // "Now" is no time to come back at.
            let said = answer.retry_after.filter(|wait| !wait.is_zero());
            Next::RetryIn(said.map_or(backoff, |wait| wait.clamp(MIN_BACKOFF, MAX_RETRY_AFTER)))
        }
        Some(_) => Next::AlarmAndRetryIn(alarm(attempt)),
    }
}

/// How long to wait before the `attempt`-th try in a row while an operator is awaited.
#[must_use]
pub fn alarm(attempt: u32) -> Duration {
    doubled(Duration::from_secs(5), attempt).min(MAX_ALARM_BACKOFF)
}

fn doubled(base: Duration, times: u32) -> Duration {
    base.saturating_mul(2u32.saturating_pow(times))
}

/// The shortest pause.
const MIN_BACKOFF: Duration = Duration::from_secs(1);

/// The longest pause without a `Retry-After`.
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// A longer `Retry-After` is not believed.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// The longest pause while an operator is awaited.
const MAX_ALARM_BACKOFF: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_web_page_is_no_receipt_whatever_its_status() {
        for status in [200, 400, 404] {
            let answer = Answer {
                status: Some(status),
                is_page: true,
                ..Answer::default()
            };
            let alarm = Next::AlarmAndRetryIn(Duration::from_secs(5));
            assert_eq!(next(&answer, 0), alarm, "{status}");
        }
        let too_long = Answer {
            status: Some(413),
            is_page: true,
            ..Answer::default()
        };
        assert_eq!(next(&too_long, 0), Next::Bisect, "as nginx says it");
    }

    #[test]
    fn each_answer_has_its_consequence() {
        let seconds = Duration::from_secs;
        let cases = [
            (Some(200), None, 0, Next::Done),
            (Some(202), None, 7, Next::Done),
            (Some(400), None, 0, Next::Bisect),
            (Some(413), Some(9), 0, Next::Bisect),
            (Some(429), None, 0, Next::RetryIn(seconds(1))),
            (Some(429), Some(7), 0, Next::RetryIn(seconds(7))),
            (Some(429), Some(0), 0, Next::RetryIn(seconds(1))),
            (Some(503), Some(0), 3, Next::RetryIn(seconds(8))),
            (Some(429), Some(99_999), 0, Next::RetryIn(seconds(3600))),
            (Some(502), None, 1, Next::RetryIn(seconds(2))),
            (Some(503), None, 3, Next::RetryIn(seconds(8))),
            (Some(504), None, 99, Next::RetryIn(seconds(30))),
            (None, None, 2, Next::RetryIn(seconds(4))),
            (Some(401), None, 0, Next::AlarmAndRetryIn(seconds(5))),
            (Some(403), None, 1, Next::AlarmAndRetryIn(seconds(10))),
            (Some(404), None, 2, Next::AlarmAndRetryIn(seconds(20))),
            (Some(408), None, 99, Next::AlarmAndRetryIn(seconds(300))),
            (Some(500), Some(1), 0, Next::AlarmAndRetryIn(seconds(5))),
            (Some(301), None, 0, Next::AlarmAndRetryIn(seconds(5))),
        ];
        for (status, retry_after, attempt, expected) in cases {
            let answer = Answer {
                status,
                retry_after: retry_after.map(seconds),
                ..Answer::default()
            };
            assert_eq!(
                next(&answer, attempt),
                expected,
                "{status:?} after {attempt}"
            );
        }
    }
}
