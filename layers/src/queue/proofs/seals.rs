//! A segment that failed is written to no more, and what is written is synced without anybody asking.

use std::path::Path;
use std::sync::Arc;

use super::super::line::{Check, check};
use super::super::{Appended, Context, DiskQueue, Durability, Line};
use super::sim::{Fault, Plan, Sim};

fn open(sim: &Sim) -> DiskQueue {
    let builder = DiskQueue::builder(Path::new("/queues"))
        .max_bytes(128 * 1024)
        .storage(Arc::new(sim.clone()));
    builder.without_thread().open().unwrap()
}

fn append(queue: &DiskQueue, n: u64, durability: Durability) -> Appended {
    let mut line = Line::new();
    let body = format!("\"n\":{n},\"pad\":\"{}\"}}", "x".repeat(900));
    line.body().extend_from_slice(body.as_bytes());
    queue.append(&mut line, durability)
}

fn set_user(queue: &DiskQueue, user: &str) {
    let mut context = Context::default();
    context.context.insert("userId".to_owned(), user.into());
    queue.set_context(&context);
}

/// The numbers that arrive, each with its context.
fn drain(queue: &DiskQueue) -> Vec<(u64, String)> {
    let mut arrived = Vec::new();
    while let Some(batch) = queue.drain(1, 100_000) {
        let json: serde_json::Value = serde_json::from_slice(batch.record(0)).unwrap();
        arrived.extend(json["n"].as_u64().map(|n| (n, batch.context().to_owned())));
        queue.confirm(batch.token());
    }
    arrived
}

fn numbers(queue: &DiskQueue) -> Vec<u64> {
    drain(queue).into_iter().map(|(n, _)| n).collect()
}

#[test]
fn what_a_failed_write_left_does_not_take_the_next_record_with_it() {
    let sim = Sim::default();
    let queue = open(&sim);
    let _ = append(&queue, 0, Durability::PageCache);
    // Half of the line is there, and can't be cut off.
    sim.fail(Plan {
        from: 0,
        calls: 2,
        fault: Fault::WriteAndCut,
    });
    let _ = append(&queue, 1, Durability::PageCache);
    let _ = append(&queue, 2, Durability::PageCache);
    // It is the last of its segment: for `jq` every line that ends is one.
    for (path, content) in sim.contents(Path::new("/queues")) {
        let is_segment = path.extension().is_some_and(|end| end == "jsonl");
        let lines = content.split_inclusive(|&byte| byte == b'\n');
        for line in lines.filter(|line| is_segment && line.ends_with(b"\n")) {
            assert!(matches!(check(line), Check::Whole { .. }), "{path:?}");
        }
    }
    assert_eq!(numbers(&queue), [0, 1, 2]);
    assert_eq!(queue.losses().by_reason(), [].into());
}

/// A queue for this user, and how many records it takes until the oldest go.
fn full(sim: &Sim, user: &str, most: u64) -> (DiskQueue, u64) {
    let queue = open(sim);
    set_user(&queue, user);
    let mut taken = 0;
    while taken < most && queue.losses().by_reason().is_empty() {
        let _ = append(&queue, taken, Durability::PageCache);
        taken += 1;
    }
    (queue, taken)
}

#[test]
fn what_follows_a_loss_record_whose_sync_failed_has_its_context_after_a_power_loss() {
    // Longer than what a disk writes at once.
    let user = "u".repeat(2000);
    let (_, taken) = full(&Sim::default(), &user, 1000);
    let sim = Sim::default();
    let (queue, _) = full(&sim, &user, taken - 1);
    sim.fail(Plan {
        from: 0,
        calls: 1,
        fault: Fault::Sync,
    });
    let _ = append(&queue, 1000, Durability::PageCache);
    assert_eq!(sim.calls(), 1, "the loss record's sync failed");
    queue.engine().keep_house();
    assert_eq!(append(&queue, 2000, Durability::Durable), Appended::Durable);
    std::mem::forget(queue);
    sim.lose_power(|| false);
    let arrived = drain(&open(&sim));
    let (_, context) = arrived.iter().find(|(n, _)| *n == 2000).unwrap();
    assert!(context.contains(&user), "{context}");
}

#[test]
fn a_segment_that_made_room_is_not_written_to_any_more() {
    let sim = Sim::default();
    let queue = open(&sim);
    let _ = append(&queue, 0, Durability::PageCache);
    queue.engine().free_oldest();
    let _ = append(&queue, 1, Durability::PageCache);
    assert_eq!(numbers(&queue), [1]);
}

#[test]
fn the_housekeeping_makes_durable_what_nobody_waited_for() {
    let sim = Sim::default();
    let queue = open(&sim);
    assert_eq!(
        append(&queue, 0, Durability::PageCache),
        Appended::InPageCache
    );
    queue.engine().keep_house();
    std::mem::forget(queue);
    sim.lose_power(|| false);
    assert_eq!(numbers(&open(&sim)), [0]);
}

#[test]
fn a_queue_that_is_closed_is_durable() {
    let sim = Sim::default();
    let queue = open(&sim);
    let _ = append(&queue, 0, Durability::PageCache);
    drop(queue);
    sim.lose_power(|| false);
    assert_eq!(numbers(&open(&sim)), [0]);
}

#[test]
fn a_refused_record_that_was_torn_does_not_take_the_next_with_it() {
    let sim = Sim::default();
    let queue = open(&sim);
    let _ = append(&queue, 0, Durability::PageCache);
    let _ = append(&queue, 1, Durability::PageCache);
    let batch = queue.drain(10, 100_000).unwrap();
    sim.fail(Plan {
        from: 0,
        calls: 2,
        fault: Fault::WriteAndCut,
    });
    queue.reject(&batch, &[(0, "bad".to_owned()), (1, "bad".to_owned())]);
    let contents = sim.contents(Path::new("/queues"));
    let rejected = contents
        .iter()
        .find(|(path, _)| path.ends_with("rejected.jsonl"));
    let lines: Vec<serde_json::Value> = rejected
        .unwrap()
        .1
        .split_inclusive(|&byte| byte == b'\n')
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["n"], 1);
}
