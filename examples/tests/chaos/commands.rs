//! `courier-relay queue` on live, killed and damaged directories.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::process::Process;
use crate::program;
use crate::stored::{Stored, cat, queue};

#[test]
fn a_living_queue_is_read_without_disturbing_its_owner() {
    let dir = tempfile::tempdir().expect("a directory");
    let root = dir.path().join("program");
    let app = program::start(
        &root,
        &["--print-acked", "--rate", "2000", "--records", "4000"],
    );
    for lines in [1, 500, 1_500] {
        app.wait_for_lines(lines);
        let records = cat(&root);
        let numbers: Vec<u64> = records.iter().filter_map(Stored::n).collect();
        assert!(numbers.len() >= lines, "{} of {lines}", numbers.len());
        assert!(numbers.iter().copied().eq(0..numbers.len() as u64));
        assert_eq!(verdict(&root, 0)["verdict"], "clean");
        let list = queue("ls", &root);
        assert_eq!((list.code, list.stdout.len()), (Some(0), 1));
        assert!(list.stdout[0].contains("living"), "{list:?}");
    }
    let ended = app.wait();
    assert_eq!(
        program::report(&ended)["lost_by_reason"],
        serde_json::json!({})
    );
    let numbers = cat(&root).into_iter().filter_map(|record| record.n());
    assert!(numbers.eq(0..4_000), "nobody took anything from it");
}

#[test]
fn queues_are_listed_oldest_first_and_read_by_seq() {
    let dir = tempfile::tempdir().expect("a directory");
    let root = dir.path().join("program");
    let runs = [10, 20, 30, 40, 50];
    for records in runs.map(|run: usize| run.to_string()) {
        let ended = program::start(&root, &["--records", &records]).wait();
        assert_eq!(ended.code, Some(0));
    }
    let list = queue("ls", &root);
    assert_eq!((list.code, list.stdout.len()), (Some(0), runs.len()));
    let records = cat(&root);
    let mut order: Vec<&str> = records.iter().map(|record| record.queue.as_str()).collect();
    order.dedup();
    let listed: Vec<&str> = list.stdout.iter().map(|line| &line[2..18]).collect();
    assert_eq!(order, listed, "one after the other");
    for (id, run) in listed.into_iter().zip(runs) {
        let one: Vec<&Stored> = records.iter().filter(|record| record.queue == id).collect();
        assert!(
            one.iter()
                .map(|record| record.seq())
                .eq(0..one.len() as u64)
        );
        assert_eq!(one[0].message, "session_start");
        let numbers = one.iter().filter_map(|record| record.n());
        assert!(
            numbers.eq(0..run as u64),
            "the oldest is the first that ran"
        );
        let alone = cat(&root.join(format!("q-{id}")));
        assert_eq!(alone.len(), one.len(), "a queue's own directory will do");
    }
}

#[test]
fn damage_costs_what_is_damaged_and_is_counted() {
    let dir = tempfile::tempdir().expect("a directory");
    let root = dir.path().join("program");
    let ended = program::start(&root, &["--records", "1000"]).wait();
    assert_eq!(ended.code, Some(0));
    assert_eq!(verdict(&root, 0)["verdict"], "clean");
    let before = cat(&root);

    let (segment, mut bytes, place) = segments(&root)
        .into_iter()
        .find_map(|segment| {
            let bytes = fs::read(&segment).expect("it can be read");
            let place = position(&bytes, b"\"n\":500}")?;
            Some((segment, bytes, place))
        })
        .expect("it is there");
    bytes[place + 5] = b'6';
    fs::write(&segment, &bytes).expect("it can be written");

    let after = cat(&root);
    let numbers: Vec<u64> = after.iter().filter_map(Stored::n).collect();
    assert!(numbers.into_iter().eq((0..1_000).filter(|n| *n != 500)));
    assert_eq!(after.len(), before.len() - 1);
    let said = queue("cat", &root).stderr.join("\n");
    assert!(said.contains("1 records missing"), "{said}");
    let verdict = verdict(&root, 1);
    assert_eq!(verdict["verdict"], "damaged");
    assert_eq!(
        (&verdict["missing"], &verdict["damaged_places"]),
        (&1.into(), &1.into())
    );
}

#[test]
fn a_torn_tail_costs_the_torn_record() {
    let dir = tempfile::tempdir().expect("a directory");
    let root = dir.path().join("program");
    let app = killable(&root);
    app.wait_for_lines(100);
    app.kill();
    let before = cat(&root);
    let segment = segments(&root).pop().expect("one at least");
    let bytes = fs::read(&segment).expect("it can be read");
    fs::write(&segment, &bytes[..bytes.len() - 3]).expect("it can be written");
    let after = cat(&root);
    assert_eq!(after.len(), before.len() - 1);
    verdict(&root, 1);
}

#[test]
fn what_is_no_queue_is_unreadable() {
    let dir = tempfile::tempdir().expect("a directory");
    let missing = dir.path().join("missing");
    for verb in ["ls", "cat", "verify"] {
        let ended = queue(verb, &missing);
        assert_eq!(ended.code, Some(2), "{verb}: {ended:?}");
        let said = ended.stderr.join("\n");
        assert!(
            said.contains(missing.to_str().expect("text")),
            "{verb}: {said}"
        );
        assert!(ended.stdout.is_empty());
    }
}

/// It logs until somebody ends it.
fn killable(root: &Path) -> Process {
    program::start(
        root,
        &["--print-acked", "--records", "100000", "--rate", "2000"],
    )
}

/// `queue verify` of the only queue, which has to end with this code.
fn verdict(root: &Path, code: i32) -> Value {
    let ended = queue("verify", root);
    assert_eq!(ended.code, Some(code), "{ended:?}");
    assert_eq!(ended.stdout.len(), 1, "{ended:?}");
    serde_json::from_str(&ended.stdout[0]).expect("JSON")
}

/// The segments of the queues in `root`; of one queue, oldest first.
fn segments(root: &Path) -> Vec<PathBuf> {
    let files = |dir: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(dir).expect("a directory");
        entries
            .map(|entry| entry.expect("an entry").path())
            .collect()
    };
    let mut segments: Vec<PathBuf> = files(root)
        .iter()
        .filter(|path| path.is_dir())
        .flat_map(|queue| files(queue))
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("seg-"))
        })
        .collect();
    segments.sort();
    segments
}

fn position(bytes: &[u8], of: &[u8]) -> Option<usize> {
    bytes.windows(of.len()).position(|window| window == of)
}
