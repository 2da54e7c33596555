//! A disk that fails at the n-th call, for every n and in every way; one that is too small; one that vanishes.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::super::line::{Check, check};
use super::super::loss_record::Note;
use super::super::{Appended, Batch, Context, DiskQueue, Durability, Health, Line};
use super::sim::{Fault, Plan, Sim};
use crate::losses::Loss;

/// What the other side and the caller know in the end.
#[derive(Debug, Default)]
struct Account {
    appended: Vec<(u64, Appended)>,
    arrived: BTreeSet<u64>,
    notes: Vec<Note>,
}

impl Account {
    fn append(&mut self, queue: &DiskQueue, n: u64, durability: Durability) {
        let mut line = Line::new();
        let body = format!(
            "\"timestamp\":\"t\",\"n\":{n},\"pad\":\"{}\"}}",
            "x".repeat(900)
        );
        line.body().extend_from_slice(body.as_bytes());
        self.appended.push((n, queue.append(&mut line, durability)));
    }

    fn drain(&mut self, queue: &DiskQueue) {
        while let Some(batch) = queue.drain(10, 100_000) {
            self.receive(&batch);
            queue.confirm(batch.token());
        }
    }

    fn receive(&mut self, batch: &Batch) {
        for index in 0..batch.len() {
            let record = batch.record(index);
            let json: serde_json::Value = serde_json::from_slice(record).unwrap();
            match json["n"].as_u64() {
                Some(n) => assert!(self.arrived.insert(n), "{n} arrived twice"),
                None => self.notes.extend(Note::decode(record)),
            }
        }
    }

    fn said(&self, reason: Loss) -> u64 {
        self.notes
            .iter()
            .filter(|note| note.reason == reason)
            .map(|note| note.count)
            .sum()
    }

    /// Every number arrived or is among the losses; what is counted is what was said.
    fn balances(&self, queue: &DiskQueue, what: &str) {
        let missing = self
            .appended
            .iter()
            .filter(|(n, _)| !self.arrived.contains(n))
            .count() as u64;
        let said: u64 = Loss::ALL.iter().map(|&reason| self.said(reason)).sum();
        // A loss record that was lost counts as well.
        assert!(
            said >= missing,
            "{what}: {missing} missing, {said} said to be lost: {:?}",
            self.notes
        );
        for &reason in Loss::ALL {
            assert_eq!(
                self.said(reason),
                queue.losses().count(reason),
                "{what}: {reason:?}"
            );
        }
        if said == 0 {
            assert_eq!(missing, 0, "{what}");
        }
    }
}

const FAULTS: [Fault; 7] = [
    Fault::Io,
    Fault::Full,
    Fault::Quota,
    Fault::ReadOnly,
    Fault::Short,
    Fault::Sync,
    Fault::WriteAndCut,
];

fn open(sim: &Sim) -> DiskQueue {
    let builder = DiskQueue::builder(root())
        .max_bytes(128 * 1024)
        .storage(Arc::new(sim.clone()));
    builder.without_thread().open().unwrap()
}

fn root() -> &'static Path {
    Path::new("/queues")
}

/// A little of everything: two segments and more, FATALs, syncs, drains.
fn live(queue: &DiskQueue) -> Account {
    let mut account = Account::default();
    for n in 0..24 {
        let durability = if n % 7 == 6 {
            Durability::Durable
        } else {
            Durability::PageCache
        };
        account.append(queue, n, durability);
        if n % 10 == 9 {
            let _ = queue.sync();
        }
        if let Some(batch) = queue.drain(3, 100_000).filter(|_| n == 15) {
            account.receive(&batch);
            queue.confirm(batch.token());
        }
    }
    account
}

/// Nothing but whole lines in the segments: what a failed write left was cut off.
fn assert_only_whole_lines(sim: &Sim, what: &str) {
    for (path, content) in sim.contents(root()) {
        if path.extension().is_some_and(|end| end == "jsonl") {
            for line in content.split_inclusive(|&byte| byte == b'\n') {
                assert!(
                    matches!(check(line), Check::Whole { .. }),
                    "{what}: {}",
                    path.display()
                );
            }
        }
    }
}

fn recovered(sim: &Sim, queue: &DiskQueue, mut account: Account, what: &str) {
    sim.heal();
    queue.engine().keep_house();
    assert_eq!(queue.health(), Health::Healthy, "{what}");
    account.append(queue, 1000, Durability::Durable);
    assert_eq!(
        account.appended.last(),
        Some(&(1000, Appended::Durable)),
        "{what}"
    );
    account.drain(queue);
    account.balances(queue, what);
}

