//! What follows an answer: the contract's table as a pure function.

use std::time::Duration;

use super::answer_form::{Success, is_refusal, object};
use super::transport::Answer;
use crate::wire::Receipt;

/// The first wait; each further one doubles.
pub(super) const BACKOFF_BASE: Duration = Duration::from_secs(1);
/// The longest wait that we choose ourselves, before jitter.
pub(super) const BACKOFF_CAP: Duration = Duration::from_secs(60);
/// The longest `Retry-After` that is believed. From the contract.
pub(super) const RETRY_AFTER_CAP: Duration = Duration::from_secs(60 * 60);

/// What the sender does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// All of it is home, but for what the receipt lists as rejected.
    Confirm(Receipt),
    /// The batch as a whole is refused: halve it; a single record is put aside.
    Split(String),
    RetryIn(Duration),
    PauseUntilNewToken,
    PauseUntilNewEndpoint,
}

/// What follows the answer to a batch of `sent` records, the `attempt`-th try in a row counted from 0. `jitter` is
/// in 0..=1. Rules: the contract.
pub(super) fn next(
    answer: &Answer,
    sent: usize,
    success: Success,
    attempt: u32,
    jitter: f64,
) -> Next {
    match answer.status {
        Some(200..=299) => match receipt(&answer.body, sent) {
            Some(receipt) => Next::Confirm(receipt),
            None if success == Success::Any => Next::Confirm(Receipt {
                accepted: sent as u64,
                ..Receipt::default()
            }),
            None => Next::RetryIn(wait(answer, attempt, jitter)),
        },
        // Believed from anybody: it only asks for another token.
        Some(401) => Next::PauseUntilNewToken,
        Some(status @ (400 | 413 | 422)) if is_verdict(answer, success) => {
            Next::Split(format!("the relay answered {status}"))
        }
        Some(404 | 405 | 415) if is_verdict(answer, success) => Next::PauseUntilNewEndpoint,
        Some(_) | None => Next::RetryIn(wait(answer, attempt, jitter)),
    }
}

fn is_verdict(answer: &Answer, success: Success) -> bool {
    success == Success::Any || is_refusal(answer)
}

/// The receipt in a 2xx, if it accounts for each record sent. Anything else did not come from a relay.
fn receipt(body: &[u8], sent: usize) -> Option<Receipt> {
    let receipt: Receipt = object(body)?;
    let counted = receipt
        .accepted
        .checked_add(receipt.duplicates)?
        .checked_add(receipt.rejected.len() as u64)?;
    let indexed = receipt
        .rejected
        .iter()
        .all(|rejected| rejected.index < sent);
    (counted == sent as u64 && indexed).then_some(receipt)
}

fn wait(answer: &Answer, attempt: u32, jitter: f64) -> Duration {
    match answer.retry_after {
        Some(asked) => {
            let asked = asked.min(RETRY_AFTER_CAP);
            asked + spread(asked.min(BACKOFF_CAP), jitter / 2.0)
        }
        None => backoff(attempt, jitter),
    }
}

/// 1, 2, 4 … 60 s, plus up to half of it, so that a fleet does not come back as one.
pub(super) fn backoff(attempt: u32, jitter: f64) -> Duration {
    let base = BACKOFF_BASE
        .saturating_mul(2_u32.saturating_pow(attempt))
        .min(BACKOFF_CAP);
    base + spread(base, jitter)
}

