//! The losses of a queue: counted, and owed to it as loss records.
//!
//! 1. Each loss is counted once, and owed until a loss record that says it is written.
//! 2. A loss record whose segment goes before it is delivered is owed again, and not counted again.
//! 3. A seq of our own that never reached the disk is a hole. It counts as lost once, also when a range around it is lost.

use std::ops::Range;
use std::sync::Arc;

use super::holes::Holes;
use super::id::QueueId;
use super::loss_record::{Note, Owed};
use crate::losses::{Loss, Losses};

#[derive(Debug)]
pub(super) struct Account {
    counts: Arc<Losses>,
    owed: Owed,
    /// Seqs of our own that never reached the disk.
    holes: Holes,
}

impl Account {
    pub(super) fn new(counts: Arc<Losses>) -> Self {
        Self {
            counts,
            owed: Owed::default(),
            holes: Holes::default(),
        }
    }

    /// Counts a loss, and owes the loss record that says it.
    pub(super) fn lose(&mut self, loss: Note) {
        self.counts.add(loss.reason, loss.count);
        self.owed.add(loss);
    }

    /// Counts the loss of one record of our own, which never reached the disk.
    pub(super) fn lose_own(&mut self, queue: QueueId, seq: u64, reason: Loss) {
        self.holes.add(seq, seq);
        self.lose(Note {
            queue,
            first_seq: seq,
            last_seq: seq,
            count: 1,
            reason,
        });
    }

    /// Counts the loss of our own records in `lost`, without those that were counted before.
    pub(super) fn lose_own_range(&mut self, queue: QueueId, lost: &Range<u64>, reason: Loss) {
        let count = (lost.end - lost.start) - self.missing(lost.start, lost.end);
        if count > 0 {
            self.lose(Note {
                queue,
                first_seq: lost.start,
                last_seq: lost.end - 1,
                count,
                reason,
            });
        }
        self.holes.forget_before(lost.end);
    }

    /// Counts the loss of a loss record that the relay refused. Nothing is owed for it: the relay would refuse that too.
    pub(super) fn lose_unsaid(&mut self, reason: Loss) {
        self.counts.add(reason, 1);
    }

    /// Owes a loss that was counted before: the loss record that said it is gone.
    pub(super) fn owe_again(&mut self, note: Note) {
        self.owed.add(note);
    }

    /// Owes what the queue before this one owed.
    pub(super) fn take_over(&mut self, old: &mut Self) {
        while let Some(note) = old.owed.settle() {
            self.owed.add(note);
        }
    }

    /// The loss record that is to be written next.
    pub(super) fn next_owed(&self) -> Option<&Note> {
        self.owed.next()
    }

    /// The loss record that was to be written next is written.
    pub(super) fn settle(&mut self) -> Option<Note> {
        self.owed.settle()
    }

    #[cfg(test)]
    pub(super) fn owed(&self) -> impl Iterator<Item = &Note> {
        self.owed.iter()
    }

    /// How many seqs of our own from `first_seq` up to `end_seq` never reached the disk.
    pub(super) fn missing(&self, first_seq: u64, end_seq: u64) -> u64 {
        self.holes.count(first_seq, end_seq)
    }

    pub(super) fn holes(&self) -> &Holes {
        &self.holes
    }

    /// What lies before `seq` is delivered or said: its holes matter no more.
    pub(super) fn forget_holes_before(&mut self, seq: u64) {
        self.holes.forget_before(seq);
    }
}
