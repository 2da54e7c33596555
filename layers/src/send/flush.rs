//! Waiting for the records to come home: on the thread that asks, or as a future for any runtime.
//!
//! 1. A flush covers what was logged before the call, also when it is asked for while another runs; those that wait
//!    share one drain.
//! 2. It returns at its deadline, or earlier with the reason when no wait could help. The last flush of a program also
//!    returns when a try has failed: what is left is on disk, and waiting is the next start's business.
//! 3. On the sender's own thread (in a token provider, say) it returns at once: the sender can't wait for itself.
//!
//! The future needs no timer of a runtime's: while there is one, the thread `courier-flush` watches the deadlines.

use std::sync::Arc;
use std::time::Duration;

use super::report::WhyStopped;
use super::shared::Shared;
use super::time::Time;
use super::waiters::{Flush, Waiter};

/// Deadlines are the caller's, who lives in real time, also where the sender's own waits are moved by hand.
pub(super) const DEADLINES: Time = Time::System;

impl Shared {
    /// Waits until everything logged before the call is home, or says why not.
    pub fn flush(&self, deadline: Duration) -> WhyStopped {
        self.flush_by(deadline, Tries::Many)
    }

    /// As [`flush`](Self::flush), but not longer than the sender's next try takes; not at all while it waits to try
    /// again.
    pub fn flush_once(&self, deadline: Duration) -> WhyStopped {
        self.flush_by(deadline, Tries::One)
    }

    fn flush_by(&self, deadline: Duration, tries: Tries) -> WhyStopped {
        if self.is_sender() {
            return WhyStopped::OnSenderThread;
        }
        let until = DEADLINES.now().saturating_add(deadline);
        let ticket = self.ask_for_flush();
        let mut state = self.lock();
        loop {
            if let Some(why) = state.verdict(ticket, until, DEADLINES.now()) {
                return why;
            }
            if tries == Tries::One && state.is_backing_off(self.time.now()) {
                return WhyStopped::BackingOff;
            }
            state = DEADLINES.wait(&self.changed, state, Some(until));
        }
    }

    /// The same as a future. The flush is asked for at once, not at the first poll.
    pub fn flush_async(self: &Arc<Self>, deadline: Duration) -> Flush {
        let flush = Flush::default();
        if self.is_sender() {
            flush.resolve(WhyStopped::OnSenderThread);
            return flush;
        }
        let until = DEADLINES.now().saturating_add(deadline);
        let ticket = self.ask_for_flush();
        let mut state = self.lock();
        state.waiters.list.push(Waiter {
            ticket,
            until,
            flush: flush.clone(),
        });
        if !state.waiters.is_watched {
            let shared = Arc::clone(self);
            let watcher = std::thread::Builder::new().name("courier-flush".to_owned());
            state.waiters.is_watched = watcher.spawn(move || shared.watch()).is_ok();
        }
        if !state.waiters.is_watched {
            // The system gives no thread: then nobody could wake the future at its deadline.
            state.waiters.list.pop();
            flush.resolve(WhyStopped::Deadline);
        }
        flush
    }

    /// Resolves the futures as their time comes, as long as there are any.
    fn watch(&self) {
        let mut state = self.lock();
        loop {
            let now = DEADLINES.now();
            let mut ready = Vec::new();
            let mut waiters = std::mem::take(&mut state.waiters.list);
            waiters.retain(|waiter| {
                let why = state.verdict(waiter.ticket, waiter.until, now);
                ready.extend(why.map(|why| (waiter.flush.clone(), why)));
                why.is_none()
            });
            let first = waiters.iter().map(|waiter| waiter.until).min();
            state.waiters.list = waiters;
            if !ready.is_empty() {
                // What a runtime does when it is woken is its own business: not under this lock.
                drop(state);
                ready
                    .into_iter()
                    .for_each(|(flush, why)| flush.resolve(why));
                state = self.lock();
            } else if first.is_some() {
                state = DEADLINES.wait(&self.changed, state, first);
            } else {
                state.waiters.is_watched = false;
                return;
            }
        }
    }
}

/// How often a flush lets the sender try.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tries {
    One,
    Many,
}
