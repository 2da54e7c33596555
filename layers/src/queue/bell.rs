//! How the other threads speak to the housekeeping.
//!
//! 1. Who rings before a wait or during it ends it, with one atomic load while it is rung already.
//! 2. What was rung for is done in a round that begins after the ring.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::sync::{AtomicBool, Condvar, Mutex, MutexGuard};

#[derive(Debug, Default)]
pub(super) struct Bell {
    has_work: AtomicBool,
    is_stopped: Mutex<bool>,
    rung: Condvar,
}

impl Bell {
    /// There is something to sync, or to try again.
    pub(super) fn ring(&self) {
        if !self.has_work.load(Ordering::Relaxed) && !self.has_work.swap(true, Ordering::AcqRel) {
            let _held = self.lock();
            self.rung.notify_all();
        }
    }

    /// It is time to end.
    pub(super) fn stop(&self) {
        *self.lock() = true;
        self.rung.notify_all();
    }

    /// Waits for work; false when it is time to end.
    pub(super) fn wait_for_work(&self) -> bool {
        let is_idle =
            |is_stopped: &mut bool| !*is_stopped && !self.has_work.load(Ordering::Acquire);
        let waited = self.rung.wait_while(self.lock(), is_idle);
        !*waited.unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one interval pass; false when it is time to end.
    pub(super) fn pause(&self, interval: Duration) -> bool {
        let is_going_on = |is_stopped: &mut bool| !*is_stopped;
        let waited = self
            .rung
            .wait_timeout_while(self.lock(), interval, is_going_on);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// A round begins: what was rung for so far is done in it.
    pub(super) fn answer(&self) {
        self.has_work.store(false, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_stopped
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
