//! Group commit: many callers wait for one sync.
//!
//! 1. Each write has a ticket, ascending. A caller waits until a sync that began after its write has ended.
//! 2. One caller syncs, the others wait; who comes during a sync waits for that one and the next: two at most.
//! 3. A sync that fails is an error for everybody it covered, and can't leave anybody waiting.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

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

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Barrier, mpsc};
    use std::thread;

    use super::*;

    #[test]
    fn many_that_come_during_a_sync_share_the_next_one() {
        let commit = Arc::new(Commit::default());
        let (written, syncs) = (Arc::new(AtomicU64::new(1)), Arc::new(AtomicU64::new(0)));
        let (entered, has_entered) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let first = {
            let (commit, written, syncs) = (
                Arc::clone(&commit),
                Arc::clone(&written),
                Arc::clone(&syncs),
            );
            thread::spawn(move || {
                commit.wait(1, || {
                    let upto = written.load(Ordering::SeqCst);
                    syncs.fetch_add(1, Ordering::SeqCst);
                    entered.send(()).unwrap();
                    released.recv().unwrap();
                    (upto, Ok(()))
                })
            })
        };
        has_entered.recv().unwrap();
        // All of these were written after the first sync began, so it does not count for them.
        written.store(9, Ordering::SeqCst);
        let all_started = Arc::new(Barrier::new(9));
        let others: Vec<_> = (2..=9)
            .map(|ticket| {
                let (commit, written, syncs) = (
                    Arc::clone(&commit),
                    Arc::clone(&written),
                    Arc::clone(&syncs),
                );
                let all_started = Arc::clone(&all_started);
                thread::spawn(move || {
                    all_started.wait();
                    commit.wait(ticket, || {
                        syncs.fetch_add(1, Ordering::SeqCst);
                        (written.load(Ordering::SeqCst), Ok(()))
                    })
                })
            })
            .collect();
        all_started.wait();
        assert_eq!(
            syncs.load(Ordering::SeqCst),
            1,
            "nobody syncs beside the first"
        );
        release.send(()).unwrap();
        first.join().unwrap().unwrap();
        for other in others {
            other.join().unwrap().unwrap();
        }
        assert_eq!(syncs.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_sync_that_fails_is_an_error_for_all_it_covered_and_for_nobody_later() {
        let commit = Commit::default();
        let failed = commit.wait(3, || (5, Err(io::ErrorKind::StorageFull.into())));
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::StorageFull);
        let not_called = || -> (u64, io::Result<()>) { panic!("what failed is not synced again") };
        for ticket in 1..=5 {
            assert!(commit.wait(ticket, not_called).is_err(), "ticket {ticket}");
        }
        commit.wait(6, || (7, Ok(()))).unwrap();
        commit.wait(7, not_called).unwrap();
        assert!(
            commit.wait(5, not_called).is_err(),
            "a later success does not make up for it"
        );
    }

    #[test]
    fn a_sync_that_unwinds_leaves_its_turn_to_the_next() {
        let commit = Commit::default();
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            commit.wait(1, || panic!("in the sync"))
        }));
        assert!(unwound.is_err());
        commit.wait(1, || (1, Ok(()))).unwrap();
    }
}
