//! Looking at queues from outside: living ones, dead ones, damaged ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tracing_courier::queue::inspect::{self, HeadState, InspectError, Owner, Verdict};
use tracing_courier::queue::{Context, DiskQueue, Durability, Line};

fn append(queue: &DiskQueue, n: u64) {
    let mut line = Line::new();
    line.body().extend_from_slice(
        format!("\"timestamp\":\"t\",\"level\":\"info\",\"n\":{n}}}").as_bytes(),
    );
    let _ = queue.append(&mut line, Durability::PageCache);
}

fn filled(root: &Path, records: u64) -> DiskQueue {
    let queue = DiskQueue::open(root).unwrap();
    let mut context = Context::default();
    context.context.insert("userId".to_owned(), "a".into());
    queue.set_context(&context);
    for n in 0..records {
        append(&queue, n);
    }
    queue
}

fn only_segment(dir: &Path) -> PathBuf {
    let is_segment = |path: &PathBuf| path.extension().is_some_and(|end| end == "jsonl");
    let mut found: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(is_segment)
        .collect();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

fn seqs(queue: &inspect::StoredQueue) -> Vec<u64> {
    queue.records().map(|record| record.seq).collect()
}

#[test]
fn a_living_queue_is_read_without_its_lock() {
    let root = tempfile::tempdir().unwrap();
    let queue = filled(root.path(), 5);
    queue.confirm(queue.drain(2, 10_000).unwrap().token());
    let found = inspect::queues(root.path()).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id(), queue.id());
    let Owner::Living(text) = found[0].owner() else {
        panic!("it lives");
    };
    assert!(
        text.starts_with(&format!("{}\n", std::process::id())),
        "{text}"
    );
    assert_eq!(seqs(&found[0]), [2, 3, 4]);
    append(&queue, 5);
    assert_eq!(queue.pending().records, 4, "its owner goes on");
}

#[test]
fn jq_reads_every_file_of_a_living_queue() {
    let root = tempfile::tempdir().unwrap();
    let builder = DiskQueue::builder(root.path()).max_bytes(64 * 1024);
    let queue = builder.open().unwrap();
    for n in 0..3_000 {
        append(&queue, n);
        if n % 500 == 0 {
            let batch = queue.drain(2, 10_000).unwrap();
            queue.reject(&batch, &[(0, "\"no\"".to_owned())]);
            queue.confirm(batch.token());
        }
    }
    let dir = inspect::queues(root.path()).unwrap()[0].dir().to_owned();
    let files = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    let files: Vec<_> = files.filter(|path| path.extension().is_some()).collect();
    assert!(files.len() > 3, "head, rejected and segments: {files:?}");
    let run = Command::new("jq").args(["-e", "."]).args(files).output();
    match run {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(_) => eprintln!("skipped: there is no jq here"),
    }
}

#[test]
fn one_queue_directory_is_as_good_as_the_root() {
    let root = tempfile::tempdir().unwrap();
    drop(filled(root.path(), 3));
    let in_root = inspect::queues(root.path()).unwrap();
    let alone = inspect::queues(in_root[0].dir()).unwrap();
    assert_eq!(alone[0].id(), in_root[0].id());
    assert_eq!(*alone[0].owner(), Owner::Gone);
    assert_eq!(seqs(&alone[0]), [0, 1, 2]);
    let record = alone[0].records().next().unwrap();
    assert!(
        record.context.contains("\"userId\":\"a\""),
        "{}",
        record.context
    );
    assert_eq!(record.members(), br#""timestamp":"t","level":"info","n":0"#);
}

#[test]
fn a_path_that_is_not_there_is_an_error_that_names_it() {
    let InspectError::Unreadable { path, .. } = inspect::queues("/nowhere/at/all").unwrap_err()
    else {
        panic!("another error");
    };
    assert_eq!(path, Path::new("/nowhere/at/all"));
}

#[test]
fn a_clean_queue_verifies_and_its_counts_are_right() {
    let root = tempfile::tempdir().unwrap();
    let queue = filled(root.path(), 5);
    queue.confirm(queue.drain(2, 10_000).unwrap().token());
    drop(queue);
    let verdict = inspect::queues(root.path()).unwrap()[0].verify();
    let mut expected = Verdict::default();
    (expected.records, expected.undelivered, expected.contexts) = (5, 3, 1);
    expected.head = HeadState::Whole;
    assert_eq!(verdict, expected);
    assert!(verdict.is_clean());
}

#[test]
fn damage_is_counted_and_costs_only_what_was_damaged() {
    let root = tempfile::tempdir().unwrap();
    drop(filled(root.path(), 5));
    let dir = inspect::queues(root.path())
        .unwrap()
        .remove(0)
        .dir()
        .to_owned();
    let segment = only_segment(&dir);
    let mut bytes = fs::read(&segment).unwrap();
    let third = bytes
        .windows(5)
        .position(|text| text == b"\"n\":2")
        .unwrap();
    bytes[third + 4] = b'9';
    fs::write(&segment, bytes).unwrap();
    let queue = inspect::queues(root.path()).unwrap().remove(0);
    let mut records = queue.records();
    assert_eq!(
        records
            .by_ref()
            .map(|record| record.seq)
            .collect::<Vec<_>>(),
        [0, 1, 3, 4]
    );
    assert_eq!(records.damage().records, 1);
    let verdict = queue.verify();
    assert_eq!((verdict.missing, verdict.damaged_places), (1, 1));
    assert!(!verdict.is_clean());
}

#[test]
fn a_head_that_is_lost_is_told_from_one_that_was_never_written() {
    let root = tempfile::tempdir().unwrap();
    drop(filled(root.path(), 1));
    let dir = inspect::queues(root.path())
        .unwrap()
        .remove(0)
        .dir()
        .to_owned();
    let verify = || inspect::queues(root.path()).unwrap()[0].verify();
    fs::write(dir.join("head.json"), [0; 1024]).unwrap();
    assert_eq!(verify().head, HeadState::Damaged);
    fs::remove_file(dir.join("head.json")).unwrap();
    assert_eq!(
        (verify().head, verify().is_clean()),
        (HeadState::Missing, true)
    );
}

#[test]
fn a_newer_version_is_reported_and_neither_read_nor_adopted() {
    let root = tempfile::tempdir().unwrap();
    drop(filled(root.path(), 1));
    let dir = inspect::queues(root.path())
        .unwrap()
        .remove(0)
        .dir()
        .to_owned();
    let says = "{\"version\":7";
    let crc = crc32fast::hash(says.as_bytes());
    fs::write(
        dir.join("head.json"),
        format!("{says},\"crc\":\"{crc:08x}\"}}\n"),
    )
    .unwrap();
    let queue = inspect::queues(root.path()).unwrap().remove(0);
    assert!(queue.is_newer());
    assert_eq!(seqs(&queue), Vec::<u64>::new());
    assert!(!queue.verify().is_clean());
    let next = DiskQueue::open(root.path()).unwrap();
    assert_eq!(next.pending().records, 0);
    assert_eq!(next.newer(), [queue.id()]);
    assert!(dir.exists());
}
