//! When the sender asks for its levels.
//!
//! 1. At the start, then once in every interval: never later, and each program of a fleet at a moment of its own.
//! 2. A failure changes nothing of that: a relay that comes back after an hour finds no crowd before its door.
//! 3. At once when the answer to a batch has news, but not more often than once a second, and less often while that
//!    goes wrong.
//!
//! Moments are times since the origin of the sender's [`Time`](crate::send::Time).

use std::time::Duration;

/// Time between two questions that news call for, at least.
const GAP: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
pub(super) struct Refresh {
    /// The next question in any case.
    regular: Duration,
    /// The next one because of news.
    news: Option<Duration>,
    every: Duration,
    last: Option<Duration>,
    /// In a row.
    failures: u32,
}

impl Refresh {
    /// Asks at `now`, and then every so often.
    pub fn new(now: Duration, every: Duration) -> Self {
        Self {
            regular: now,
            news: None,
            every,
            last: None,
            failures: 0,
        }
    }

    /// When to ask next.
    pub fn due(&self) -> Duration {
        self.news
            .map_or(self.regular, |news| news.min(self.regular))
    }

    pub fn every(&self) -> Duration {
        self.every
    }

    /// There is something new to be asked for.
    pub fn heard_news(&mut self, now: Duration) {
        let gap = GAP
            .saturating_mul(2_u32.saturating_pow(self.failures))
            .min(self.every.max(GAP));
        let allowed = self.last.map_or(now, |last| last + gap);
        self.news = Some(now.max(allowed));
    }

    /// The question was answered, and `every` is what the relay wants. `jitter` is in 0..=1.
    pub fn answered(&mut self, now: Duration, every: Duration, jitter: f64) {
        self.failures = 0;
        self.every = every;
        self.settle(now, jitter);
    }

    /// It was not, or not by a relay.
    pub fn failed(&mut self, now: Duration, jitter: f64) {
        self.failures = self.failures.saturating_add(1);
        self.settle(now, jitter);
    }

    fn settle(&mut self, now: Duration, jitter: f64) {
        let is_first = self.last.replace(now).is_none();
        self.news = None;
        if self.regular > now {
            // News came between: the program keeps its moment, so that news for all gather nobody.
            self.regular = self.regular.min(now + self.every);
            return;
        }
        let share = if is_first {
            rest_of_an_interval(jitter)
        } else {
            0.8 + jitter / 5.0
        };
        self.regular = now + self.every.mul_f64(share.clamp(0.0, 1.0)).max(GAP);
    }
}

/// What is left of an interval for a program that has asked for ever, seen at a moment of chance: so programs that start
/// as one ask as evenly from the first interval on as in each later one. Intervals are 0.8 to 1 long, 0.9 on average; the
/// rest of one is as likely to be any time up to 0.8, and then less and less likely.
fn rest_of_an_interval(jitter: f64) -> f64 {
    let beyond = 0.9 * (1.0 - jitter.clamp(0.0, 1.0));
    if beyond < 0.1 {
        1.0 - (0.4 * beyond).sqrt()
    } else {
        0.9 - beyond
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn it_asks_at_the_start_then_within_each_interval() {
        let mut refresh = Refresh::new(at(5), at(600));
        assert_eq!(refresh.due(), at(5));
        refresh.answered(at(5), at(600), 0.5);
        assert_eq!(refresh.due(), at(275));
        refresh.answered(at(275), at(600), 0.0);
        assert_eq!(refresh.due(), at(755));
        refresh.failed(at(755), 1.0);
        assert_eq!(refresh.due(), at(1355));
    }

    #[test]
    fn news_are_asked_for_at_once_and_move_nothing_else() {
        let mut refresh = Refresh::new(at(0), at(600));
        refresh.answered(at(0), at(600), 1.0);
        refresh.heard_news(at(100));
        assert_eq!(refresh.due(), at(100));
        refresh.answered(at(100), at(600), 0.0);
        assert_eq!(refresh.due(), at(600));
        refresh.answered(at(600), at(600), 1.0);
        refresh.heard_news(at(700));
        refresh.answered(at(700), at(60), 0.0);
        assert_eq!(refresh.due(), at(760), "a shorter interval counts at once");
    }

    #[test]
    fn news_that_go_wrong_are_asked_for_less_and_less_often() {
        let mut refresh = Refresh::new(at(0), at(600));
        refresh.answered(at(0), at(600), 1.0);
        let mut now = at(100);
        let mut waits = Vec::new();
        for _ in 0..12 {
            refresh.heard_news(now);
            waits.push(refresh.due().saturating_sub(now).as_secs());
            now = refresh.due();
            refresh.failed(now, 1.0);
        }
        assert_eq!(waits, [0, 2, 4, 8, 16, 32, 64, 128, 246, 512, 88, 600]);
        refresh.answered(now, at(600), 1.0);
        refresh.heard_news(now);
        assert_eq!(refresh.due(), now + at(1));
    }
}
