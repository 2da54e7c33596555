//! When what is written is synced.

use std::time::Duration;

/// When what is written is made to survive a power loss. It survives the death of the process in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fsync {
    /// Never: the operating system decides.
    Never,
    /// So long after a write at the latest.
    Interval(Duration),
    /// After [`DEFAULT_FSYNC_INTERVAL`] at the latest, and every FATAL before the call returns.
    #[default]
    Fatal,
    /// Every record before the call returns.
    Always,
}

/// How long a record is unsynced at most: 1 s, as much as a person would write down again.
pub const DEFAULT_FSYNC_INTERVAL: Duration = Duration::from_secs(1);
