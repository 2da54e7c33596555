//! Proofs about where records go while there is no room, and while there is no directory.

use std::path::Path;
use std::sync::Arc;

use super::super::storage::Space;
use super::super::{Appended, DiskQueue, Durability, Health, Line};
use super::sim::{Fault, Plan, Sim};
use crate::losses::Loss;

const ROOT: &str = "/queues";

fn append(queue: &DiskQueue, n: u64, durability: Durability) -> Appended {
    let mut line = Line::new();
    let pad = "x".repeat(900);
    let body = format!("\"timestamp\":\"t\",\"n\":{n},\"pad\":\"{pad}\"}}");
    line.body().extend_from_slice(body.as_bytes());
    queue.append(&mut line, durability)
}

/// The numbers that are to be delivered, in order.
fn drain(queue: &DiskQueue) -> Vec<u64> {
    let mut numbers = Vec::new();
    while let Some(batch) = queue.drain(10, 100_000) {
        for index in 0..batch.len() {
            let json: serde_json::Value = serde_json::from_slice(batch.record(index)).unwrap();
            numbers.extend(json["n"].as_u64());
        }
        queue.confirm(batch.token());
    }
    numbers
}

fn open(sim: &Sim) -> DiskQueue {
    let builder = DiskQueue::builder(ROOT).storage(Arc::new(sim.clone()));
    builder.without_thread().open().unwrap()
}

fn refuse(sim: &Sim, fault: Fault) {
    sim.fail(Plan {
        from: 0,
        calls: u64::MAX,
        fault,
    });
}

fn is_full(queue: &DiskQueue) -> bool {
    matches!(queue.health(), Health::Degraded(reason) if reason.starts_with("disk full"))
}

#[test]
fn a_full_disk_costs_nothing_that_is_safe_while_there_is_memory() {
    let sim = Sim::default();
    let queue = open(&sim);
    for n in 0..100 {
        assert_eq!(
            append(&queue, n, Durability::PageCache),
            Appended::InPageCache
        );
    }
    sim.resize(Some(sim.used(Path::new("/"))));
    let mut waiting = 0;
    for n in 100..300 {
        match append(&queue, n, Durability::PageCache) {
            Appended::InMemory => waiting += 1,
            other => assert_eq!(other, Appended::InPageCache, "in the last block"),
        }
    }
    assert!(waiting > 190, "{waiting}");
    assert!(is_full(&queue), "{:?}", queue.health());
    assert_eq!(queue.losses().by_reason(), [].into());

    sim.resize(None);
    queue.engine().keep_house();
    assert_eq!(queue.health(), Health::Healthy);
    assert_eq!(drain(&queue), (0..300).collect::<Vec<_>>());
}

#[test]
fn what_dead_programs_left_makes_way_before_our_own() {
    let sim = Sim::default();
    let dead = open(&sim);
    for n in 0..50 {
        let _ = append(&dead, n, Durability::PageCache);
    }
    sim.kill();
    std::mem::forget(dead);
    let queue = open(&sim);
    let _ = append(&queue, 50, Durability::PageCache);
    sim.resize(Some(sim.used(Path::new("/"))));
    for n in 51..100 {
        let _ = append(&queue, n, Durability::PageCache);
    }
    assert!(is_full(&queue), "{:?}", queue.health());
    assert_eq!(append(&queue, 100, Durability::Durable), Appended::Durable);
    assert_eq!(queue.losses().count(Loss::Overflow), 50);
    assert_eq!(drain(&queue), (50..101).collect::<Vec<_>>());
}

#[test]
fn below_the_floor_nothing_is_written_until_there_is_room_again() {
    let sim = Sim::default();
    let queue = open(&sim);
    for n in 0..100 {
        let _ = append(&queue, n, Durability::PageCache);
    }
    let space = |available| Space {
        total: 1 << 30,
        available,
    };
    sim.say_space(Some(space((10 << 20) - 1)));
    assert_eq!(
        append(&queue, 100, Durability::PageCache),
        Appended::InPageCache
    );
    queue.engine().keep_house();
    let before = sim.contents(Path::new(ROOT));
    for n in 101..200 {
        assert_eq!(append(&queue, n, Durability::PageCache), Appended::InMemory);
    }
    queue.engine().keep_house();
    assert_eq!(sim.contents(Path::new(ROOT)), before);
    assert_eq!(
        queue.health(),
        Health::Degraded("disk full: 9 MiB are free, and 11 MiB are kept free".to_owned())
    );

    // Once the memory is full too, the oldest on disk makes room: the queue does not grow.
    let used = sim.used(Path::new(ROOT));
    for n in 200..600 {
        assert_eq!(append(&queue, n, Durability::PageCache), Appended::InMemory);
        assert!(sim.used(Path::new(ROOT)) <= used);
    }
    let lost = queue.losses().count(Loss::Overflow);
    assert!(lost > 0 && queue.losses().count(Loss::Disk) == 0, "{lost}");

    // Last words go below the floor, after what waited.
    assert_eq!(append(&queue, 600, Durability::Durable), Appended::Durable);
    sim.say_space(Some(space(11 << 20)));
    queue.engine().keep_house();
    assert_eq!(queue.health(), Health::Healthy);
    assert_eq!(
        append(&queue, 601, Durability::PageCache),
        Appended::InPageCache
    );
    let kept = drain(&queue);
    assert_eq!(kept.len() as u64 + lost, 602);
    assert_eq!(kept, (602 - kept.len() as u64..602).collect::<Vec<_>>());
}

