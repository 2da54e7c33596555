//! Who makes room when the cap is reached: the oldest.
//!
//! 1. Never above the cap, in blocks of 4 KiB, with the head, the lock, the directory and the rejected inside.
//! 2. A segment is at most 1/16 of the cap; while little is pending it is smaller, so that a small disk that is full
//!    does not cost everything at once.
//! 3. The loss is said and synced first, then the segment is unlinked, without the mutex and before the record that
//!    needs the room is written. On a disk that is full it can't be said first: there the segment goes first, and a power
//!    loss in between leaves a gap that nothing tells of.
//! 4. What other threads write while a segment is being unlinked comes on top of the cap for that moment: a segment at
//!    most.

use std::io;
use std::path::PathBuf;

use super::QueueId;
use super::adopt::{Adopted, Oldest, Read};
use super::blocks::on_disk;
use super::cap::SLACK_BYTES;
use super::chain::Segment;
use super::chore::Chore;
use super::ledger::{Ledger, NOTE_BYTES};
use super::loss_record::Note;
use crate::losses::Loss;

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

    /// Whether a line of `bytes` and its context fit into the open segment, and a loss record behind them.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.writer.has_room(self.needed(bytes))
    }

    /// Drops our own oldest segment, on a disk that is full before the cap is reached. Returns its bytes on disk.
    pub(super) fn free_own(&mut self) -> u64 {
        self.writer.seal();
        let Some(dropped) = self.drop_oldest_own() else {
            return 0;
        };
        self.writer.chain.write_head();
        let bytes = on_disk(dropped.bytes);
        self.unlink(&[dropped]);
        bytes
    }

    /// Drops the oldest segment of an adopted queue, on a disk that is full. Says whether it was there.
    pub(super) fn free_adopted(&mut self, read: Read) -> bool {
        self.writer.seal();
        let dropped = self.drop_oldest_adopted(read);
        let was_there = dropped.is_some();
        if let Some((queue, path)) = dropped {
            self.leave_adopted_segment(queue, path);
        }
        was_there
    }

    /// The oldest segment of the oldest adopted queue that has one, with its bytes on disk.
    pub(super) fn oldest_adopted(&self) -> Option<(u64, Oldest)> {
        self.adopted.iter().flat_map(Adopted::oldest).next()
    }

    /// The oldest adopted segments, as many as are to go before the root, with `reserve` more, is within its cap.
    pub(super) fn adopted_above(&self, reserve: u64) -> Vec<Oldest> {
        let mut above = self.bytes_above(reserve);
        let oldest = self.adopted.iter().flat_map(Adopted::oldest);
        oldest
            .take_while(|(bytes, _)| {
                let is_above = above > 0;
                above = above.saturating_sub(*bytes);
                is_above
            })
            .map(|(_, oldest)| oldest)
            .collect()
    }

    /// Drops these, as long as the root, with `reserve` more, is above its cap.
    pub(super) fn drop_adopted(&mut self, read: Vec<Read>, reserve: u64) {
        let mut dropped = Vec::new();
        for read in read {
            if self.bytes_above(reserve) > 0 {
                dropped.extend(self.drop_oldest_adopted(read));
            }
        }
        if dropped.is_empty() {
            return;
        }
        self.say_losses();
        // Where the disk refuses, the cap still holds.
        let _ = self.keep_what_was_said();
        for (queue, path) in dropped {
            self.leave_adopted_segment(queue, path);
        }
    }

    /// What the root is to have free beyond its cap, so that a call that logs need not make it: two segments.
    pub(super) fn ahead(&self) -> u64 {
        2 * on_disk(self.segment_limit()) + SLACK_BYTES
    }

    /// The files of these segments are to go.
    pub(super) fn unlink(&mut self, segments: &[Segment]) {
        let chain = &self.writer.chain;
        let paths = segments.iter().map(|segment| chain.path(segment.first_seq));
        self.chores.extend(paths.map(Chore::Unlink));
    }

    fn begin_segment_if_needed(&mut self, seq: u64, bytes: usize, say: Say) -> io::Result<()> {
        let needed = self.needed(bytes);
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
            while begun.is_ok() && say == Say::First && self.account.next_owed().is_some() {
                begun = self.say_loss();
            }
            if say == Say::First {
                begun = begun.and_then(|()| self.keep_what_was_said());
            }
            self.writer.chain.write_head();
            self.unlink(&dropped);
        }
        if self.bytes_above(reserve) > 0 {
            self.chores.push(Chore::Trim { reserve });
        }
        begun
    }

    /// Bytes of a line, its context and a loss record.
    fn needed(&self, bytes: usize) -> u64 {
        (bytes + self.context_bytes() + NOTE_BYTES) as u64
    }

    /// By how much the root, with `reserve` more, is above its cap, where an adopted segment can go for it.
    fn bytes_above(&self, reserve: u64) -> u64 {
        let adopted = self.adopted.iter();
        let (mut bytes, mut has_segments) = (self.own_bytes(), false);
        for adopted in adopted {
            bytes += adopted.disk_bytes();
            has_segments |= !adopted.chain.segments.is_empty();
        }
        match has_segments {
            true => (bytes + reserve).saturating_sub(self.cap.max_root_bytes),
            false => 0,
        }
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
            self.account.owe_again(note);
        }
        let queue = self.id();
        self.account.lose_own_range(queue, &lost, Loss::Overflow);
        Some(segment)
    }

    /// Drops an adopted segment if it is still the oldest of its queue.
    fn drop_oldest_adopted(&mut self, read: Read) -> Option<(QueueId, PathBuf)> {
        let mut adopted = self.adopted.iter_mut();
        let adopted = adopted.find(|adopted| adopted.chain.id == read.queue)?;
        let chain = &mut adopted.chain;
        let front = chain.segments.front_mut()?;
        if front.first_seq != read.first_seq {
            return None;
        }
        front.from_seq = read.from_seq;
        if let (Some(next), Some(from_seq)) = (chain.segments.get_mut(1), read.next_from_seq) {
            next.from_seq = from_seq;
        }
        let confirmed = chain.slot.position.seq;
        let (segment, lost) = chain.drop_oldest(adopted.end_seq)?;
        let path = chain.path(segment.first_seq);
        // What lies before the confirmed position is delivered.
        let notes = read.notes.into_iter().filter(|&(at, _)| at >= confirmed);
        for (_, note) in notes {
            self.account.owe_again(note);
        }
        let count = lost.end - lost.start;
        if count > 0 {
            self.account.lose(Note {
                queue: read.queue,
                first_seq: lost.start,
                last_seq: lost.end - 1,
                count,
                reason: Loss::Overflow,
            });
        }
        Some((read.queue, path))
    }

    /// Writes down that an adopted segment is left behind, whose file is to go.
    fn leave_adopted_segment(&mut self, queue: QueueId, path: PathBuf) {
        self.chores.push(Chore::Unlink(path));
        let mut adopted = self.adopted.iter_mut();
        let at = adopted.position(|adopted| adopted.chain.id == queue);
        if let Some((at, adopted)) = at.and_then(|at| Some((at, self.adopted.get_mut(at)?))) {
            adopted.chain.write_head();
            if adopted.chain.segments.is_empty() {
                self.finish_adopted(at);
            }
        }
    }

    fn own_bytes(&self) -> u64 {
        self.writer.chain.disk_bytes() + self.cap.fixed_bytes()
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
