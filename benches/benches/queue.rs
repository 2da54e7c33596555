//! What does the disk queue cost its caller, beside the write that nobody can avoid?
//!
//! `cargo bench -p courier-benches --bench queue`; with `-- --test` everything runs once and small, for CI.
//! Medians of one run on one machine; only ratios within the run mean much.

use std::fs::{self, File, OpenOptions};
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tracing_courier::queue::{DiskQueue, Durability, Fsync, Line};

fn main() {
    let is_test = std::env::args().any(|argument| argument == "--test");
    let scale = if is_test { 100 } else { 1 };
    println!(
        "{:<58} {:>10} {:>10} {:>10} {:>7}",
        "", "p50", "p99", "p99.9", "ratio"
    );
    appends(200_000 / scale);
    for fsync in [Fsync::Never, Fsync::Fatal] {
        appends_into_a_full_queue(200_000 / scale, fsync);
    }
    drains(35_000 / scale);
    confirms(20_000 / scale);
    opens(&[10 << 20, (1 << 30) / scale as u64]);
}

fn appends(count: usize) {
    let root = tempfile::tempdir().expect("a temporary directory");
    let bytes = body(0).len() + 43;
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(root.path().join("plain"))
        .expect("a file");
    let plain = Mutex::new(file);
    let record = vec![b'x'; bytes];
    let queue = open(root.path(), 1 << 30);
    let mut line = Line::new();
    let (mut floor, mut ours) = (Vec::new(), Vec::new());
    // In turns, so that both see the same machine.
    for n in 0..count {
        floor.push(timed(|| {
            let mut file = plain.lock().expect("nobody panics here");
            file.write_all(&record).expect("a write");
        }));
        line.clear();
        line.body().extend_from_slice(body(n).as_bytes());
        ours.push(timed(|| {
            let _ = black_box(queue.append(&mut line, Durability::PageCache));
        }));
    }
    let floor = row("one write(2) of the same bytes under a mutex", floor, None);
    row("append", ours, Some(floor));
    let pids = (0..count)
        .map(|_| timed(|| _ = black_box(std::process::id())))
        .collect();
    row("for scale: getpid and reading the clock", pids, Some(floor));
}

fn appends_into_a_full_queue(count: usize, fsync: Fsync) {
    let root = tempfile::tempdir().expect("a temporary directory");
    let builder = DiskQueue::builder(root.path()).max_bytes(4 << 20);
    let queue = builder.fsync(fsync).open().expect("a queue");
    let mut line = Line::new();
    let mut ours = Vec::new();
    for n in 0..count {
        line.clear();
        line.body().extend_from_slice(body(n).as_bytes());
        ours.push(timed(|| {
            let _ = black_box(queue.append(&mut line, Durability::PageCache));
        }));
    }
    row(
        &format!("append into 4 MiB that overflow, Fsync::{fsync:?}"),
        ours,
        None,
    );
}

fn drains(records: usize) {
    let (mut lines, mut bodies, mut batches) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..9 {
        let root = tempfile::tempdir().expect("a temporary directory");
        let queue = open(root.path(), 1 << 30);
        fill(&queue, records);
        lines.push(timed(|| read_lines(root.path())));
        bodies.push(drain_all(&queue, usize::MAX, records));
        fill(&queue, records);
        batches.push(timed(|| _ = drain_all(&queue, 100, records)));
    }
    println!("{records} records of about 326 bytes:");
    let floor = row("  BufRead::read_until over the same files", lines, None);
    row(
        "  drained into request bodies of 900 KB",
        bodies,
        Some(floor),
    );
    row("  drained and confirmed in batches of 100", batches, None);
}

/// Drains and confirms everything; returns the time spent draining alone.
fn drain_all(queue: &DiskQueue, max_records: usize, records: usize) -> Duration {
    let (mut taken, mut spent) = (0, Duration::ZERO);
    loop {
        let start = Instant::now();
        let batch = queue.drain(max_records, 900_000);
        spent += start.elapsed();
        let Some(batch) = batch else {
            break;
        };
        taken += batch.len();
        // What a sender compresses: the batch is the body.
        black_box(batch.joined());
        queue.confirm(batch.token());
    }
    assert_eq!(taken, records);
    spent
}

