//! What the writer publishes with each commit, so that it need not be asked.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use super::consumer::{Consumer, Stand};
use super::ledger::Size;
use super::letters::Dead;

/// What everybody may see without asking the writer.
#[derive(Debug, Default)]
pub struct Gauge {
    /// Wakes who waits for frames, by consumer.
    pub changed: [Notify; Consumer::ALL.len()],
    pub stand: Mutex<Stand>,
    pub max_bytes: u64,
    pub dead: Mutex<Dead>,
    /// How long a dead letter is kept, in nanoseconds.
    pub keep_dead: AtomicU64,
    pub ledger: Mutex<Size>,
    pub damaged: Mutex<Damaged>,
    /// Whether the write-ahead log was gone at the start.
    pub log_lost: AtomicBool,
    /// Transactions that failed since the relay started, and whether the last one did.
    pub failed_writes: AtomicU64,
    pub is_failing: AtomicBool,
    /// How often the database was mended, and is another file since.
    pub mended: AtomicU64,
}

/// How writing the spool goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Writes {
    /// Transactions that failed since the relay started: a full or failing disk.
    pub failed: u64,
    /// Whether the last one did.
    pub is_failing: bool,
    /// Whether the write-ahead log was gone at the start.
    pub is_log_lost: bool,
}

/// What was found damaged since the relay started.
#[derive(Debug, Default)]
pub struct Damaged {
    pub records: u64,
    pub frames: u64,
    /// Frames that are not whole, whose records are counted already, and that a consumer still has to read.
    torn: BTreeMap<i64, u64>,
}

impl Gauge {
    /// Counts the records of a frame that is not whole; once, however often it is read.
    pub fn damaged_frame(&self, id: i64, records: u64) {
        let behind = self.stand().behind().frame;
        let mut damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        damaged.torn.retain(|&id, _| id > behind);
        if damaged.torn.insert(id, records).is_none() {
            damaged.records += records;
            damaged.frames += 1;
            tracing::error!(
                records,
                frame = id,
                "the spool is damaged: these records are lost"
            );
        }
    }

    /// Counts records behind the frame `behind` that are not in a database that was mended, but for those that were
    /// counted when they were read. Where the damaged file stood decides: the stand in memory may be ahead of it.
    pub fn damaged(&self, records: u64, behind: i64) {
        let mut damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        let torn = std::mem::take(&mut damaged.torn);
        let counted: u64 = torn
            .range(behind.saturating_add(1)..)
            .map(|(_, records)| records)
            .sum();
        damaged.records += records.saturating_sub(counted);
    }

    /// Where the spool ends and its consumers stand, as of the last commit.
    pub fn stand(&self) -> Stand {
        *self.stand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
