//! The queue's one thread, `courier-queue`: it syncs on an interval and tries a refusing disk again.
//!
//! It sleeps without a timer while nothing is unsynced, and ends when the last handle of the queue is dropped.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::engine::Engine;

/// How the other threads speak to the housekeeping.
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

    fn stop(&self) {
        *self.lock() = true;
        self.rung.notify_all();
    }

    /// Waits for work and then one interval; false when it is time to end.
    fn wait(&self, interval: Duration) -> bool {
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

/// The running thread.
#[derive(Debug)]
pub(super) struct Housekeeping(JoinHandle<()>);

impl Housekeeping {
    pub(super) fn start(engine: Arc<Engine>) -> io::Result<Self> {
        let run = move || {
            while engine.bell().wait(engine.interval()) {
                engine.keep_house();
            }
        };
        thread::Builder::new()
            .name(THREAD_NAME.to_owned())
            .spawn(run)
            .map(Self)
    }

    /// Ends the thread and waits for it.
    pub(super) fn stop(self, bell: &Bell) {
        bell.stop();
        // A panic in there has been reported by the hook; the program goes on.
        let _ = self.0.join();
    }

    /// Forgets the thread: it runs in the parent process and does not exist in this one.
    pub(super) fn forget(self) {
        std::mem::forget(self);
    }
}

/// The thread's name; Linux cuts at 15 bytes.
const THREAD_NAME: &str = "courier-queue";
