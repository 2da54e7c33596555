//! How much lies in a queue makes no difference to what it takes to hold it: not the memory, not the time to open it.
//!
//! 32 MiB in CI; `COURIER_PROOF_ROUNDS=32` makes it 1 GiB.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tracing_courier::queue::{Appended, DiskQueue, Durability, Fsync, Line};

const BATCH_BYTES: usize = 900_000;

fn stored_bytes() -> u64 {
    let times = std::env::var("COURIER_PROOF_ROUNDS");
    let times = times.ok().and_then(|times| times.parse::<u64>().ok());
    (32 << 20) * times.unwrap_or(1)
}

fn line(n: u64) -> Line {
    let mut line = Line::new();
    let padding = "x".repeat(250);
    line.body().extend_from_slice(
        format!("\"timestamp\":\"t\",\"n\":{n},\"pad\":\"{padding}\"}}").as_bytes(),
    );
    line
}

fn open(root: &Path) -> DiskQueue {
    let builder = DiskQueue::builder(root).max_bytes(2 * stored_bytes());
    builder.fsync(Fsync::Never).open().unwrap()
}

/// What a process needed at most, in bytes, and how long the queue took to open.
#[derive(Debug)]
struct Needed {
    peak_bytes: u64,
    opened_in: Duration,
}

fn needed(root: &Path) -> Needed {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--include-ignored"])
        .env("COURIER_CHILD_ROOT", root)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = |name: &str| {
        let said = text.lines().find_map(|line| line.strip_prefix(name));
        let said = said.unwrap_or_else(|| panic!("no `{name}` in {text}"));
        said.trim().parse::<u64>().unwrap()
    };
    Needed {
        peak_bytes: number("peak "),
        opened_in: Duration::from_micros(number("opened ")),
    }
}

/// Opens what is there, appends, and takes two batches out; one of them is still held when the next comes.
#[test]
#[ignore = "a child of the other test"]
fn child() {
    let Some(root) = std::env::var_os("COURIER_CHILD_ROOT") else {
        return;
    };
    let start = Instant::now();
    let queue = open(Path::new(&root));
    let opened = start.elapsed().as_micros();
    for n in 0..10_000 {
        assert_eq!(
            queue.append(&mut line(n), Durability::PageCache),
            Appended::InPageCache
        );
    }
    let first = queue.drain(10_000, BATCH_BYTES).unwrap();
    queue.confirm(first.token());
    let second = queue.drain(10_000, BATCH_BYTES).unwrap();
    queue.confirm(second.token());
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    println!("\nopened {opened}\npeak {}", peak * 1024);
    assert!(first.len() > 2000 && second.len() > 2000);
}

#[test]
fn a_full_queue_needs_no_more_memory_than_an_empty_one() {
    let (empty, full) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let queue = open(full.path());
    while queue.pending().bytes < stored_bytes() {
        for n in 0..1000 {
            let _ = queue.append(&mut line(n), Durability::PageCache);
        }
    }
    drop(queue);
    let (of_empty, of_full) = (needed(empty.path()), needed(full.path()));
    println!(
        "{} MiB: {of_full:?}, empty: {of_empty:?}",
        stored_bytes() >> 20
    );
    let more = of_full.peak_bytes.saturating_sub(of_empty.peak_bytes);
    let allowed = (4 << 20) + 2 * BATCH_BYTES as u64;
    assert!(more <= allowed, "{more} bytes more than for an empty queue");
    // The figure is 10 ms; on a machine that does other things too, reading it through takes far longer than this.
    assert!(
        of_full.opened_in < Duration::from_millis(100),
        "{of_full:?}"
    );
}
