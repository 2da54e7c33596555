//! How the other threads speak to the housekeeping.
//!
//! 1. Who rings before a wait or during it ends it, with one atomic load while it is rung already.
//! 2. The work that was rung for is done after the ring: a round that was under way does not count for it.

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

    /// Waits for work and then one interval; false when it is time to end.
    pub(super) fn wait(&self, interval: Duration) -> bool {
        let idle = self
            .rung
            .wait_while(self.lock(), |is_stopped| {
                !*is_stopped && !self.has_work.load(Ordering::Acquire)
            })
            .unwrap_or_else(PoisonError::into_inner);
        let (is_stopped, _) = self
            .rung
            .wait_timeout_while(idle, interval, |is_stopped| !*is_stopped)
            .unwrap_or_else(PoisonError::into_inner);
        self.has_work.store(false, Ordering::Release);
        !*is_stopped
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_stopped
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