#[test]
fn one_call_that_fails_costs_nothing_but_the_oldest_on_a_full_disk() {
    let sim = Sim::default();
    let queue = open(&sim);
    sim.fail(Plan {
        from: u64::MAX,
        calls: 0,
        fault: Fault::Io,
    });
    live(&queue);
    let calls = sim.calls();
    assert!(calls > 30, "{calls}");
    for fault in FAULTS {
        for from in 0..calls {
            let sim = Sim::default();
            let queue = open(&sim);
            sim.fail(Plan {
                from,
                calls: 1,
                fault,
            });
            let account = live(&queue);
            if !matches!(fault, Fault::Full | Fault::Quota | Fault::Short) {
                assert_eq!(queue.losses().by_reason(), [].into(), "{fault:?} at {from}");
            }
            let what = format!("{fault:?} at {from}");
            if fault != Fault::WriteAndCut {
                assert_only_whole_lines(&sim, &what);
            }
            recovered(&sim, &queue, account, &what);
        }
    }
}

#[test]
fn a_disk_that_fails_from_any_call_on_stops_nothing_and_loses_nothing_uncounted() {
    for fault in FAULTS {
        for from in 0..40 {
            let sim = Sim::default();
            let queue = open(&sim);
            sim.fail(Plan {
                from,
                calls: u64::MAX,
                fault,
            });
            let account = live(&queue);
            let what = format!("{fault:?} from {from}");
            if fault != Fault::WriteAndCut && fault != Fault::ReadOnly {
                assert_only_whole_lines(&sim, &what);
            }
            recovered(&sim, &queue, account, &what);
        }
    }
}

#[test]
fn a_disk_that_refuses_at_start_leaves_the_records_in_memory_where_they_can_be_drained() {
    let sim = Sim::default();
    let queue = open(&sim);
    sim.fail(Plan {
        from: 0,
        calls: u64::MAX,
        fault: Fault::ReadOnly,
    });
    let mut account = Account::default();
    for n in 0..10 {
        account.append(&queue, n, Durability::Durable);
    }
    assert!(
        account
            .appended
            .iter()
            .all(|(_, appended)| *appended == Appended::InMemory),
        "{account:?}"
    );
    assert!(matches!(queue.health(), Health::Degraded(_)));
    assert!(queue.sync().is_err());
    assert_eq!(queue.pending().records, 10);
    account.drain(&queue);
    assert_eq!(account.arrived, (0..10).collect());
    assert_eq!(queue.pending().records, 0);
}

#[test]
fn a_fatal_whose_sync_fails_once_is_durable_in_a_fresh_segment() {
    for failing in 0..3 {
        let sim = Sim::default();
        let queue = open(&sim);
        let mut account = Account::default();
        account.append(&queue, 0, Durability::Durable);
        account.append(&queue, 1, Durability::PageCache);
        sim.fail(Plan {
            from: failing,
            calls: 1,
            fault: Fault::Sync,
        });
        account.append(&queue, 2, Durability::Durable);
        account.append(&queue, 3, Durability::Durable);
        let all: Vec<_> = account
            .appended
            .iter()
            .map(|(_, appended)| *appended)
            .collect();
        assert_eq!(
            all,
            [
                Appended::Durable,
                Appended::InPageCache,
                Appended::Durable,
                Appended::Durable
            ]
        );
        sim.lose_power(|| false);
        std::mem::forget(queue);
        account.drain(&open(&sim));
        assert!(
            account.arrived.is_superset(&[0, 2, 3].into()),
            "{failing}: {:?}",
            account.arrived
        );
    }
}

fn set_user(queue: &DiskQueue, user: &str) {
    let mut context = Context::default();
    context.context.insert("userId".to_owned(), user.into());
    queue.set_context(&context);
}

fn drain_under(queue: &DiskQueue, user: &str) -> usize {
    let mut drained = 0;
    while let Some(batch) = queue.drain(1, 100_000) {
        if Note::decode(batch.record(0)).is_none() {
            assert!(
                batch.context().contains(user),
                "{} {}",
                batch.first_seq(),
                batch.context()
            );
            drained += 1;
        }
        queue.confirm(batch.token());
    }
    drained
}

#[test]
fn what_was_written_again_keeps_its_context_and_so_does_what_follows_it() {
    let sim = Sim::default();
    let queue = open(&sim);
    let mut account = Account::default();
    set_user(&queue, "a");
    account.append(&queue, 0, Durability::PageCache);
    set_user(&queue, "b");
    sim.fail(Plan {
        from: 0,
        calls: 1,
        fault: Fault::Sync,
    });
    account.append(&queue, 1, Durability::Durable);
    account.append(&queue, 2, Durability::PageCache);
    // The first segment goes, and with it the first copy of what was written again.
    queue.engine().free_oldest();
    account.append(&queue, 3, Durability::PageCache);
    assert_eq!(drain_under(&queue, "\"userId\":\"b\""), 2);
}