/// Up to half of a wait, by a jitter in 0..=1.
fn spread(wait: Duration, jitter: f64) -> Duration {
    wait.mul_f64(jitter.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status: Some(status),
            body: body.as_bytes().to_vec(),
            ..Answer::default()
        }
    }

    #[test]
    fn each_answer_has_its_consequence_and_a_verdict_only_in_the_relays_own_form() {
        let second = || Next::RetryIn(Duration::from_secs(1));
        let split = |status| Next::Split(format!("the relay answered {status}"));
        let refusal = r#"{"error":"no"}"#;
        for (status, of_the_relay, of_another) in [
            (204, second(), second()),
            (301, second(), second()),
            (302, second(), second()),
            (307, second(), second()),
            (400, split(400), second()),
            (401, Next::PauseUntilNewToken, Next::PauseUntilNewToken),
            (403, second(), second()),
            (404, Next::PauseUntilNewEndpoint, second()),
            (405, Next::PauseUntilNewEndpoint, second()),
            (407, second(), second()),
            (408, second(), second()),
            (413, split(413), second()),
            (415, Next::PauseUntilNewEndpoint, second()),
            (421, second(), second()),
            (422, split(422), second()),
            (429, second(), second()),
            (451, second(), second()),
            (500, second(), second()),
            (502, second(), second()),
            (503, second(), second()),
            (511, second(), second()),
            (999, second(), second()),
        ] {
            let next = |body, success| next(&answer(status, body), 2, success, 0, 0.0);
            assert_eq!(next(refusal, Success::Receipt), of_the_relay, "{status}");
            for page in ["", "<html>please log in</html>", r#"{"message":"no"}"#] {
                assert_eq!(next(page, Success::Receipt), of_another, "{status} {page}");
                if !matches!(status, 200..=299) {
                    assert_eq!(next(page, Success::Any), of_the_relay, "{status} {page}");
                }
            }
        }
        let next = next(&Answer::default(), 2, Success::Receipt, 0, 0.0);
        assert_eq!(next, second(), "no answer");
    }

    #[test]
    fn only_a_receipt_for_each_record_confirms() {
        let wait = Next::RetryIn(Duration::from_secs(1));
        for (body, confirms) in [
            (
                r#"{"accepted":1,"duplicates":1,"rejected":[{"index":2,"reason":"no"}]}"#,
                true,
            ),
            (r#"{"accepted":3,"duplicates":0,"rejected":[]}"#, true),
            (r#"{"accepted":2,"duplicates":0,"rejected":[]}"#, false),
            (
                r#"{"accepted":2,"duplicates":0,"rejected":[{"index":3,"reason":"no"}]}"#,
                false,
            ),
            (
                r#"{"accepted":18446744073709551615,"duplicates":4,"rejected":[]}"#,
                false,
            ),
            ("[3,0,[]]", false),
            ("<html>please log in</html>", false),
            ("", false),
        ] {
            let strict = next(&answer(200, body), 3, Success::Receipt, 0, 0.0);
            assert_eq!(matches!(strict, Next::Confirm(_)), confirms, "{body}");
            assert!(confirms || strict == wait, "{body}");
            let any = next(&answer(200, body), 3, Success::Any, 0, 0.0);
            assert!(matches!(any, Next::Confirm(_)), "{body}");
        }
    }

    #[test]
    fn backing_off_doubles_to_a_minute_and_jitter_only_adds() {
        let seconds: Vec<f64> = (0..8)
            .map(|attempt| backoff(attempt, 0.0).as_secs_f64())
            .collect();
        assert_eq!(seconds, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]);
        assert_eq!(backoff(1, 1.0), Duration::from_secs(3));
        assert_eq!(backoff(u32::MAX, 1.0), Duration::from_secs(90));
    }

    #[test]
    fn retry_after_wins_over_backing_off_up_to_its_cap_and_jitter_adds_a_quarter_of_a_minute_at_most()
     {
        for (asked, least, most) in [(0, 0.0, 0.0), (7, 7.0, 8.75), (90_000, 3_600.0, 3_615.0)] {
            let answer = Answer {
                retry_after: Some(Duration::from_secs(asked)),
                ..answer(429, "")
            };
            for (jitter, seconds) in [(0.0, least), (1.0, most)] {
                assert_eq!(
                    next(&answer, 1, Success::Receipt, 5, jitter),
                    Next::RetryIn(Duration::from_secs_f64(seconds)),
                    "{asked} s, jitter {jitter}"
                );
            }
        }
    }
}
