//! Lines of one kind in the log: the first few of every ten seconds, and how many were left out before the next.
//!
//! What is refused is the stranger's choice, and so would the log's size be. The exact counts are in the metrics.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What was said of late, by kind. Kinds are few: the caller's own words or HTTP's statuses.
#[derive(Debug, Default)]
pub struct Sampled(Mutex<HashMap<u16, Window>>);

#[derive(Debug)]
struct Window {
    began: Instant,
    said: u32,
    unsaid: u64,
}

impl Sampled {
    /// Whether a line of `kind` is to be said now: then how many were not said since the last one that was.
    pub fn say(&self, kind: u16, now: Instant) -> Option<u64> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry(kind).or_insert(Window {
            began: now,
            said: 0,
            unsaid: 0,
        });
        if now.saturating_duration_since(window.began) >= WINDOW {
            (window.began, window.said) = (now, 0);
        }
        if window.said >= SAID {
            window.unsaid += 1;
            return None;
        }
        window.said += 1;
        Some(std::mem::take(&mut window.unsaid))
    }
}

/// How long lines are counted before some are said again.
const WINDOW: Duration = Duration::from_secs(10);

/// Lines of one kind that are said in that time.
const SAID: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_flood_a_few_lines_are_said_and_the_rest_is_counted() {
        let sampled = Sampled::default();
        let start = Instant::now();
        let said = (0..3000).filter_map(|_| sampled.say(401, start)).count();
        assert_eq!(said, 20);
        assert_eq!(sampled.say(404, start), Some(0), "another kind");
        assert_eq!(sampled.say(401, start + WINDOW), Some(2980));
        assert_eq!(sampled.say(401, start + WINDOW), Some(0));
    }
}
