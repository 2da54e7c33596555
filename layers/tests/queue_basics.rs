//! The queue from outside: what goes in comes out, once, in order, with its context.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tracing_courier::queue::{
    Appended, Batch, Context, DiskQueue, Durability, Fsync, Line, OpenError, Pending,
};
use tracing_courier::{Clock, Loss};

fn line(n: u64) -> Line {
    sized_line(n, 0)
}

fn sized_line(n: u64, padding: usize) -> Line {
    let mut line = Line::new();
    let body = format!(
        "\"timestamp\":\"2026-02-06T12:00:00Z\",\"level\":\"info\",\"message\":\"m\",\"n\":{n},\"pad\":\"{}\"}}",
        "x".repeat(padding)
    );
    line.body().extend_from_slice(body.as_bytes());
    line
}

fn append(queue: &DiskQueue, n: u64) {
    assert_eq!(
        queue.append(&mut line(n), Durability::PageCache),
        Appended::InPageCache
    );
}

fn json_records(batch: &Batch) -> Vec<Value> {
    serde_json::from_slice(&[b"[", batch.joined(), b"]"].concat()).unwrap()
}

fn numbers(batch: &Batch) -> Vec<u64> {
    json_records(batch)
        .iter()
        .filter_map(|record| record["n"].as_u64())
        .collect()
}

fn drain_all(queue: &DiskQueue) -> Vec<u64> {
    let mut all = Vec::new();
    while let Some(batch) = queue.drain(7, 100_000) {
        all.extend(numbers(&batch));
        queue.confirm(batch.token());
    }
    all
}

fn queue_dirs(root: &Path) -> Vec<PathBuf> {
    let mut dirs: Vec<_> = fs::read_dir(root)
        .unwrap()
        .map(|found| found.unwrap().path())
        .collect();
    dirs.sort();
    dirs
}

fn user(name: &str) -> Context {
    let mut context = Context::default();
    context.context.insert("userId".to_owned(), name.into());
    context
        .resource
        .insert("service.name".to_owned(), "test".into());
    context
}