#[test]
fn at_the_end_what_waits_for_room_takes_that_of_the_oldest_and_says_so() {
    let sim = Sim::default();
    let queue = open(&sim);
    for n in 0..200 {
        let _ = append(&queue, n, Durability::PageCache);
    }
    sim.resize(Some(sim.used(Path::new("/"))));
    for n in 200..300 {
        let _ = append(&queue, n, Durability::PageCache);
    }
    assert_eq!(queue.losses().by_reason(), [].into());
    drop(queue);
    let kept = drain(&open(&sim));
    assert_eq!(kept.last(), Some(&299));
    assert!((100..300).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept, (300 - kept.len() as u64..300).collect::<Vec<_>>());
}

#[test]
fn the_end_of_the_program_goes_below_the_floor() {
    let sim = Sim::default();
    let queue = open(&sim);
    sim.say_space(Some(Space {
        total: 1 << 30,
        available: 0,
    }));
    queue.engine().keep_house();
    assert_eq!(append(&queue, 0, Durability::PageCache), Appended::InMemory);
    drop(queue);
    assert_eq!(drain(&open(&sim)), [0]);
}

#[test]
fn a_queue_without_a_directory_waits_in_memory_delivers_from_there_and_moves_in() {
    for fault in [Fault::ReadOnly, Fault::Io, Fault::Full] {
        let sim = Sim::default();
        refuse(&sim, fault);
        let builder = DiskQueue::builder(ROOT).storage(Arc::new(sim.clone()));
        let (queue, error) = builder.without_thread().open_or_wait().unwrap();
        let error = error.expect("it says why").to_string();
        assert!(error.contains(ROOT), "{error}");
        let id = queue.id();
        let happened = Arc::new(std::sync::atomic::AtomicBool::new(false));
        queue.when_moved_in({
            let happened = Arc::clone(&happened);
            move || happened.store(true, std::sync::atomic::Ordering::SeqCst)
        });
        for n in 0..8 {
            assert_eq!(
                append(&queue, n, Durability::PageCache),
                Appended::InMemory,
                "{fault:?}"
            );
        }
        let Health::Degraded(reason) = queue.health() else {
            panic!("{fault:?}");
        };
        assert!(reason.contains(ROOT), "{reason}");

        // Three are delivered from memory; three more are on their way while the queue moves in.
        let batch = queue.drain(3, 100_000).unwrap();
        queue.confirm(batch.token());
        let batch = queue.drain(3, 100_000).unwrap();
        assert!(queue.sync().is_err(), "{fault:?}");
        sim.heal();
        queue.sync().unwrap();
        assert!(happened.load(std::sync::atomic::Ordering::SeqCst));
        assert_eq!((queue.id(), queue.health()), (id, Health::Healthy));
        queue.confirm(batch.token());
        assert_eq!(append(&queue, 8, Durability::Durable), Appended::Durable);
        assert_eq!(queue.pending().records, 3, "{fault:?}");
        assert_eq!(queue.losses().by_reason(), [].into());

        // It is a queue as any other.
        let second = open(&sim);
        assert_eq!(second.adopt(), 0, "{fault:?}: it has its lock");
        drop(second);
        sim.kill();
        std::mem::forget(queue);
        assert_eq!(drain(&open(&sim)), [6, 7, 8], "{fault:?}");
    }
}

#[test]
fn what_was_found_when_a_queue_moved_in_is_older_than_it() {
    let sim = Sim::default();
    let dead = open(&sim);
    let _ = append(&dead, 0, Durability::PageCache);
    sim.kill();
    std::mem::forget(dead);
    refuse(&sim, Fault::ReadOnly);
    let builder = DiskQueue::builder(ROOT).storage(Arc::new(sim.clone()));
    let (queue, _) = builder.without_thread().open_or_wait().unwrap();
    let _ = append(&queue, 1, Durability::PageCache);
    sim.heal();
    queue.sync().unwrap();
    sim.kill();
    std::mem::forget(queue);
    assert_eq!(drain(&open(&sim)), [0, 1]);
}

#[test]
fn a_setting_that_makes_no_sense_is_an_error_with_and_without_a_directory() {
    let sim = Sim::default();
    refuse(&sim, Fault::Io);
    let builder = DiskQueue::builder(ROOT).storage(Arc::new(sim)).max_bytes(1);
    assert!(builder.clone().open_or_wait().is_err());
    assert!(builder.open().is_err());
}
