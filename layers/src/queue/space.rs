//! A disk without room: seen before it refuses, named as such, and left alone until it has room again.
//!
//! 1. Below the floor of free space nothing is written, and where a write is refused for want of room nothing safe is
//!    dropped for it: records wait in memory.
//! 2. When the memory is full, the oldest segment on disk makes room for what waits, and no more than that is written.
//! 3. A FATAL record and the end of the program go below the floor.
//!
//! The floor is looked at by the housekeeping, not for each record.

use super::engine::Engine;
use super::ledger::Ledger;
use super::trouble::Trouble;

impl Engine {
    /// Looks how much room the disk has. Where that can't be known there is no floor.
    pub(super) fn look_at_space(&self) {
        let below = self.storage.space(&self.root).ok().and_then(|space| {
            let floor = self.floor.of(space);
            (space.available < floor).then(|| Trouble::below(floor, space))
        });
        self.ledger().refusal.set_floor(below);
    }

    /// What is urgent is to be written next, or the memory is about to be gone: what waits goes to disk, floor or not,
    /// whatever of the oldest that costs.
    pub(super) fn make_way(&self) {
        loop {
            let is_refused = {
                let mut ledger = self.ledger();
                ledger.try_in_spite_of_floor();
                ledger.is_full() && !ledger.memory.is_empty()
            };
            if !is_refused || self.free_oldest() == 0 {
                return;
            }
        }
    }

    /// The memory is full, and so is the disk: the oldest segment makes room for what waits.
    pub(super) fn spill(&self) {
        let freed = self.free_oldest();
        // Its file went when the mutex was free again.
        self.ledger().write_into(freed);
    }
}

impl Ledger {
    /// Tries to write what waits, floor or not.
    pub(super) fn try_in_spite_of_floor(&mut self) {
        self.refusal.ignore_floor();
        self.recover();
    }

    /// Writes what waits in memory, oldest first, into the `freed` bytes that the disk got back.
    fn write_into(&mut self, freed: u64) {
        // A new segment begins with the context, and takes whole blocks.
        let overhead = self.context_bytes() as u64 + OVERHEAD_BYTES;
        let mut left = freed.saturating_sub(overhead);
        while let Some(bytes) = self.memory.oldest().map(|kept| kept.line.len() as u64) {
            let Some(after) = left.checked_sub(bytes) else {
                return;
            };
            left = after;
            if let Err(error) = self.write_oldest() {
                self.refusal.begin(&error);
                return;
            }
        }
    }
}

const OVERHEAD_BYTES: u64 = 4096;
