//! What is true at the moment of a scrape, beside the counters.

use crate::disk::Space;
use crate::spool::{Dead, Size, Writes};

/// What is true at this moment, beside the counters.
#[derive(Clone, Debug, Default)]
pub struct Now {
    /// The published keys, where tokens are checked with such.
    pub keys: Option<Keys>,
    /// Records in the spool.
    pub spool_records: u64,
    /// Bytes in the spool.
    pub spool_bytes: u64,
    /// Bytes that the spool may hold.
    pub spool_max_bytes: u64,
    /// Age of the oldest frame in the spool.
    pub oldest_seconds: f64,
    /// Records found damaged in the spool.
    pub damaged_records: u64,
    /// Frames found damaged in the spool.
    pub damaged_frames: u64,
    /// Bytes of the cap that are used: what waits, names, dead letters.
    pub spool_used_bytes: u64,
    /// Dead letters kept.
    pub dead: Dead,
    /// How writing the spool goes.
    pub writes: Writes,
    /// The ledger of accepted names.
    pub ledger: Size,
    /// Records that wait, for each consumer.
    pub waiting: Vec<(&'static str, u64)>,
    /// The disk of the data directory, where the system says.
    pub disk: Option<Space>,
    /// The index; `None` without one.
    pub index: Option<IndexNow>,
    /// Seconds until the certificate ends, below zero once it has; `None` without one.
    pub certificate_seconds: Option<f64>,
    /// Whether a batch that comes now is accepted.
    pub is_ready: bool,
    /// Bytes of text that the sanitizer scanned.
    pub sanitized_bytes: u64,
    /// Texts that it cut at its cap.
    pub sanitize_truncated: u64,
    /// Texts that it took as a whole because something inside went wrong.
    pub sanitize_failed_closed: u64,
}

/// What is true of the index.
#[derive(Clone, Copy, Debug, Default)]
pub struct IndexNow {
    /// Records in it.
    pub records: u64,
    /// Segments that can be read.
    pub segments: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// How long what waits longest for it has waited.
    pub lag_seconds: f64,
    /// Records that are not in it, because it could not be written for too long.
    pub skipped: u64,
    /// Records of the time that it covers which are not in it: lost with a file, or skipped.
    pub missing: u64,
    /// Files that can't be read.
    pub unreadable: u64,
    /// Whether the last write failed.
    pub is_failing: bool,
}

impl Now {
    /// Whether the room that is left needs an operator: from 80 % of the cap on, computed in integers.
    pub(super) fn is_filling(&self) -> bool {
        self.spool_used_bytes >= self.spool_max_bytes / 5 * 4
            || self.disk.is_some_and(|disk| disk.is_nearly_low())
    }

    /// Whether records wait for the consumer of this name, or would.
    pub(super) fn is_kept_for(&self, consumer: &str) -> bool {
        self.waiting.iter().any(|(of, _)| *of == consumer)
    }
}

/// Published keys, where tokens are checked with such.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keys {
    /// How many are in use.
    pub count: usize,
    /// How long ago they were fetched; `None` before the first time.
    pub age_seconds: Option<f64>,
    /// Fetches that brought none.
    pub failures: u64,
}
