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
        let mut ledger = self.ledger();
        match &ledger.held {
            // There is no directory: that is told instead.
            Some(held) if !held.is_full => {}
            _ => ledger.held = below,
        }
    }
}

impl Ledger {
    /// Tries to write what waits, floor or not.
    pub(super) fn try_in_spite_of_floor(&mut self) {
        self.held.take_if(|held| held.is_full);
        self.recover();
    }

    /// The program ends, and its memory with it.
    pub(super) fn recover_at_last(&mut self) {
        self.try_in_spite_of_floor();
        if self.is_full() {
            self.make_way();
        }
    }

    /// What is urgent is to be written next: what waits goes to disk, whatever of the oldest that costs.
    pub(super) fn make_way(&mut self) {
        self.try_in_spite_of_floor();
        while self.is_full() && !self.memory.is_empty() {
            if self.spill() == 0 {
                return;
            }
        }
        self.recover();
    }

    /// The memory is full, and so is the disk: the oldest segment makes room for what waits. Returns how many bytes
    /// that gave.
    pub(super) fn spill(&mut self) -> u64 {
        let freed = self.free_oldest();
        // A new segment begins with the context, and takes whole blocks.
        let overhead = self.context_bytes() as u64 + OVERHEAD_BYTES;
        let mut left = freed.saturating_sub(overhead);
        while let Some((seq, bytes)) = self.memory.oldest().map(|kept| (kept.seq, kept.line.len()))
        {
            let Some(after) = left.checked_sub(bytes as u64) else {
                return freed;
            };
            left = after;
            let room = self.make_room_for_older(seq, bytes);
            let Some(kept) = self.memory.oldest() else {
                return freed;
            };
            match room.and_then(|()| self.writer.write(kept.seq, &kept.line, &kept.context)) {
                Ok(_) => drop(self.memory.pop()),
                Err(error) => {
                    self.trouble = Some(Trouble::of(&error));
                    return freed;
                }
            }
        }
        freed
    }
}

const OVERHEAD_BYTES: u64 = 4096;