fn confirms(count: usize) {
    let root = tempfile::tempdir().expect("a temporary directory");
    let queue = open(root.path(), 1 << 30);
    fill(&queue, count);
    let mut times = Vec::new();
    while let Some(batch) = queue.drain(1, 900_000) {
        times.push(timed(|| queue.confirm(batch.token())));
    }
    row("confirm", times, None);
}

fn opens(sizes: &[u64]) {
    for &size in sizes {
        let root = tempfile::tempdir().expect("a temporary directory");
        let cap = size + size / 4 + (1 << 20);
        let queue = open(root.path(), cap);
        let mut line = Line::new();
        while queue.pending().bytes < size {
            for n in 0..1000 {
                line.clear();
                line.body().extend_from_slice(body(n).as_bytes());
                let _ = queue.append(&mut line, Durability::PageCache);
            }
        }
        drop(queue);
        let mut times = Vec::new();
        for _ in 0..9 {
            let mut queue = None;
            times.push(timed(|| queue = Some(open(root.path(), cap))));
            drop(queue);
        }
        let pending = format!("{} MiB pending", size >> 20);
        row(&format!("open with {pending}"), times, None);
        let (full, fresh) = (
            open(root.path(), cap),
            tempfile::tempdir().expect("a directory"),
        );
        let empty = open(fresh.path(), cap);
        let (mut into_empty, mut into_full) = (Vec::new(), Vec::new());
        for n in 0..(size as usize >> 13).clamp(100, 100_000) {
            for (queue, times) in [(&empty, &mut into_empty), (&full, &mut into_full)] {
                line.clear();
                line.body().extend_from_slice(body(n).as_bytes());
                times.push(timed(|| {
                    let _ = black_box(queue.append(&mut line, Durability::PageCache));
                }));
            }
        }
        let floor = row("append into an empty queue, in turns", into_empty, None);
        row(&format!("append with {pending}"), into_full, Some(floor));
    }
}

fn open(root: &Path, max_bytes: u64) -> DiskQueue {
    DiskQueue::builder(root)
        .max_bytes(max_bytes)
        .fsync(Fsync::Never)
        .open()
        .expect("a queue")
}

fn fill(queue: &DiskQueue, records: usize) -> u64 {
    let mut line = Line::new();
    for n in 0..records {
        line.clear();
        line.body().extend_from_slice(body(n).as_bytes());
        let _ = queue.append(&mut line, Durability::PageCache);
    }
    queue.pending().bytes
}

/// About 300 bytes on disk, as a record of five fields is.
fn body(n: usize) -> String {
    format!(
        "\"timestamp\":\"2026-02-06T12:00:00.000123456Z\",\"level\":\"info\",\"logger\":\"app::sync\",\
         \"message\":\"uploaded one more file\",\"attributes\":{{\"n\":{n:>9},\"bytes\":1048576,\"took_ms\":12.5,\
         \"path\":\"report.pdf\",\"retry\":false}},\"spans\":[\"request\",\"upload\"],\
         \"location\":{{\"file\":\"src/sync.rs\",\"line\":41}}}}"
    )
}

fn read_lines(root: &Path) {
    let mut lines = 0;
    for queue in fs::read_dir(root).expect("a root") {
        for file in fs::read_dir(queue.expect("a queue").path()).expect("its files") {
            let path = file.expect("a file").path();
            if path.extension().is_some_and(|end| end == "jsonl") {
                let mut reader =
                    BufReader::with_capacity(64 * 1024, File::open(path).expect("a segment"));
                let mut line = Vec::new();
                while reader.read_until(b'\n', &mut line).expect("a line") > 0 {
                    lines += 1;
                    black_box(&line);
                    line.clear();
                }
            }
        }
    }
    black_box(lines);
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn row(what: &str, mut times: Vec<Duration>, floor: Option<Duration>) -> Duration {
    times.sort_unstable();
    let p50 = times[times.len() / 2];
    let p99 = times[times.len() * 99 / 100];
    let p999 = times[times.len() * 999 / 1000];
    let ratio = floor.map_or(String::new(), |floor| {
        format!("{:.2}x", p50.as_secs_f64() / floor.as_secs_f64())
    });
    println!(
        "{what:<58} {:>10} {:>10} {:>10} {ratio:>7}",
        format!("{p50:.2?}"),
        format!("{p99:.1?}"),
        format!("{p999:.1?}")
    );
    p50
}
