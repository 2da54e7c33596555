//! Silence is told: whether records arrive, on stderr, for whoever develops the program.
//!
//! 1. One line when the first batch arrives;
//! 2. one for each new reason why none does: what is wrong, and what to do;
//! 3. no more than one a reason and minute, however often reasons take turns;
//! 4. nothing through `tracing`: it would end up in the queue that waits.
//!
//! Who is told: see [`BackendBuilder::debug`](super::BackendBuilder::debug).

use std::time::Duration;

use super::reason::{Kind, Reason};
use crate::stderr;

/// What was said so far.
#[derive(Debug, Default)]
pub(super) struct Told {
    is_on: bool,
    has_arrived: bool,
    /// The reason in force.
    reason: Option<Kind>,
    /// What was said in the last minute.
    recent: Vec<(Kind, Duration)>,
    /// Reasons of losses that were said.
    losses: Vec<Kind>,
}

impl Told {
    pub fn new(is_on: bool) -> Self {
        Self {
            is_on,
            has_arrived: false,
            reason: None,
            recent: Vec::new(),
            losses: Vec::new(),
        }
    }

    /// Records arrived.
    pub fn arrived(&mut self, endpoint: &str, records: u64) {
        self.reason = None;
        if self.is_on && records > 0 && !std::mem::replace(&mut self.has_arrived, true) {
            stderr::say(&format!(
                "records arrive at {endpoint}: the first {records} of them"
            ));
        }
    }

    /// None arrive, by this reason. `now` is by the sender's clock.
    pub fn fails(&mut self, endpoint: &str, now: Duration, reason: impl FnOnce() -> Reason) {
        if self.is_on
            && let Some(text) = self.news(reason(), now)
        {
            stderr::say(&format!("records do not arrive at {endpoint}: {text}"));
        }
    }

    /// Some records will never arrive, by this reason; said once.
    pub fn loses(&mut self, reason: impl FnOnce() -> Reason) {
        if self.is_on {
            let reason = reason();
            if !self.losses.contains(&reason.kind) {
                self.losses.push(reason.kind);
                stderr::say(&reason.text);
            }
        }
    }

    /// The reason's text, where it is news.
    fn news(&mut self, reason: Reason, now: Duration) -> Option<String> {
        self.recent
            .retain(|&(_, said)| now.saturating_sub(said) < PAUSE);
        let is_the_same = self.reason.replace(reason.kind) == Some(reason.kind);
        let is_recent = self.recent.iter().any(|&(kind, _)| kind == reason.kind);
        if is_the_same || is_recent {
            return None;
        }
        self.recent.push((reason.kind, now));
        Some(reason.text)
    }
}

/// Between two lines about the same reason.
const PAUSE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::super::answer_form::Success;
    use super::super::transport::Answer;
    use super::*;

    fn reason(status: u16) -> Reason {
        let answer = Answer {
            status: Some(status),
            ..Answer::default()
        };
        Reason::of_answer("https://r", &answer, Success::Receipt)
    }

    #[test]
    fn a_reason_is_said_when_it_is_new_and_once_a_minute_at_most() {
        let mut told = Told::new(true);
        for (seconds, status, is_said) in [
            (0, 502, true),
            (1, 502, false),
            (90, 502, false),
            (91, 503, true),
            (92, 502, true),
            (93, 503, false),
            (94, 502, false),
            (152, 503, true),
            (153, 502, true),
        ] {
            let news = told.news(reason(status), Duration::from_secs(seconds));
            assert_eq!(news.is_some(), is_said, "{status} at {seconds} s");
        }
        told.arrived("https://r", 1);
        let news = told.news(reason(502), Duration::from_secs(154));
        assert_eq!(news, None, "again within the minute");
        told.arrived("https://r", 1);
        assert!(told.news(reason(502), Duration::from_secs(300)).is_some());
    }

    #[test]
    fn a_storm_of_reasons_is_remembered_for_a_minute_only() {
        let mut told = Told::new(true);
        for round in 0..10_000_u16 {
            let _ = told.news(reason(round % 900 + 100), Duration::from_secs(round.into()));
        }
        assert!(told.recent.len() <= 60, "{}", told.recent.len());
    }
}
