//! Group commit: many callers wait for one sync.
//!
//! 1. Each write has a ticket, ascending. A caller waits until a sync that began after its write has ended.
//! 2. One caller syncs, the others wait; who comes during a sync waits for that one and the next: two at most.
//! 3. A sync that fails is an error for everybody it covered, and can't leave anybody waiting.

use std::io;
use std::sync::PoisonError;

use super::sync::{Condvar, Mutex, MutexGuard};

#[derive(Debug, Default)]
pub(super) struct Commit {
    state: Mutex<State>,
    turn: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_running: bool,
    synced: u64,
    failed: Option<Failed>,
}

/// Tickets, first and last, whose sync failed. May take in some that were synced: their callers write once more.
#[derive(Clone, Copy, Debug)]
struct Failed {
    first: u64,
    last: u64,
    kind: io::ErrorKind,
}

impl Commit {
    /// Returns once `ticket` is synced. `sync` syncs everything written so far and says up to which ticket.
    pub(super) fn wait(
        &self,
        ticket: u64,
        sync: impl Fn() -> (u64, io::Result<()>),
    ) -> io::Result<()> {
        let mut state = self.lock();
        loop {
            if let Some(failed) = state.failed
                && (failed.first..=failed.last).contains(&ticket)
            {
                return Err(failed.kind.into());
            }
            if state.synced >= ticket {
                return Ok(());
            }
            if state.is_running {
                state = self
                    .turn
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.is_running = true;
            drop(state);
            let turn = Turn(self);
            let (upto, result) = sync();
            state = turn.0.lock();
            match result {
                Ok(()) => state.synced = state.synced.max(upto),
                Err(error) => state.fail(upto, error.kind()),
            }
            drop(state);
            drop(turn);
            state = self.lock();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn fail(&mut self, upto: u64, kind: io::ErrorKind) {
        let first = self.failed.map_or(self.synced + 1, |failed| failed.first);
        self.failed = Some(Failed {
            first,
            last: upto,
            kind,
        });
        // What failed is never synced later, so nobody may wait for it.
        self.synced = self.synced.max(upto);
    }
}

/// The right to sync, given back also when the sync unwinds.
struct Turn<'a>(&'a Commit);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.lock().is_running = false;
        self.0.turn.notify_all();
    }
}
