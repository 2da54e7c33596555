//! A record that kills its sender is found, across restarts.

use std::path::Path;

use serde_json::Value;
use tracing_courier::Loss;
use tracing_courier::queue::{ALONE_AFTER, Batch, DiskQueue, Durability, Line, PUT_ASIDE_AFTER};

fn append(queue: &DiskQueue, n: u64) {
    let mut line = Line::new();
    line.body()
        .extend_from_slice(format!("\"timestamp\":\"t\",\"n\":{n}}}").as_bytes());
    let _ = queue.append(&mut line, Durability::PageCache);
}

fn numbers(batch: &Batch) -> Vec<u64> {
    let numbers = (0..batch.len()).map(|index| {
        let json: Value = serde_json::from_slice(batch.record(index)).unwrap();
        json["n"].as_u64().unwrap_or(u64::MAX)
    });
    numbers.collect()
}

/// Copies the root as it is in the moment of a death.
fn die(root: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for dir in std::fs::read_dir(root).unwrap() {
        let dir = dir.unwrap();
        let to = copy.path().join(dir.file_name());
        std::fs::create_dir(&to).unwrap();
        for file in std::fs::read_dir(dir.path()).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
    copy
}

#[test]
fn a_record_that_kills_goes_alone_and_then_aside_and_costs_no_other() {
    let mut root = tempfile::tempdir().unwrap();
    let queue = DiskQueue::open(root.path()).unwrap();
    (0..10).for_each(|n| append(&queue, n));
    root = die(root.path());
    let (mut delivered, mut deaths) = (Vec::new(), 0);
    'lives: loop {
        let queue = DiskQueue::open(root.path()).unwrap();
        while let Some(batch) = queue.drain(100, 100_000) {
            let attempt = queue.attempt(&batch);
            let sent = numbers(&batch);
            if deaths >= ALONE_AFTER && batch.first_seq() < 10 && sent != [u64::MAX] {
                assert_eq!(sent.len(), 1, "alone after {deaths} deaths");
            }
            if sent.contains(&6) {
                deaths += 1;
                assert!(deaths <= PUT_ASIDE_AFTER, "it was to be put aside");
                root = die(root.path());
                continue 'lives;
            }
            delivered.extend(sent);
            drop(attempt);
            queue.confirm(batch.token());
        }
        assert_eq!(queue.losses().count(Loss::Rejected), 1);
        break;
    }
    assert_eq!(deaths, PUT_ASIDE_AFTER);
    delivered.retain(|&n| n != u64::MAX);
    assert_eq!(delivered, [0, 1, 2, 3, 4, 5, 7, 8, 9]);
}

#[test]
fn a_send_that_ends_counts_for_nothing_however_often_it_fails() {
    let mut root = tempfile::tempdir().unwrap();
    let queue = DiskQueue::open(root.path()).unwrap();
    (0..10).for_each(|n| append(&queue, n));
    let batch = queue.drain(100, 100_000).unwrap();
    for _ in 0..20 {
        drop(queue.attempt(&batch));
    }
    root = die(root.path());
    let next = DiskQueue::open(root.path()).unwrap();
    assert_eq!(next.drain(100, 100_000).unwrap().len(), 10);
}
