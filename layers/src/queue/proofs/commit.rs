//! The group commit with real threads. In every order that they can run in: `tests/queue_orders.rs`.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use super::super::commit::Commit;

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
