//! What is done without the queue's mutex: reading, copying and unlinking of files.
//!
//! 1. While the mutex is held, no file is read, listed, renamed or unlinked: each thread that logs would wait for it.
//!    What comes up there is put down as a chore. Whoever held the mutex does it after freeing it, before its own call
//!    returns.
//! 2. A segment is unlinked after its loss was said and synced, or after the position behind it was written down. A
//!    crash before the unlink leaves a file for the next start to find.
//! 3. The name of a segment is never given twice, so that an unlink that comes late can't meet a newer file.
//! 4. What an adopted segment tells of losses is read first. Then, in one turn of the mutex, the segment is dropped if
//!    it is still the oldest, and its loss is said and synced.
//! 5. Room in a full root is made ahead of the need by the housekeeping. Only a program that logs faster than that
//!    makes it in the call that logs.

use std::sync::PoisonError;

use super::adopt::Oldest;
use super::chore::Chore;
use super::drain::notes;
use super::engine::Engine;
use super::guard::DoChores;

impl DoChores for Engine {
    fn do_chores(&self, chores: Vec<Chore>) {
        for chore in chores {
            match chore {
                // One that stays is found at the next start, behind the confirmed position, and removed then.
                Chore::Unlink(path) => drop(self.storage().remove_file(&path)),
                Chore::Finish(adopted) => {
                    let _ = self.rejected().take_over(&adopted.chain.dir);
                    adopted.remove();
                }
                Chore::Trim { reserve } => self.trim(reserve),
            }
        }
    }
}

impl Engine {
    /// Removes the oldest adopted segments while the root, with `reserve` more, is above its cap.
    pub(super) fn trim(&self, reserve: u64) {
        loop {
            let oldest = self.ledger().adopted_above(reserve);
            if oldest.is_empty() {
                return;
            }
            let read = oldest.into_iter().map(Oldest::read).collect();
            self.ledger().drop_adopted(read, reserve);
        }
    }

    /// Removes the oldest segment of all, on a disk that is full before the cap is reached. Returns its bytes on disk.
    pub(super) fn free_oldest(&self) -> u64 {
        loop {
            let oldest = self.ledger().oldest_adopted();
            let Some((bytes, oldest)) = oldest else {
                return self.ledger().free_own();
            };
            let read = oldest.read();
            // Unless another thread was quicker.
            if self.ledger().free_adopted(read) {
                return bytes;
            }
        }
    }

    /// Forgets all pending records of all queues, and what was put aside. Returns how many records were pending.
    pub(super) fn clear(&self) -> u64 {
        // Nobody adopts meanwhile.
        let _one = self
            .surveying()
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let views: Vec<_> = {
            let ledger = self.ledger();
            let adopted = ledger.adopted.iter();
            adopted
                .map(|adopted| adopted.chain.view(adopted.end_seq))
                .collect()
        };
        let said = views.iter().map(|view| (view.id, notes(view))).collect();
        let before = self.ledger().clear(said);
        self.rejected().clear();
        before
    }
}
