//! A stored queue, damaged in any way: it opens, ends, and gives nothing but whole records that were written to it.
//!
//! The input is either a list of damages to a whole queue, or the files themselves.

#![no_main]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use tracing_courier::queue::{Context, DiskQueue, Durability, Fsync, Line, inspect};

fuzz_target!(|data: &[u8]| {
    let Some((&kind, rest)) = data.split_first() else {
        return;
    };
    let whole = whole();
    let mut files = whole.files.clone();
    if kind % 2 == 0 {
        rest.chunks_exact(6).for_each(|damage| apply(&mut files, damage));
    } else {
        replace(&mut files, rest);
    }
    let root = root("fuzzed");
    let dir = root.join(&whole.dir_name);
    fs::create_dir_all(&dir).expect("a directory");
    for (name, content) in &files {
        fs::write(dir.join(name), content).expect("a file");
    }
    for queue in inspect::queues(&root).expect("a root that can be read") {
        let seen = queue.verify();
        assert!(queue.records().count() <= 10_000, "{seen:?}");
    }
    drain(&root, whole, kind % 2 == 0);
    fs::remove_dir_all(&root).expect("it can be removed");
});

/// Everything that is left goes out, each record once and as it was written.
fn drain(root: &Path, whole: &Whole, is_known: bool) {
    let queue = open(root);
    let (mut last, mut batches) = (None, 0);
    while let Some(batch) = queue.drain(7, 100_000) {
        batches += 1;
        assert!(batches < 10_000, "it goes on for ever");
        for index in 0..batch.len() {
            let seq = batch.seq(index).expect("a seq");
            if batch.queue().to_string() == whole.dir_name[2..] {
                assert!(last < Some(seq), "{seq} after {last:?}");
                last = Some(seq);
                if is_known {
                    assert_eq!(batch.record(index), whole.records[&seq], "another record");
                }
            }
        }
        queue.confirm(batch.token());
    }
    assert_eq!(queue.pending().records, 0);
    assert!(queue.newer().len() <= 1);
}

/// A queue as a killed program leaves it.
struct Whole {
    dir_name: String,
    files: BTreeMap<String, Vec<u8>>,
    records: BTreeMap<u64, Vec<u8>>,
}

fn whole() -> &'static Whole {
    static WHOLE: OnceLock<Whole> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let root = root("whole");
        let queue = open(&root);
        for n in 0..40 {
            if n % 9 == 0 {
                let mut context = Context::default();
                context.context.insert("userId".to_owned(), format!("user-{n}").into());
                queue.set_context(&context);
            }
            let mut line = Line::new();
            let padding = "x".repeat(n * 37 % 400);
            let body = format!("\"timestamp\":\"t\",\"n\":{n},\"pad\":\"{padding}\"}}");
            line.body().extend_from_slice(body.as_bytes());
            let _ = queue.append(&mut line, Durability::PageCache);
        }
        let mut records = BTreeMap::new();
        for record in inspect::queues(&root).expect("a root")[0].records() {
            records.insert(record.seq, record.json);
        }
        let id = queue.id();
        let dir = root.join(format!("q-{id}"));
        let files = fs::read_dir(&dir).expect("its files");
        let files = files
            .map(|file| file.expect("a file").path())
            .filter(|path| path.file_name().is_some_and(|name| name != "lock"))
            .map(|path| (name(&path), fs::read(&path).expect("its content")))
            .collect();
        std::mem::forget(queue);
        fs::remove_dir_all(&root).expect("it can be removed");
        Whole { dir_name: format!("q-{id}"), files, records }
    })
}

/// Which file, what happens, where, and how much.
fn apply(files: &mut BTreeMap<String, Vec<u8>>, damage: &[u8]) {
    let [file, what, high, low, length, byte] = *damage else {
        return;
    };
    let other = files.values().nth(usize::from(byte) % files.len()).cloned();
    let count = files.len();
    let Some(content) = files.values_mut().nth(usize::from(file) % count) else {
        return;
    };
    let at = (usize::from(high) << 8 | usize::from(low)) % (content.len() + 1);
    let end = (at + usize::from(length) * 16).min(content.len());
    match what % 7 {
        0 => content.truncate(at),
        1 => content[at..end].fill(0),
        2 => content[at..end].iter_mut().for_each(|old| *old ^= byte),
        3 => drop(content.splice(at..at, [byte].repeat(usize::from(length)))),
        4 => {
            let page = content[at..end].to_vec();
            content.splice(end..end, page);
        }
        5 => drop(content.drain(at..end)),
        _ => {
            let other = other.unwrap_or_default();
            content.truncate(at);
            content.extend_from_slice(other.get(at.min(other.len())..).unwrap_or_default());
        }
    }
}

/// The input is the content of the files, the same part of it for each.
fn replace(files: &mut BTreeMap<String, Vec<u8>>, content: &[u8]) {
    let part = content.len() / files.len() + 1;
    for (file, part) in files.values_mut().zip(content.chunks(part)) {
        *file = part.to_vec();
    }
}

fn open(root: &Path) -> DiskQueue {
    let builder = DiskQueue::builder(root).max_bytes(128 * 1024);
    builder.fsync(Fsync::Never).open().expect("it opens on anything")
}

fn root(name: &str) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    base.join(format!("courier-{name}-{}", std::process::id()))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
