//! Keeps the maximum of the `log` crate in step: its macros ask that number before they ask anybody else.
//!
//! It is followed only where it was what `tracing`'s is (as `.init()` sets it), and it never falls below what the
//! program began with: a logger that keeps its own number keeps it.

use tracing_core::LevelFilter;
use tracing_log::AsLog as _;
use tracing_log::log;

#[derive(Debug, Default)]
pub(super) struct LogMax {
    /// What the program had before the first change.
    first: Option<log::LevelFilter>,
}

impl LogMax {
    /// Runs what changes `tracing`'s maximum, and lets `log`'s follow.
    pub fn follow(&mut self, change: impl FnOnce()) {
        let before = LevelFilter::current().as_log();
        let first = self.first.unwrap_or(before);
        let had = log::max_level();
        change();
        // Off is how it begins: then nobody listens to `log`.
        if had == log::LevelFilter::Off || had != before.max(first) {
            return;
        }
        self.first = Some(first);
        log::set_max_level(LevelFilter::current().as_log().max(first));
    }
}
