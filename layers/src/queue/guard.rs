//! The queue's mutex, and what is left to do once it is free again.

use std::ops::{Deref, DerefMut};
use std::sync::MutexGuard;

use super::chore::Chore;
use super::ledger::Ledger;
#[cfg(test)]
use super::proofs::held::Mark;

/// Who does what was put down.
pub(super) trait DoChores {
    fn do_chores(&self, chores: Vec<Chore>);
}

/// The ledger, locked. When this is dropped, the mutex is freed first; then the chores that came up are done.
pub(super) struct LedgerGuard<'a> {
    // The order of the fields is the order in which they are dropped.
    ledger: MutexGuard<'a, Ledger>,
    #[cfg(test)]
    _mark: Mark,
    left: Left<'a>,
}

/// The chores that are done when this is dropped.
struct Left<'a> {
    engine: &'a dyn DoChores,
    chores: Vec<Chore>,
}

impl<'a> LedgerGuard<'a> {
    pub(super) fn new(engine: &'a dyn DoChores, ledger: MutexGuard<'a, Ledger>) -> Self {
        Self {
            ledger,
            #[cfg(test)]
            _mark: Mark::new(),
            left: Left {
                engine,
                chores: Vec::new(),
            },
        }
    }
}

impl Deref for LedgerGuard<'_> {
    type Target = Ledger;

    fn deref(&self) -> &Ledger {
        &self.ledger
    }
}

impl DerefMut for LedgerGuard<'_> {
    fn deref_mut(&mut self) -> &mut Ledger {
        &mut self.ledger
    }
}

impl Drop for LedgerGuard<'_> {
    fn drop(&mut self) {
        if !self.ledger.chores.is_empty() {
            self.left.chores = std::mem::take(&mut self.ledger.chores);
        }
    }
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        if !self.chores.is_empty() {
            self.engine.do_chores(std::mem::take(&mut self.chores));
        }
    }
}
