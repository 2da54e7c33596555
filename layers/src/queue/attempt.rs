//! Finds the record that kills the process that sends it, across restarts.
//!
//! 1. An attempt is written down before the send and taken back after it, whatever the answer: what stays are the
//!    attempts in which the process died.
//! 2. After [`ALONE_AFTER`] deaths each record of that batch goes alone.
//! 3. After [`PUT_ASIDE_AFTER`] the record is put aside, with the reason, and counted as rejected.
//!
//! What it does not do: survive a power loss; then the count begins again.

use super::DiskQueue;
use super::QueueId;
use super::batch::Batch;
use super::chain::Chain;
use super::ledger::Ledger;

/// A send that is under way; dropped when it has ended, well or not.
#[derive(Debug)]
#[must_use = "it lasts as long as the send"]
pub struct Attempt {
    queue: DiskQueue,
    id: QueueId,
}

impl DiskQueue {
    /// Says that `batch` is about to be sent. To be held until the answer is there.
    pub fn attempt(&self, batch: &Batch) -> Attempt {
        self.engine().ledger().begin_attempt(batch);
        Attempt {
            queue: self.clone(),
            id: batch.queue(),
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.queue.engine().ledger().end_attempt(self.id);
    }
}

impl Ledger {
    fn begin_attempt(&mut self, batch: &Batch) {
        let Some(chain) = self.chain_of(batch.queue()) else {
            return;
        };
        // A batch that was drained before another was confirmed says nothing about this position.
        if chain.is_sending || batch.first_seq() < chain.slot.position.seq {
            return;
        }
        chain.is_sending = true;
        if chain.slot.attempts < ALONE_AFTER {
            chain.slot.suspects_end = batch.last_seq() + 1;
        }
        chain.slot.attempts += 1;
        chain.write_head();
    }

    fn end_attempt(&mut self, queue: QueueId) {
        if let Some(chain) = self.chain_of(queue).filter(|chain| chain.is_sending) {
            chain.is_sending = false;
            chain.slot.attempts = chain.slot.attempts.saturating_sub(1);
            chain.write_head();
        }
    }

    fn chain_of(&mut self, queue: QueueId) -> Option<&mut Chain> {
        if queue == self.id() {
            return Some(&mut self.writer.chain);
        }
        let mut adopted = self.adopted.iter_mut();
        adopted
            .find(|adopted| adopted.chain.id == queue)
            .map(|adopted| &mut adopted.chain)
    }
}

impl Chain {
    /// The position has moved: what was said about the old one no longer counts, but the rest of a batch that killed
    /// stays suspect.
    pub(super) fn clear_attempts(&mut self) {
        let is_suspect =
            self.slot.attempts >= ALONE_AFTER && self.slot.position.seq < self.slot.suspects_end;
        self.slot.attempts = if is_suspect { ALONE_AFTER } else { 0 };
        self.is_sending = false;
    }
}

/// After three deaths in one batch: twice may be bad luck.
pub const ALONE_AFTER: u64 = 3;

/// Two more, alone: the record is the reason.
pub const PUT_ASIDE_AFTER: u64 = 5;
