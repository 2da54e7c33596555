//! The status as it changes: to wait for, or to be called with.
//!
//! 1. A change is a change of state, of what was sent or failed last, of a switch, the endpoint, or the disk's health;
//!    a record that is logged is none, so nothing here costs a thread that logs.
//! 2. Whoever looks late sees the latest status, not each on the way to it.
//!
//! What it does not do: wake up while nothing changes.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::status::Status;

/// Counts changes, and wakes whoever waits for one. A cheap handle.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    count: u64,
    is_over: bool,
}

impl Changes {
    /// Something has changed.
    pub fn note(&self) {
        self.lock().count += 1;
        self.0.changed.notify_all();
    }

    /// There will be no more.
    pub fn end(&self) {
        self.lock().is_over = true;
        self.0.changed.notify_all();
    }

    fn count(&self) -> u64 {
        self.lock().count
    }

    /// Waits for more changes than `seen`: their count, or nothing once it is over or too late.
    fn beyond(&self, seen: u64, until: Option<Instant>) -> Option<u64> {
        let mut state = self.lock();
        loop {
            if state.count > seen {
                return Some(state.count);
            }
            if state.is_over {
                return None;
            }
            state = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => return None,
                Some(left) => {
                    let waited = self.0.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self
                    .0
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks for the status; nothing once the program's handles are gone.
pub(crate) type Ask = Box<dyn Fn() -> Option<Status> + Send>;

/// The status, to be watched. From [`Courier::watch`](crate::Courier::watch).
pub struct Watch {
    changes: Changes,
    seen: u64,
    last: Option<Status>,
    ask: Ask,
}

impl Watch {
    pub(crate) fn new(changes: &Changes, ask: Ask) -> Self {
        Self {
            seen: changes.count(),
            changes: changes.clone(),
            last: ask(),
            ask,
        }
    }

    /// The status when it was looked at last.
    #[must_use]
    pub fn last(&self) -> Option<&Status> {
        self.last.as_ref()
    }

    /// Waits for a status that differs from the last, and gives it. Nothing when there is none in time.
    pub fn next(&mut self, patience: Duration) -> Option<&Status> {
        self.next_until(Instant::now().checked_add(patience))
    }

    fn next_until(&mut self, until: Option<Instant>) -> Option<&Status> {
        loop {
            self.seen = self.changes.beyond(self.seen, until)?;
            let status = (self.ask)()?;
            if self.last.as_ref() != Some(&status) {
                return Some(self.last.insert(status));
            }
        }
    }

    /// Calls back with each status, on the thread `courier-status`, as long as the program's handles live. A panic in
    /// there ends it.
    pub(crate) fn call(mut self, mut callback: impl FnMut(&Status) + Send + 'static) {
        let run = move || {
            while let Some(status) = self.next_until(None) {
                callback(status);
            }
        };
        // Without a thread the program is not called; it can still ask.
        let _ = std::thread::Builder::new()
            .name("courier-status".to_owned())
            .spawn(run);
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch")
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}
