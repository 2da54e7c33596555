//! Queue directories as each format version wrote them: every later release opens them.
//!
//! `cargo test --test queue_formats write_fixtures -- --ignored` writes those of this version, into a directory that
//! does not exist yet. What is stored is never written again.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use serde_json::{Value, json};
use tracing_courier::queue::{Context, DiskQueue, Durability, Line, inspect};
use tracing_courier::{Clock, Loss};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/queue")
}

fn copy_dirs(from: &Path, to: &Path) {
    for dir in fs::read_dir(from).unwrap() {
        let dir = dir.unwrap();
        let target = to.join(dir.file_name());
        fs::create_dir_all(&target).unwrap();
        for file in fs::read_dir(dir.path()).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), target.join(file.file_name())).unwrap();
        }
        // Whoever held the lock is of no interest.
        fs::write(target.join("lock"), "4711\nfield_app\n").unwrap();
    }
}

/// Records of a queue as `(n or the loss reason, user)`.
fn drain_all(queue: &DiskQueue) -> Vec<(Value, Value)> {
    let mut drained = Vec::new();
    while let Some(batch) = queue.drain(10, 100_000) {
        let members: Value = serde_json::from_str(&format!("{{{}}}", batch.context())).unwrap();
        for index in 0..batch.len() {
            let record: Value = serde_json::from_slice(batch.record(index)).unwrap();
            let what = match &record["n"] {
                Value::Null => record["attributes"]["loss.reason"].clone(),
                n => n.clone(),
            };
            drained.push((what, members["context"]["userId"].clone()));
        }
        queue.confirm(batch.token());
    }
    drained
}

#[test]
#[ignore = "writes the fixtures of a new format version"]
fn write_fixtures() {
    let to = fixtures().join("v1");
    assert!(!to.exists(), "what is stored stays as it is");
    let root = tempfile::tempdir().unwrap();
    let clock = Clock::Manual(Arc::new(AtomicI64::new(1_770_379_200_000_000_000)));
    let queue = DiskQueue::builder(root.path())
        .max_bytes(64 * 1024)
        .clock(clock)
        .open()
        .unwrap();
    for n in 0..40 {
        if n % 15 == 0 {
            let mut context = Context::default();
            context
                .context
                .insert("userId".to_owned(), format!("user-{}", n / 15).into());
            context
                .resource
                .insert("service.name".to_owned(), "field-app".into());
            queue.set_context(&context);
        }
        let mut line = Line::new();
        let body = format!(
            "\"timestamp\":\"2026-02-06T12:00:00Z\",\"level\":\"info\",\"message\":\"tick\",\"n\":{n}}}"
        );
        line.body().extend_from_slice(body.as_bytes());
        let _ = queue.append(&mut line, Durability::Durable);
        if n == 9 {
            let batch = queue.drain(7, 100_000).unwrap();
            queue.reject(&batch, &[(3, "no".to_owned())]);
            queue.confirm(batch.token());
        }
    }
    // As a killed process leaves it.
    copy_dirs(root.path(), &to.join("whole"));
    copy_dirs(root.path(), &to.join("damaged"));
    for dir in fs::read_dir(to.join("damaged")).unwrap() {
        let dir = dir.unwrap().path();
        fs::write(dir.join("head.json"), [0; 1024]).unwrap();
        let segments = fs::read_dir(&dir).unwrap().map(|file| file.unwrap().path());
        let mut segments: Vec<_> = segments
            .filter(|path| path.to_string_lossy().contains("seg-"))
            .collect();
        segments.sort();
        let last = segments.last().unwrap();
        let mut content = fs::read(last).unwrap();
        let middle = content.len() / 2;
        content[middle..middle + 100].fill(0);
        content.truncate(content.len() - 30);
        fs::write(last, content).unwrap();
    }
}

#[test]
fn a_queue_of_version_1_is_delivered_under_its_own_contexts() {
    let root = tempfile::tempdir().unwrap();
    copy_dirs(&fixtures().join("v1/whole"), root.path());
    let stored = inspect::queues(root.path()).unwrap().remove(0);
    assert!(stored.verify().is_clean());
    assert_eq!(stored.records().count(), 34);
    let queue = DiskQueue::open(root.path()).unwrap();
    let drained = drain_all(&queue);
    let mut expected: Vec<_> = (7..40_u64)
        .map(|n| (json!(n), json!(format!("user-{}", n / 15))))
        .collect();
    expected.insert(3, (json!("rejected"), json!("user-0")));
    assert_eq!(drained, expected);
    assert_eq!(queue.losses().by_reason(), [].into());
}

#[test]
fn a_damaged_queue_of_version_1_costs_what_was_damaged() {
    let root = tempfile::tempdir().unwrap();
    copy_dirs(&fixtures().join("v1/damaged"), root.path());
    let verdict = inspect::queues(root.path()).unwrap()[0].verify();
    assert!(!verdict.is_clean());
    let queue = DiskQueue::open(root.path()).unwrap();
    let drained = drain_all(&queue);
    let numbers: Vec<_> = drained
        .iter()
        .filter_map(|(what, _)| what.as_u64())
        .collect();
    let missing: Vec<_> = (0..39).filter(|n| !numbers.contains(n)).collect();
    assert_eq!(missing.len() as u64, queue.losses().count(Loss::Damaged));
    assert_eq!(missing.len() as u64, verdict.missing);
    assert!((1..=2).contains(&missing.len()), "{missing:?}");
    assert!(numbers.is_sorted());
}
