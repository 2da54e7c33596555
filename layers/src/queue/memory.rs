//! The bounded memory that stands in while the disk refuses.

use std::collections::VecDeque;
use std::sync::Arc;

use super::batch::{Batch, Token};
use super::chain::View;

/// Records that could not be written yet, oldest first.
#[derive(Debug, Default)]
pub(super) struct Memory {
    kept: VecDeque<Kept>,
    bytes: usize,
}

/// One record with its context.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) seq: u64,
    pub(super) line: Box<[u8]>,
    pub(super) context: Arc<str>,
    /// Its caller waits until it is written and synced.
    pub(super) is_waited_for: bool,
}

impl Memory {
    pub(super) fn bytes(&self) -> u64 {
        self.bytes as u64
    }

    pub(super) fn records(&self) -> u64 {
        self.kept.len() as u64
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Whether a record of so many bytes costs no other one.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.bytes + bytes <= MEMORY_BYTES
    }

    /// Keeps a record and gives back those that had to go for it, which is the record itself when it is too large.
    pub(super) fn push(&mut self, kept: Kept) -> Vec<Kept> {
        let mut dropped = Vec::new();
        self.bytes += kept.line.len();
        self.kept.push_back(kept);
        while self.bytes > MEMORY_BYTES {
            dropped.extend(self.pop());
        }
        dropped
    }

    /// The oldest record.
    pub(super) fn oldest(&self) -> Option<&Kept> {
        self.kept.front()
    }

    /// Takes the oldest record out.
    pub(super) fn pop(&mut self) -> Option<Kept> {
        let kept = self.kept.pop_front()?;
        self.bytes -= kept.line.len();
        Some(kept)
    }

    /// The caller of this record no longer waits for it; says whether it is still here.
    pub(super) fn give_up(&mut self, seq: u64) -> bool {
        let kept = self.kept.iter_mut().find(|kept| kept.seq == seq);
        kept.map(|kept| kept.is_waited_for = false).is_some()
    }

    /// Lets go of what lies before `seq`: it is confirmed.
    pub(super) fn forget_before(&mut self, seq: u64) {
        while self.kept.front().is_some_and(|kept| kept.seq < seq) {
            self.pop();
        }
    }

    /// The next records, as a batch of the queue that `view` shows. `view` has nothing more on disk.
    pub(super) fn drain(&self, view: &View, max_records: usize, max_bytes: usize) -> Option<Batch> {
        let oldest = self.kept.front()?;
        let (mut joined, mut starts) = (Vec::new(), Vec::new());
        let mut end_seq = oldest.seq;
        for kept in self.kept.iter().take(max_records.max(1)) {
            let record = kept
                .line
                .get(..kept.line.len().saturating_sub(1))
                .unwrap_or_default();
            if !starts.is_empty() {
                if joined.len() + 1 + record.len() > max_bytes || kept.context != oldest.context {
                    break;
                }
                joined.push(b',');
            }
            starts.push(joined.len());
            joined.extend_from_slice(record);
            end_seq = kept.seq + 1;
        }
        let mut position = view.position;
        position.seq = end_seq;
        let token = Token {
            queue: view.id,
            position,
            context: view.context.clone(),
            gaps: Vec::new(),
        };
        Some(Batch {
            joined,
            starts,
            context: Arc::clone(&oldest.context),
            token,
        })
    }
}

/// Memory for records that the disk refuses, for one queue: 256 KiB, as much as one default segment holds in a burst.
pub const MEMORY_BYTES: usize = 256 * 1024;
