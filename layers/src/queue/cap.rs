//! How much a queue may take.

use super::blocks::{BLOCK_BYTES, on_disk};

/// Caps in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cap {
    /// Of the queue that this process writes.
    pub(super) max_bytes: u64,
    /// Of that queue and the adopted ones together.
    pub(super) max_root_bytes: u64,
}

impl Cap {
    /// Largest a segment gets, unless one record needs more.
    pub(super) fn max_segment_bytes(self) -> u64 {
        self.max_bytes / 16
    }

    /// Largest `rejected.jsonl` gets; it takes twice that while it is halved.
    pub(super) fn max_rejected_bytes(self) -> u64 {
        self.max_bytes / 64
    }

    /// Whether one line of `bytes` can be in the queue at all.
    pub(super) fn can_hold(self, bytes: usize) -> bool {
        on_disk(bytes as u64) + SLACK_BYTES + self.fixed_bytes() <= self.max_bytes
    }

    /// Head, lock, directory, and the rejected while they are halved.
    pub(super) fn fixed_bytes(self) -> u64 {
        3 * BLOCK_BYTES + 2 * on_disk(self.max_rejected_bytes())
    }
}

/// What a new segment may hold already while the one that makes room for it is still there.
pub(super) const SLACK_BYTES: u64 = 2 * BLOCK_BYTES;
