//! What becomes of records that went out: confirmed, refused, or forgotten.
//!
//! 1. A token counts once: one that is not ahead of the confirmed position changes nothing.
//! 2. A gap that nothing explains is damage: said first, then passed.

use std::collections::BTreeMap;

use super::QueueId;
use super::adopt::{Adopted, Survey};
use super::batch::{Batch, Token};
use super::chain::View;
use super::chore::Chore;
use super::engine::Engine;
use super::head::Position;
use super::ledger::Ledger;
use super::loss_record::{Note, is_note};
use crate::losses::Loss;

impl Engine {
    /// Puts records of the batch aside, each with its reason.
    pub(super) fn reject(&self, batch: &Batch, rejected: &[(usize, String)]) {
        let mut aside = self.rejected();
        let known = rejected.iter().filter(|(at, _)| batch.seq(*at).is_some());
        for (index, reason) in known {
            // Support loses a copy where the disk refuses; the count stays true.
            let _ = aside.add(batch.named_by(), batch.record(*index), reason);
        }
        drop(aside);
        let indices = rejected.iter().map(|&(index, _)| index);
        self.ledger().count_rejected(batch, indices);
    }
}

impl Ledger {
    /// Moves the confirmed position of the token's queue up to it.
    pub(super) fn confirm(&mut self, token: &Token) {
        let Some(chain) = self.chain_of(token.queue) else {
            return;
        };
        let confirmed_seq = chain.slot.position.seq;
        if token.position.seq <= confirmed_seq {
            return;
        }
        chain.step_to(token);
        // Before the step is on disk. Room for the loss record may cost an adopted queue: none is known by its place.
        self.count_damage(token.queue, confirmed_seq, &token.gaps);
        if token.queue == self.id() {
            self.memory.forget_before(token.position.seq);
            self.account.forget_holes_before(token.position.seq);
        }
        if let Some(chain) = self.chain_of(token.queue) {
            let behind = chain.leave_behind();
            let paths = behind.iter().map(|segment| chain.path(segment.first_seq));
            let unlinks: Vec<_> = paths.map(Chore::Unlink).collect();
            self.chores.extend(unlinks);
        }
        if let Some(at) = self.place_of(token.queue)
            && self.adopted.get(at).is_some_and(Adopted::is_done)
        {
            self.finish_adopted(at);
        }
    }

    /// Counts records of the batch as refused.
    fn count_rejected(&mut self, batch: &Batch, indices: impl Iterator<Item = usize>) {
        let queue = batch.named_by();
        for index in indices {
            let Some(seq) = batch.seq(index) else {
                continue;
            };
            let record = batch.record(index);
            if is_note(record) {
                self.account.lose_unsaid(Loss::Rejected);
                continue;
            }
            self.account.lose(Note {
                queue,
                first_seq: seq,
                last_seq: seq,
                count: 1,
                reason: Loss::Rejected,
            });
        }
        self.say_losses();
    }

    /// Nothing whole is left in an adopted queue: what is missing is damage, and the queue is done with. `view` is
    /// what was read.
    pub(super) fn retire(&mut self, view: &View, gaps: &[(u64, u64)]) {
        let queue = self
            .place_of(view.id)
            .and_then(|at| self.adopted.get_mut(at));
        let Some(queue) = queue.filter(|queue| queue.chain.slot.position == view.position) else {
            return;
        };
        // Nothing of it is pending, should the room for the loss record cost its segments.
        queue.chain.slot.position.seq = queue.end_seq;
        self.count_damage(view.id, view.position.seq, gaps);
        if let Some(at) = self.place_of(view.id) {
            self.finish_adopted(at);
        }
    }

    /// Forgets every pending record. Returns how many there were. `said` are the losses that are said in adopted
    /// queues.
    pub(super) fn clear(&mut self, mut said: BTreeMap<QueueId, Vec<(u64, Note)>>) -> u64 {
        let before = self.pending().records;
        while let Some(adopted) = self.adopted.pop_front() {
            let confirmed = adopted.chain.slot.position.seq;
            let said = said.remove(&adopted.chain.id).unwrap_or_default();
            for (_, note) in said.into_iter().filter(|&(at, _)| at >= confirmed) {
                self.account.owe_again(note);
            }
            let (first_seq, end_seq) = (adopted.chain.slot.position.seq, adopted.end_seq);
            let count = adopted.pending_records();
            if count > 0 {
                let queue = adopted.chain.id;
                self.account.lose(Note {
                    queue,
                    first_seq,
                    last_seq: end_seq - 1,
                    count,
                    reason: Loss::Cleared,
                });
            }
            self.chores.push(Chore::Finish(Box::new(adopted)));
        }
        self.writer.seal();
        while self.memory.pop().is_some() {}
        let confirmed = self.writer.chain.slot.position.seq;
        let mut segments: Vec<_> = self.writer.chain.segments.drain(..).collect();
        for segment in &mut segments {
            self.writer.let_go(segment.first_seq);
            for note in segment.take_notes_from(confirmed) {
                self.account.owe_again(note);
            }
        }
        let chain = &mut self.writer.chain;
        let lost = chain.slot.position.seq..self.next_seq;
        chain.slot.position = Position {
            segment: self.next_seq,
            offset: 0,
            seq: self.next_seq,
            context: None,
        };
        chain.context = None;
        chain.write_head();
        self.unlink(&segments);
        let queue = self.id();
        self.account.lose_own_range(queue, &lost, Loss::Cleared);
        self.say_losses();
        // Where the disk refuses, they go all the same.
        let _ = self.keep_what_was_said();
        before
    }

    /// Takes in queues that were adopted just now, oldest first.
    pub(super) fn take_in(&mut self, found: Survey) {
        self.newer = found.newer;
        self.adopted.extend(found.adopted);
        while let Some(at) = self.adopted.iter().position(Adopted::is_done) {
            self.finish_adopted(at);
        }
        self.chores.push(Chore::Trim { reserve: 0 });
    }

    /// Whether nothing of our own is pending, or to be said.
    pub(super) fn is_empty(&self) -> bool {
        self.own_pending_records() == 0 && self.account.next_owed().is_none()
    }

    /// Takes an adopted queue out of the list; its directory is to go.
    pub(super) fn finish_adopted(&mut self, at: usize) {
        let adopted = self.adopted.remove(at);
        self.chores
            .extend(adopted.map(|adopted| Chore::Finish(Box::new(adopted))));
    }

    fn place_of(&self, adopted: QueueId) -> Option<usize> {
        self.adopted
            .iter()
            .position(|queue| queue.chain.id == adopted)
    }

    fn count_damage(&mut self, queue: QueueId, confirmed_seq: u64, gaps: &[(u64, u64)]) {
        for &(first_seq, last_seq) in gaps.iter().filter(|gap| gap.1 >= confirmed_seq) {
            let first_seq = first_seq.max(confirmed_seq);
            let count = last_seq - first_seq + 1;
            self.account.lose(Note {
                queue,
                first_seq,
                last_seq,
                count,
                reason: Loss::Damaged,
            });
        }
        self.say_losses();
    }
}
