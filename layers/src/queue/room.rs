//! Who makes room when the cap is reached: the oldest.
//!
//! 1. Never above the cap, in blocks of 4 KiB, with the head, the lock, the directory and the rejected inside.
//! 2. A segment is at most 1/16 of the cap; while little is pending it is smaller, so that a small disk that is full
//!    does not cost everything at once.
//! 3. The loss is said and synced first, then the segment is unlinked. On a disk that is full it can't be: there the
//!    segment goes first, and a power loss in between leaves a gap that nothing tells of.

use std::io;
use std::ops::Range;

use super::QueueId;
use super::adopt::Adopted;
use super::chain::{Segment, on_disk};
use super::ledger::{Ledger, NOTE_BYTES};
use super::note::Note;
use crate::losses::Loss;

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
    fn fixed_bytes(self) -> u64 {
        3 * BLOCK_BYTES + 2 * on_disk(self.max_rejected_bytes())
    }
}

impl Ledger {
    /// Makes sure that a line of `bytes` and its context fit into the open segment. May say losses on the way, so
    /// it comes before the line has its seq.
    pub(super) fn make_room(&mut self, bytes: usize) -> io::Result<()> {
        let seq = self.next_seq;
        self.begin_segment_if_needed(seq, bytes, Say::First)
    }

    /// The same for a record that has its seq already: losses are said after it.
    pub(super) fn make_room_for_older(&mut self, seq: u64, bytes: usize) -> io::Result<()> {
        self.begin_segment_if_needed(seq, bytes, Say::Later)
    }

    /// Removes the oldest segment of all, on a disk that is full before the cap is reached. Returns its bytes.
    pub(super) fn free_oldest(&mut self) -> u64 {
        self.writer.seal();
        if let Some((queue, dropped)) = self.drop_oldest_adopted(Loss::Overflow) {
            self.remove_adopted_segment(queue, &dropped);
            dropped.bytes
        } else if let Some(dropped) = self.drop_oldest_own() {
            let bytes = dropped.bytes;
            self.writer.chain.write_head();
            self.writer.chain.remove(&[dropped]);
            bytes
        } else {
            0
        }
    }

    /// Removes the oldest adopted segments while the root, with `reserve` more, is above its cap.
    pub(super) fn trim_adopted(&mut self, reserve: u64, say: Say) {
        let mut dropped = Vec::new();
        while self.own_bytes() + self.adopted_bytes() + reserve > self.cap.max_root_bytes {
            match self.drop_oldest_adopted(Loss::Overflow) {
                Some(oldest) => dropped.push(oldest),
                None => break,
            }
        }
        if say == Say::First && !dropped.is_empty() {
            self.say_losses();
            // Where the disk refuses, the cap still holds.
            let _ = self.keep_what_was_said();
        }
        for (queue, segment) in &dropped {
            self.remove_adopted_segment(*queue, segment);
        }
    }

    /// Counts and owes the loss of `lost`, of our own queue.
    pub(super) fn lose_own_range(&mut self, lost: &Range<u64>, reason: Loss) {
        let count = (lost.end - lost.start) - self.holes.count(lost.start, lost.end);
        if count > 0 {
            self.losses.add(reason, count);
            let queue = self.id();
            self.owed.add(Note {
                queue,
                first_seq: lost.start,
                last_seq: lost.end - 1,
                count,
                reason,
            });
        }
        self.holes.forget_before(lost.end);
    }

    fn begin_segment_if_needed(&mut self, seq: u64, bytes: usize, say: Say) -> io::Result<()> {
        let needed = (bytes + self.context_bytes() + NOTE_BYTES) as u64;
        if self.writer.has_room(needed) {
            return Ok(());
        }
        let limit = self.segment_limit();
        self.writer.seal();
        let reserve = on_disk(limit.max(needed)) + SLACK_BYTES;
        let mut dropped = Vec::new();
        while self.own_bytes() + reserve > self.cap.max_bytes {
            match self.drop_oldest_own() {
                Some(segment) => dropped.push(segment),
                None => break,
            }
        }
        let mut begun = self.writer.begin_segment(seq, limit);
        if !dropped.is_empty() {
            while begun.is_ok() && say == Say::First && self.owed.next().is_some() {
                begun = self.say_loss();
            }
            if say == Say::First {
                begun = begun.and_then(|()| self.keep_what_was_said());
            }
            self.writer.chain.write_head();
            self.writer.chain.remove(&dropped);
        }
        self.trim_adopted(reserve, say);
        begun
    }

    /// How large the next segment gets.
    fn segment_limit(&self) -> u64 {
        let most = self.cap.max_segment_bytes();
        let wanted = self.writer.chain.disk_bytes() / 16;
        wanted.clamp(FIRST_SEGMENT_BYTES.min(most), most)
    }

    fn drop_oldest_own(&mut self) -> Option<Segment> {
        let (end_seq, confirmed) = (self.writer.end_seq(), self.writer.chain.slot.position.seq);
        let (mut segment, lost) = self.writer.chain.drop_oldest(end_seq)?;
        self.writer.let_go(segment.first_seq);
        for note in segment.take_notes_from(confirmed) {
            self.owed.add(note);
        }
        self.lose_own_range(&lost, Loss::Overflow);
        Some(segment)
    }

    /// Drops the oldest segment of the oldest adopted queue that has one.
    fn drop_oldest_adopted(&mut self, reason: Loss) -> Option<(QueueId, Segment)> {
        let at = self
            .adopted
            .iter()
            .position(|adopted| !adopted.chain.segments.is_empty())?;
        let adopted = self.adopted.get_mut(at)?;
        let notes = adopted.notes_in_oldest();
        let oldest = adopted.chain.view(adopted.end_seq).beginning();
        if let Some(front) = adopted.chain.segments.front_mut() {
            front.from_seq = oldest.seq;
        }
        let (segment, lost) = adopted.chain.drop_oldest(adopted.end_seq)?;
        let queue = adopted.chain.id;
        for note in notes {
            self.owed.add(note);
        }
        let count = lost.end - lost.start;
        if count > 0 {
            self.losses.add(reason, count);
            self.owed.add(Note {
                queue,
                first_seq: lost.start,
                last_seq: lost.end - 1,
                count,
                reason,
            });
        }
        Some((queue, segment))
    }

    fn remove_adopted_segment(&mut self, queue: QueueId, segment: &Segment) {
        let Some(at) = self
            .adopted
            .iter()
            .position(|adopted| adopted.chain.id == queue)
        else {
            return;
        };
        if let Some(adopted) = self.adopted.get_mut(at) {
            adopted.chain.write_head();
            adopted.chain.remove(std::slice::from_ref(segment));
            if adopted.chain.segments.is_empty() {
                self.finish_adopted(at);
            }
        }
    }

    fn own_bytes(&self) -> u64 {
        self.writer.chain.disk_bytes() + self.cap.fixed_bytes()
    }

    fn adopted_bytes(&self) -> u64 {
        self.adopted.iter().map(Adopted::disk_bytes).sum()
    }
}

/// When the losses are said that making room costs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Say {
    First,
    Later,
}

/// Size of a segment while little is pending: what a device with a tiny disk loses at once when that is full.
const FIRST_SEGMENT_BYTES: u64 = 64 * 1024;

/// What a new segment may hold already while the one that makes room for it is still there.
const SLACK_BYTES: u64 = 2 * BLOCK_BYTES;

pub(super) const BLOCK_BYTES: u64 = 4096;
