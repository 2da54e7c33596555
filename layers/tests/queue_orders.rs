//! The group commit and the bell of the queue, in the orders that their threads can run in: `shuttle` schedules them.
//!
//! The files are the library's own, compiled here against shuttle's mutexes. 2,000 schedules of each in CI;
//! `COURIER_PROOF_ROUNDS=50` makes it 100,000.

#[path = "../src/queue/bell.rs"]
mod bell;
#[path = "../src/queue/commit.rs"]
mod commit;

mod sync {
    pub(super) use shuttle::sync::atomic::AtomicBool;
    pub(super) use shuttle::sync::{Condvar, Mutex, MutexGuard};
}

use std::io;
use std::time::Duration;

use shuttle::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use shuttle::sync::{Arc, Mutex};
use shuttle::thread;

use bell::Bell;
use commit::Commit;

fn in_many_orders(test: impl Fn() + Send + Sync + 'static) {
    let times: Option<usize> = std::env::var("COURIER_PROOF_ROUNDS")
        .ok()
        .and_then(|times| times.parse().ok());
    let schedules = 2_000 * times.unwrap_or(1);
    shuttle::check_pct(test, schedules, 3);
}

/// A file that counts what was written to it, and what of that is synced.
#[derive(Debug, Default)]
struct File {
    written: AtomicU64,
    syncs: AtomicU64,
    /// First and last ticket that each sync covered, and whether it succeeded.
    covered: Mutex<Vec<(u64, bool)>>,
    is_syncing: AtomicBool,
}

impl File {
    fn write(&self) -> u64 {
        self.written.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn sync(&self, fails: impl Fn(u64) -> bool) -> (u64, io::Result<()>) {
        assert!(!self.is_syncing.swap(true, Ordering::SeqCst), "two at once");
        let upto = self.written.load(Ordering::SeqCst);
        thread::yield_now();
        let nth = self.syncs.fetch_add(1, Ordering::SeqCst);
        let is_durable = !fails(nth);
        self.covered.lock().unwrap().push((upto, is_durable));
        self.is_syncing.store(false, Ordering::SeqCst);
        let result = if is_durable {
            Ok(())
        } else {
            Err(io::ErrorKind::StorageFull.into())
        };
        (upto, result)
    }

    /// Whether the first sync that covered `ticket` succeeded: after one that failed, a later one saves nothing.
    fn is_durable(&self, ticket: u64) -> bool {
        let covered = self.covered.lock().unwrap();
        covered
            .iter()
            .find(|(upto, _)| *upto >= ticket)
            .is_some_and(|(_, is_durable)| *is_durable)
    }
}

fn writers(fails: impl Fn(u64) -> bool + Send + Sync + Copy + 'static) {
    let (file, commit) = (Arc::new(File::default()), Arc::new(Commit::default()));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (file, commit) = (Arc::clone(&file), Arc::clone(&commit));
            thread::spawn(move || {
                for _ in 0..2 {
                    let ticket = file.write();
                    let before = file.syncs.load(Ordering::SeqCst);
                    let waited = commit.wait(ticket, || file.sync(fails));
                    let during = file.syncs.load(Ordering::SeqCst) - before;
                    if waited.is_ok() {
                        assert!(file.is_durable(ticket), "ticket {ticket} is not durable");
                    }
                    // One that was under way and one that covers the ticket; a third may have begun since.
                    assert!(during <= 3, "waited for {during} syncs");
                }
            })
        })
        .collect();
    // A thread that hangs is a deadlock, which shuttle reports.
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(file.syncs.load(Ordering::SeqCst) <= 8);
}

#[test]
fn who_was_told_that_a_record_is_durable_was_told_the_truth() {
    in_many_orders(|| writers(|_| false));
}

#[test]
fn a_sync_that_fails_leaves_nobody_waiting_and_nobody_deceived() {
    in_many_orders(|| writers(|nth| nth == 0));
    in_many_orders(|| writers(|nth| nth % 2 == 1));
}

#[test]
fn whoever_rings_is_heard_and_the_housekeeping_ends_when_it_is_told() {
    in_many_orders(|| {
        let (bell, work, done) = (
            Arc::new(Bell::default()),
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicU64::new(0)),
        );
        let housekeeping = {
            let (bell, work, done) = (Arc::clone(&bell), Arc::clone(&work), Arc::clone(&done));
            thread::spawn(move || {
                while bell.wait(Duration::ZERO) {
                    done.store(work.load(Ordering::SeqCst), Ordering::SeqCst);
                }
            })
        };
        let ringers: Vec<_> = (0..3)
            .map(|_| {
                let (bell, work) = (Arc::clone(&bell), Arc::clone(&work));
                thread::spawn(move || {
                    for _ in 0..2 {
                        work.fetch_add(1, Ordering::SeqCst);
                        bell.ring();
                    }
                })
            })
            .collect();
        for ringer in ringers {
            ringer.join().unwrap();
        }
        // A ring that was lost would leave this waiting for ever.
        while done.load(Ordering::SeqCst) < 6 {
            thread::yield_now();
        }
        bell.stop();
        housekeeping.join().unwrap();
    });
}