/// Leaves the queue as a killed process does: nothing runs, the lock is free.
fn kill(queue: DiskQueue, root: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for dir in queue_dirs(root) {
        let to = copy.path().join(dir.file_name().unwrap());
        fs::create_dir(&to).unwrap();
        for file in fs::read_dir(&dir).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
    drop(queue);
    copy
}

#[test]
fn what_was_appended_comes_out_in_order_and_verbatim() {
    let root = tempfile::tempdir().unwrap();
    let queue = DiskQueue::open(root.path()).unwrap();
    for n in 0..20 {
        append(&queue, n);
    }
    let batch = queue.drain(8, 1_000_000).unwrap();
    assert_eq!(batch.len(), 8);
    assert_eq!((batch.first_seq(), batch.last_seq()), (0, 7));
    assert_eq!(numbers(&batch), (0..8).collect::<Vec<_>>());
    let one: Value = serde_json::from_slice(batch.record(3)).unwrap();
    assert_eq!(one["n"], 3);
    assert!(one["q"].as_str().unwrap().starts_with("0000000000000003-"));
    assert_eq!(batch.record(8), b"");
}

#[test]
fn the_same_drain_gives_the_same_batch_until_it_is_confirmed() {
    let root = tempfile::tempdir().unwrap();
    let queue = DiskQueue::open(root.path()).unwrap();
    for n in 0..3 {
        append(&queue, n);
    }
    let first = queue.drain(2, 1_000_000).unwrap();
    assert_eq!(queue.drain(2, 1_000_000).unwrap(), first);
    queue.confirm(first.token());
    queue.confirm(first.token());
    assert_eq!(queue.pending().records, 1);
    let second = queue.drain(2, 1_000_000).unwrap();
    assert_eq!(numbers(&second), [2]);
    queue.confirm(second.token());
    queue.confirm(first.token());
    assert_eq!(queue.pending(), Pending::default());
    assert_eq!(queue.drain(2, 1_000_000), None);
}

#[test]
fn a_batch_ends_at_its_bytes_and_a_larger_record_comes_alone() {
    let root = tempfile::tempdir().unwrap();
    let queue = DiskQueue::open(root.path()).unwrap();
    for padding in [0, 0, 5000, 0] {
        let _ = queue.append(&mut sized_line(0, padding), Durability::PageCache);
    }
    let mut lengths = Vec::new();
    while let Some(batch) = queue.drain(100, 1000) {
        lengths.push(batch.len());
        queue.confirm(batch.token());
    }
    assert_eq!(lengths, [2, 1, 1]);
}

#[test]
fn a_batch_ends_where_the_context_changes_and_carries_it_verbatim() {
    let root = tempfile::tempdir().unwrap();
    let queue = DiskQueue::open(root.path()).unwrap();
    for (name, n) in [("a", 0), ("a", 1), ("b", 2), ("a", 3)] {
        queue.set_context(&user(name));
        append(&queue, n);
    }
    let mut seen = Vec::new();
    while let Some(batch) = queue.drain(100, 100_000) {
        let members: Value = serde_json::from_str(&format!("{{{}}}", batch.context())).unwrap();
        assert_eq!(members["context"]["queue"], queue.id().to_string());
        assert_eq!(members["context"]["version"], 1);
        assert_eq!(members["resource"], json!({"service.name": "test"}));
        seen.push((
            members["context"]["userId"].as_str().unwrap().to_owned(),
            numbers(&batch),
        ));
        queue.confirm(batch.token());
    }
    let expected = [("a", vec![0, 1]), ("b", vec![2]), ("a", vec![3])];
    assert_eq!(
        seen,
        expected.map(|(name, numbers)| (name.to_owned(), numbers))
    );
}

#[test]
fn a_killed_process_leaves_its_records_to_the_next() {
    let root = tempfile::tempdir().unwrap();
    let queue = DiskQueue::open(root.path()).unwrap();
    queue.set_context(&user("a"));
    for n in 0..10 {
        append(&queue, n);
    }
    let first = queue.drain(4, 100_000).unwrap();
    queue.confirm(first.token());
    let id = queue.id();
    let left = kill(queue, root.path());

    let next = DiskQueue::open(left.path()).unwrap();
    assert_ne!(next.id(), id);
    assert_eq!(next.pending().records, 6);
    append(&next, 100);
    let batch = next.drain(100, 100_000).unwrap();
    assert_eq!(batch.queue(), id);
    assert!(
        batch.context().contains("\"userId\":\"a\""),
        "{}",
        batch.context()
    );
    assert_eq!(drain_all(&next), [4, 5, 6, 7, 8, 9, 100]);
    assert_eq!(
        queue_dirs(left.path()).len(),
        1,
        "the adopted directory is gone"
    );
    assert_eq!(next.losses().by_reason(), [].into());
}

#[test]
fn several_dead_queues_are_drained_oldest_first() {
    let mut root = tempfile::tempdir().unwrap();
    let mut n = 0;
    for _ in 0..5 {
        let queue = DiskQueue::open(root.path()).unwrap();
        append(&queue, n);
        append(&queue, n + 1);
        n += 2;
        root = kill(queue, root.path());
    }
    let queue = DiskQueue::open(root.path()).unwrap();
    assert_eq!(drain_all(&queue), (0..10).collect::<Vec<_>>());
}

#[test]
fn a_queue_that_is_closed_with_nothing_in_it_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let queue = DiskQueue::open(root.path()).unwrap();
    append(&queue, 0);
    let clone = queue.clone();
    drain_all(&queue);
    drop(queue);
    assert_eq!(queue_dirs(root.path()).len(), 1);
    drop(clone);
    assert_eq!(queue_dirs(root.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_living_queue_is_nobody_elses() {
    let root = tempfile::tempdir().unwrap();
    let one = DiskQueue::open(root.path()).unwrap();
    append(&one, 1);
    let two = DiskQueue::open(root.path()).unwrap();
    assert_eq!(two.pending().records, 0);
    assert_eq!(two.drain(10, 10_000), None);
    drop(one);
    assert_eq!(
        drain_all(&two),
        [1],
        "once its owner is gone it is adopted at the next drain"
    );
}

#[test]
fn above_the_cap_the_oldest_goes_and_the_loss_is_said_to_the_record() {
    let root = tempfile::tempdir().unwrap();
    let clock = Clock::Manual(std::sync::Arc::default());
    let queue = DiskQueue::builder(root.path())
        .max_bytes(256 * 1024)
        .clock(clock)
        .open()
        .unwrap();
    let appended = 3000;
    for n in 0..appended {
        append(&queue, n);
    }
    let mut kept = Vec::new();
    let mut said = 0;
    while let Some(batch) = queue.drain(100, 100_000) {
        for record in json_records(&batch) {
            if record["message"] == "records lost" {
                let attributes = &record["attributes"];
                assert_eq!(attributes["loss.reason"], "overflow");
                assert_eq!(attributes["loss.queue"], queue.id().to_string());
                assert_eq!(record["timestamp"], "1970-01-01T00:00:00Z");
                said += attributes["loss.count"].as_u64().unwrap();
            } else {
                kept.push(record["n"].as_u64().unwrap());
            }
        }
        queue.confirm(batch.token());
    }
    let lost = queue.losses().count(Loss::Overflow);
    assert!(lost > 0);
    assert_eq!(said, lost, "what is said is what is counted");
    let first = kept[0];
    assert_eq!(kept, (first..appended).collect::<Vec<_>>());
}

#[test]
fn a_loss_that_was_delivered_is_not_said_again_when_its_record_is_dropped() {
    let root = tempfile::tempdir().unwrap();
    let queue = DiskQueue::builder(root.path())
        .max_bytes(64 * 1024)
        .open()
        .unwrap();
    let mut said = 0;
    let mut receive = |batch: Batch| {
        let records = json_records(&batch);
        let losses = records
            .iter()
            .map(|record| &record["attributes"]["loss.count"]);
        said += losses.filter_map(Value::as_u64).sum::<u64>();
        queue.confirm(batch.token());
    };
    for n in 0..4000 {
        append(&queue, n);
        // Slower than the records come, so that the oldest go all the time.
        if n % 7 == 0 {
            receive(queue.drain(3, 100_000).unwrap());
        }
    }
    while let Some(batch) = queue.drain(100, 100_000) {
        receive(batch);
    }
    assert_eq!(said, queue.losses().count(Loss::Overflow));
    assert!(said > 1000, "{said}");
}

#[test]
fn what_the_relay_refused_is_put_aside_and_counted() {
    let root = tempfile::tempdir().unwrap();
    let queue = DiskQueue::open(root.path()).unwrap();
    for n in 0..3 {
        append(&queue, n);
    }
    let batch = queue.drain(10, 10_000).unwrap();
    queue.reject(&batch, &[(1, "no \"level\"".to_owned())]);
    queue.confirm(batch.token());
    assert_eq!(queue.losses().count(Loss::Rejected), 1);
    let path = queue_dirs(root.path())[0].join("rejected.jsonl");
    let text = fs::read_to_string(path).unwrap();
    let aside: Value = serde_json::from_str(text.trim_end()).unwrap();
    assert_eq!(
        (&aside["n"], &aside["reason"]),
        (&json!(1), &json!("no \"level\""))
    );
    let note = queue.drain(10, 10_000).unwrap();
    assert_eq!(
        json_records(&note)[0]["attributes"]["loss.reason"],
        "rejected"
    );
    assert_eq!(json_records(&note)[0]["attributes"]["loss.first_seq"], 1);
}

#[test]
fn clear_forgets_everything_and_says_how_much() {
    let mut root = tempfile::tempdir().unwrap();
    let dead = DiskQueue::open(root.path()).unwrap();
    append(&dead, 1);
    root = kill(dead, root.path());
    let queue = DiskQueue::open(root.path()).unwrap();
    append(&queue, 2);
    append(&queue, 3);
    assert_eq!(queue.clear(), 3);
    assert_eq!(queue.losses().count(Loss::Cleared), 3);
    let batch = queue.drain(10, 10_000).unwrap();
    assert!(
        json_records(&batch)
            .iter()
            .all(|record| record["attributes"]["loss.reason"] == "cleared")
    );
    queue.confirm(batch.token());
    append(&queue, 4);
    assert_eq!(drain_all(&queue), [4]);
}

#[test]
fn how_durable_a_record_is_follows_the_mode() {
    use std::time::Duration;
    let hour = Fsync::Interval(Duration::from_secs(3600));
    let cases = [
        (Fsync::Never, Durability::Durable, Appended::InPageCache),
        (hour, Durability::Durable, Appended::InPageCache),
        (Fsync::Fatal, Durability::PageCache, Appended::InPageCache),
        (Fsync::Fatal, Durability::Durable, Appended::Durable),
        (Fsync::Always, Durability::PageCache, Appended::Durable),
    ];
    for (fsync, durability, expected) in cases {
        let root = tempfile::tempdir().unwrap();
        let queue = DiskQueue::builder(root.path()).fsync(fsync).open().unwrap();
        assert_eq!(
            queue.append(&mut line(1), durability),
            expected,
            "{fsync:?} {durability:?}"
        );
    }
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let root = tempfile::tempdir().unwrap();
    let builder = || DiskQueue::builder(root.path());
    let small = builder().max_bytes(10).open().unwrap_err();
    assert_eq!(
        small.to_string(),
        "max_bytes is 10; it must be at least 65536"
    );
    let root_small = builder().max_root_bytes(10).open().unwrap_err();
    assert!(matches!(root_small, OpenError::RootCapTooSmall { .. }));
    let zero = builder()
        .fsync(Fsync::Interval(std::time::Duration::ZERO))
        .open()
        .unwrap_err();
    assert!(matches!(zero, OpenError::ZeroInterval));
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    let no_dir = DiskQueue::open(file.join("below")).unwrap_err();
    assert!(matches!(no_dir, OpenError::Root { .. }), "{no_dir}");
    assert_eq!(queue_dirs(root.path()), [file], "nothing was made");
}

#[test]
fn many_threads_share_one_queue_and_no_seq_is_missing() {
    let root = tempfile::tempdir().unwrap();
    let queue = DiskQueue::open(root.path()).unwrap();
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let queue = queue.clone();
            std::thread::spawn(move || {
                for n in 0..500 {
                    append(&queue, thread * 1000 + n);
                    if n % 100 == 0 {
                        assert_eq!(
                            queue.append(&mut line(9999), Durability::Durable),
                            Appended::Durable
                        );
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let mut all = drain_all(&queue);
    all.retain(|&n| n != 9999);
    assert_eq!(all.len(), 2000);
    for thread in 0..4 {
        let own: Vec<_> = all
            .iter()
            .filter(|&&n| n / 1000 == thread)
            .map(|n| n % 1000)
            .collect();
        assert_eq!(
            own,
            (0..500).collect::<Vec<_>>(),
            "thread {thread} in its order"
        );
    }
    assert_eq!(queue.losses().by_reason(), [].into());
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let root = parent.path().join("a/b");
    let queue = DiskQueue::open(&root).unwrap();
    append(&queue, 1);
    let batch = queue.drain(1, 1).unwrap();
    queue.reject(&batch, &[(0, "no".to_owned())]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let dir = &queue_dirs(&root)[0];
    for dir in [&parent.path().join("a"), &root, dir] {
        assert_eq!(mode(dir), 0o700, "{}", dir.display());
    }
    let files = queue_dirs(dir);
    assert_eq!(files.len(), 4, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}
