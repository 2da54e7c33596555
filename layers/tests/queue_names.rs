//! No damage, however much of a directory it takes, makes a queue give a name to a second record.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tracing_courier::queue::{DiskQueue, Durability, Fsync, Line, QueueId, inspect};

type Damage = fn(&Path);

/// What is done to the directory of a killed program.
const DAMAGES: [(&str, Damage); 6] = [
    ("the head is lost", |dir| {
        fs::remove_file(dir.join("head.json")).unwrap();
    }),
    ("both slots are bad", |dir| {
        fs::write(dir.join("head.json"), [b'x'; 1024]).unwrap();
    }),
    ("the head is empty", |dir| {
        fs::write(dir.join("head.json"), "").unwrap();
    }),
    ("all segments are gone", |dir| {
        segments(dir).for_each(|segment| fs::remove_file(segment).unwrap());
    }),
    ("all segments are cut to nothing", |dir| {
        segments(dir).for_each(|segment| fs::write(segment, "").unwrap());
    }),
    ("only the lock is left", |dir| {
        segments(dir).for_each(|segment| fs::remove_file(segment).unwrap());
        fs::remove_file(dir.join("head.json")).unwrap();
    }),
];

fn segments(dir: &Path) -> impl Iterator<Item = std::path::PathBuf> {
    let files = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
}

fn line(n: u64) -> Line {
    let mut line = Line::new();
    let text = format!("\"timestamp\":\"t\",\"n\":{n}}}");
    line.body().extend_from_slice(text.as_bytes());
    line
}

/// The records of all queues in `root`, by name, as `inspect` reads them.
fn names(root: &Path) -> BTreeMap<(QueueId, u64), u64> {
    let mut names = BTreeMap::new();
    for queue in inspect::queues(root).unwrap() {
        for record in queue.records() {
            let json: Value = serde_json::from_slice(&record.json).unwrap();
            if let Some(n) = json["n"].as_u64() {
                names.insert((queue.id(), record.seq), n);
            }
        }
    }
    names
}

#[test]
fn a_name_is_never_used_twice_whatever_is_left_of_the_directory() {
    for (what, damage) in DAMAGES {
        let (root, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let queue = DiskQueue::builder(root.path())
            .fsync(Fsync::Never)
            .open()
            .unwrap();
        for n in 0..5 {
            let _ = queue.append(&mut line(n), Durability::PageCache);
        }
        let batch = queue.drain(2, 10_000).unwrap();
        queue.confirm(batch.token());
        // A copy of a living queue is what a kill leaves.
        let dir = fs::read_dir(root.path()).unwrap().next().unwrap().unwrap();
        let left = killed.path().join(dir.file_name());
        fs::create_dir(&left).unwrap();
        for file in fs::read_dir(dir.path()).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), left.join(file.file_name())).unwrap();
        }
        let mut known = names(root.path());
        known.extend((0..2).map(|seq| ((queue.id(), seq), seq)));
        assert_eq!(known.len(), 5, "{what}");
        damage(&left);
        for start in 1..4 {
            let next = DiskQueue::open(killed.path()).unwrap();
            for n in 0..5 {
                let _ = next.append(&mut line(start * 100 + n), Durability::PageCache);
            }
            for (name, n) in names(killed.path()) {
                let before = known.insert(name, n);
                assert!(
                    before.is_none_or(|before| before == n),
                    "{what}: {name:?} is {before:?} and {n}"
                );
            }
        }
        assert_eq!(known.len(), 5 + 3 * 5, "{what}");
    }
}