#[test]
fn records_apart_that_were_written_again_do_not_hide_the_context_of_the_next() {
    let sim = Sim::default();
    let queue = open(&sim);
    set_user(&queue, "a");
    for n in 0..4 {
        let mut line = Line::new();
        line.body()
            .extend_from_slice(format!("\"n\":{n}}}").as_bytes());
        let body = line.close();
        // As if two threads waited for their syncs while others wrote between.
        queue.engine().ledger().append(&mut line, &body, n % 2 == 1);
    }
    sim.fail(Plan {
        from: 0,
        calls: 1,
        fault: Fault::Sync,
    });
    assert!(queue.sync().is_err());
    let mut account = Account::default();
    account.append(&queue, 4, Durability::PageCache);
    queue.engine().free_oldest();
    account.append(&queue, 5, Durability::PageCache);
    assert_eq!(drain_under(&queue, "\"userId\":\"a\""), 2);
}

#[test]
fn what_was_confirmed_in_memory_and_then_written_keeps_its_context() {
    let sim = Sim::default();
    let queue = open(&sim);
    let mut account = Account::default();
    set_user(&queue, "a");
    sim.fail(Plan {
        from: 0,
        calls: u64::MAX,
        fault: Fault::Io,
    });
    account.append(&queue, 0, Durability::PageCache);
    // One that no queue of this size can hold takes a seq, and is not there.
    let mut line = Line::new();
    line.buffer().resize(200_000, b'x');
    assert_eq!(
        queue.append(&mut line, Durability::PageCache),
        Appended::Lost(Loss::Overflow)
    );
    for n in 2..5 {
        account.append(&queue, n, Durability::PageCache);
    }
    let first = queue.drain(2, 100_000).unwrap();
    sim.heal();
    queue.sync().unwrap();
    queue.confirm(first.token());
    assert_eq!(drain_under(&queue, "\"userId\":\"a\""), 2);
}

#[test]
fn memory_is_bounded_and_what_it_drops_is_counted() {
    let sim = Sim::default();
    let builder = DiskQueue::builder(root()).storage(Arc::new(sim.clone()));
    let queue = builder.without_thread().open().unwrap();
    sim.fail(Plan {
        from: 0,
        calls: u64::MAX,
        fault: Fault::Full,
    });
    let mut account = Account::default();
    for n in 0..1000 {
        account.append(&queue, n, Durability::PageCache);
    }
    assert!(queue.pending().bytes <= super::super::MEMORY_BYTES as u64);
    let lost = queue.losses().count(Loss::Disk);
    assert!(lost > 500, "{lost}");
    sim.heal();
    queue.engine().keep_house();
    account.append(&queue, 1000, Durability::PageCache);
    account.drain(&queue);
    assert_eq!(account.said(Loss::Disk), lost);
    assert_eq!(account.arrived.len() as u64, 1001 - lost);
}

#[test]
fn a_small_disk_that_is_full_costs_the_oldest_and_not_everything() {
    let sim = Sim::default();
    let queue = DiskQueue::builder(root())
        .storage(Arc::new(sim.clone()))
        .without_thread()
        .open()
        .unwrap();
    sim.resize(Some(256 * 1024));
    let mut account = Account::default();
    for n in 0..2000 {
        account.append(&queue, n, Durability::PageCache);
        assert!(sim.used(Path::new("/")) <= 256 * 1024);
    }
    account.append(&queue, 2000, Durability::Durable);
    assert_eq!(account.appended.last(), Some(&(2000, Appended::Durable)));
    account.drain(&queue);
    account.balances(&queue, "a small disk");
    let kept = account.arrived.len();
    assert!(kept > 100, "{kept} of about 250 that fit");
    assert!(account.arrived.contains(&2000));
}

#[test]
fn a_directory_that_is_removed_costs_what_was_in_it_and_the_queue_begins_again() {
    let sim = Sim::default();
    let queue = open(&sim);
    let first = queue.id();
    let mut account = Account::default();
    for n in 0..10 {
        account.append(&queue, n, Durability::PageCache);
    }
    sim.remove_tree(root());
    account.append(&queue, 10, Durability::PageCache);
    queue.engine().keep_house();
    account.append(&queue, 11, Durability::Durable);
    assert_ne!(queue.id(), first);
    assert_eq!(account.appended.last(), Some(&(11, Appended::Durable)));
    account.drain(&queue);
    assert_eq!(account.arrived, [11].into());
    assert_eq!(
        (account.said(Loss::Disk), queue.losses().count(Loss::Disk)),
        (11, 11)
    );
    assert_eq!(
        (
            account.notes[0].queue,
            account.notes[0].first_seq,
            account.notes[0].last_seq
        ),
        (first, 0, 10)
    );
}

#[test]
fn what_waited_in_memory_when_the_directory_vanished_is_in_the_next() {
    let sim = Sim::default();
    let queue = open(&sim);
    let mut account = Account::default();
    sim.fail(Plan {
        from: 0,
        calls: u64::MAX,
        fault: Fault::ReadOnly,
    });
    for n in 0..3 {
        account.append(&queue, n, Durability::PageCache);
    }
    sim.remove_tree(root());
    sim.heal();
    queue.engine().keep_house();
    account.append(&queue, 3, Durability::PageCache);
    account.drain(&queue);
    assert_eq!(account.arrived, (0..4).collect());
    assert_eq!(queue.losses().by_reason(), [].into());
}
