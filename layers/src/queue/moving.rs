//! A queue whose directory can't be made at the start begins in memory, and moves in as soon as it can.
//!
//! 1. It has its id and its seqs from the start on, so that a batch that is on its way is confirmed wherever the queue
//!    is by then.
//! 2. It tries again after a second, then less and less often, down to once a minute; also when somebody asks for a
//!    sync, and at the end.
//! 3. What waits in memory is written first, in order.
//!
//! What it does not do: find another place. The directory is the one that the program named.

use std::io;
use std::sync::PoisonError;

use super::adopt::{LOCK_NAME, Survey, lock_text, survey};
use super::engine::Engine;
use super::ledger::Ledger;
use super::storage::Lock;
use super::trouble::Trouble;

impl Engine {
    pub(super) fn move_in_if_due(&self) {
        if self.home.is_due() {
            self.move_in();
        }
    }

    /// Tries to make the queue's directory, if it has none.
    pub(super) fn move_in(&self) {
        let mut one_try = self.home.one_try();
        if !self.home.is_missing() {
            return;
        }
        match self.make_home() {
            Ok(lock) => {
                *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = Some(lock);
                // One survey at a time.
                let surveying = self.surveying().lock();
                let _one = surveying.unwrap_or_else(PoisonError::into_inner);
                let found = survey(&self.storage, &self.root, &[self.id()], &lock_text());
                self.ledger().move_in(found);
                self.home.is_found(one_try);
            }
            Err(error) => {
                one_try.put_off();
                let reason = format!("cannot make a queue in `{}`: {error}", self.root.display());
                self.ledger().refusal.bar(Trouble::without_home(&reason));
            }
        }
    }

    fn make_home(&self) -> io::Result<Lock> {
        let storage = &self.storage;
        storage.make_root(&self.root)?;
        let dir = self.root.join(self.id().dir_name());
        match storage.make_dir(&dir) {
            // Left by a try that got no further, or by somebody who is about to remove it.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
        let lock = storage.lock(&dir.join(LOCK_NAME), &lock_text())?;
        lock.ok_or_else(|| io::ErrorKind::ResourceBusy.into())
    }
}

impl Ledger {
    /// The directory is there. What was found in its root is older.
    fn move_in(&mut self, found: Survey) {
        self.refusal.unbar();
        let chain = &mut self.writer.chain;
        chain.slot.generation = chain.slot.generation.max(found.generation + 1);
        chain.write_head();
        self.take_in(found);
        self.recover();
    }
}
