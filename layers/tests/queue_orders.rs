//! The group commit and the bell of the queue, in the orders that their threads can run in: `shuttle` schedules them.
//!
//! The files are the library's own, compiled here against shuttle's mutexes. 2,000 schedules of each in CI;
//! `COURIER_PROOF_ROUNDS=50` makes it 100,000.

#[allow(dead_code, reason = "shuttle has no clock, so the pause is left out")]
#[path = "../src/queue/bell.rs"]
mod bell;
#[path = "../src/queue/commit.rs"]
mod commit;

mod sync {
    pub(super) use shuttle::sync::atomic::AtomicBool;
    pub(super) use shuttle::sync::{Condvar, Mutex, MutexGuard};
}

use std::io;

use shuttle::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use shuttle::sync::{Arc, Mutex, mpsc};
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
    /// Up to which ticket each sync went, and whether it succeeded.
    synced: Mutex<Vec<(u64, bool)>>,
    is_syncing: AtomicBool,
}

impl File {
    fn write(&self) -> u64 {
        self.written.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn sync(&self, fails: impl Fn(usize) -> bool) -> (u64, io::Result<()>) {
        assert!(!self.is_syncing.swap(true, Ordering::SeqCst), "two at once");
        let upto = self.written.load(Ordering::SeqCst);
        thread::yield_now();
        let mut synced = self.synced.lock().unwrap();
        let is_durable = !fails(synced.len());
        synced.push((upto, is_durable));
        drop(synced);
        self.is_syncing.store(false, Ordering::SeqCst);
        let result = if is_durable {
            Ok(())
        } else {
            Err(io::ErrorKind::StorageFull.into())
        };
        (upto, result)
    }

    fn syncs(&self) -> usize {
        self.synced.lock().unwrap().len()
    }

    /// The first sync that covers `ticket`, and whether it succeeded: after one that failed, a later one saves nothing.
    fn sync_of(&self, ticket: u64) -> (usize, bool) {
        let synced = self.synced.lock().unwrap();
        let nth = synced.iter().position(|(upto, _)| *upto >= ticket);
        let nth = nth.expect("nobody returns before a sync");
        (nth, synced[nth].1)
    }
}

fn writers(fails: impl Fn(usize) -> bool + Send + Sync + Copy + 'static) {
    let (file, commit) = (Arc::new(File::default()), Arc::new(Commit::default()));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (file, commit) = (Arc::clone(&file), Arc::clone(&commit));
            thread::spawn(move || {
                for _ in 0..2 {
                    let ticket = file.write();
                    let before = file.syncs();
                    let waited = commit.wait(ticket, || file.sync(fails));
                    let (nth, is_durable) = file.sync_of(ticket);
                    assert!(
                        is_durable || waited.is_err(),
                        "ticket {ticket} is not durable"
                    );
                    // The one that was under way, and the one that covers the ticket.
                    assert!(nth < before + 2, "waited from sync {before} to {nth}");
                }
            })
        })
        .collect();
    // A thread that hangs is a deadlock, which shuttle reports.
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(file.syncs() <= 8);
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
        let (bell, work) = (Arc::new(Bell::default()), Arc::new(AtomicU64::new(0)));
        let (tell, told) = mpsc::channel();
        let housekeeping = {
            let (bell, work) = (Arc::clone(&bell), Arc::clone(&work));
            thread::spawn(move || {
                while bell.wait_for_work() {
                    bell.answer();
                    let done = work.load(Ordering::SeqCst);
                    let _ = tell.send(done);
                }
            })
        };
        for _ in 0..3 {
            let (bell, work) = (Arc::clone(&bell), Arc::clone(&work));
            thread::spawn(move || {
                for _ in 0..2 {
                    work.fetch_add(1, Ordering::SeqCst);
                    bell.ring();
                }
            });
        }
        // A ring that is lost leaves this waiting for ever: a deadlock, which shuttle reports.
        while told.recv().unwrap() < 6 {}
        bell.stop();
        housekeeping.join().unwrap();
    });
}
