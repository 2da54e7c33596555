//! Finds the record that kills the process that sends it, across restarts.
//!
//! 1. An attempt is written down before the send and taken back after it, whatever the answer: what stays are the
//!    attempts in which the process died.
//! 2. An attempt that lasts is taken back too, by the housekeeping's second round: what kills, kills at once; who
//!    pulls the plug while a network hangs says nothing about the record.
//! 3. A FATAL record on another thread than the sender's takes it back as well, and until that round no send counts: the
//!    program dies of something else, and a program that crashes at each start while the network is away would blame
//!    the record that happens to be first.
//! 4. After [`ALONE_AFTER`] deaths each record of that batch goes alone.
//! 5. After [`PUT_ASIDE_AFTER`] the record is put aside, with the reason, and counted as rejected.
//!
//! What it does not do: survive a power loss; then the count begins again. Tell who is killed from outside in the
//! moment of a send, five times in a row at the same record.

use std::thread;

use super::QueueId;
use super::batch::Batch;
use super::chain::Chain;
use super::ledger::Ledger;
use super::sending::{ALONE_AFTER, Age, Sending};

impl Ledger {
    pub(super) fn begin_attempt(&mut self, batch: &Batch) {
        let is_dying = self.dying.is_likely();
        let Some(chain) = self.chain_of(batch.queue()) else {
            return;
        };
        // A batch that was drained before another was confirmed says nothing about this position.
        if is_dying || chain.sending.is_some() || batch.first_seq() < chain.slot.position.seq {
            return;
        }
        chain.sending = Some(Sending {
            by: thread::current().id(),
            age: Age::New,
        });
        if chain.slot.attempts < ALONE_AFTER {
            chain.slot.suspects_end = batch.last_seq() + 1;
        }
        chain.slot.attempts += 1;
        chain.write_head();
    }

    pub(super) fn end_attempt(&mut self, queue: QueueId) {
        if let Some(chain) = self.chain_of(queue) {
            chain.take_attempt_back();
        }
    }

    /// Takes back the attempts that were under way in the last round already; says whether others are.
    pub(super) fn age_attempts(&mut self) -> bool {
        self.dying.age();
        let is_new = |chain: &mut Chain| match &mut chain.sending {
            Some(Sending { age, .. }) if *age == Age::New => {
                *age = Age::Seen;
                true
            }
            Some(_) => {
                chain.take_attempt_back();
                false
            }
            None => false,
        };
        // All of them, not up to the first.
        let any_new = self
            .chains()
            .map(is_new)
            .fold(false, |any, is_new| any | is_new);
        any_new || self.dying.is_likely()
    }

    /// A FATAL record came from this thread: should the program die now, no record that another thread sends is to
    /// blame.
    pub(super) fn absolve(&mut self) {
        let here = thread::current().id();
        if self
            .chains()
            .any(|chain| chain.sending.is_some_and(|sending| sending.by == here))
        {
            return;
        }
        self.dying.begin();
        self.chains().for_each(Chain::take_attempt_back);
    }

    fn chains(&mut self) -> impl Iterator<Item = &mut Chain> {
        let adopted = self.adopted.iter_mut().map(|adopted| &mut adopted.chain);
        adopted.chain([&mut self.writer.chain])
    }

    /// Our own queue, or an adopted one.
    pub(super) fn chain_of(&mut self, queue: QueueId) -> Option<&mut Chain> {
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
    fn take_attempt_back(&mut self) {
        if self.sending.take().is_some() {
            self.slot.attempts = self.slot.attempts.saturating_sub(1);
            self.write_head();
        }
    }

    /// The position has moved: what was said about the old one no longer counts, but the rest of a batch that killed
    /// stays suspect.
    pub(super) fn clear_attempts(&mut self) {
        let is_suspect =
            self.slot.attempts >= ALONE_AFTER && self.slot.position.seq < self.slot.suspects_end;
        self.slot.attempts = if is_suspect { ALONE_AFTER } else { 0 };
        self.sending = None;
    }
}
