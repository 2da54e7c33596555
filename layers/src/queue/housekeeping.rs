//! The queue's one thread, `courier-queue`: it syncs on an interval and tries a refusing disk again.
//!
//! It sleeps without a timer while nothing is unsynced, and ends when the last handle of the queue is dropped.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::bell::Bell;
use super::engine::Engine;

/// The running thread.
#[derive(Debug)]
pub(super) struct Housekeeping(JoinHandle<()>);

impl Housekeeping {
    pub(super) fn start(engine: Arc<Engine>) -> io::Result<Self> {
        let run = move || {
            let bell = engine.bell();
            while bell.wait_for_work() && bell.pause(engine.interval()) {
                bell.answer();
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
