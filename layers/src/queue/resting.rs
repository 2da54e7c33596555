//! When the queue comes to rest, and when that ends: see `rest`.

use super::engine::Engine;
use super::ledger::Ledger;

impl Engine {
    /// Comes to rest if nothing of its own is left.
    pub(super) fn rest(&self) {
        let mut ledger = self.ledger();
        if !ledger.is_at_rest && ledger.is_empty() {
            ledger.is_at_rest = true;
            self.rest.is(true);
        }
    }

    /// The program is about to record something.
    pub(super) fn end_rest(&self, ledger: &mut Ledger) {
        if ledger.is_at_rest {
            ledger.is_at_rest = false;
            self.rest.is(false);
        }
    }
}
