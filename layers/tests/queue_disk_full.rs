//! Real disks that refuse: a tmpfs of 256 KiB, a file size limit, a directory that its owner may no longer write to.
//!
//! What the machine does not permit is skipped, and says so.

#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tracing_courier::queue::{Appended, DiskQueue, Durability, Health, Line, inspect};

fn line(n: u64) -> Line {
    let mut line = Line::new();
    let padding = "x".repeat(200);
    line.body().extend_from_slice(
        format!("\"timestamp\":\"t\",\"n\":{n},\"pad\":\"{padding}\"}}").as_bytes(),
    );
    line
}

/// Appends `count` records, drains all that is left, and checks that every number arrived or is said to be lost.
fn live_and_account(queue: &DiskQueue, count: u64) -> u64 {
    for n in 0..count {
        let durability = if n % 100 == 99 {
            Durability::Durable
        } else {
            Durability::PageCache
        };
        let _ = queue.append(&mut line(n), durability);
    }
    let (mut arrived, mut said) = (BTreeSet::new(), 0);
    for last in [count, count + 1] {
        while let Some(batch) = queue.drain(100, 100_000) {
            for index in 0..batch.len() {
                let json: Value = serde_json::from_slice(batch.record(index)).unwrap();
                match json["n"].as_u64() {
                    Some(n) => assert!(arrived.insert(n), "{n} twice"),
                    None => said += json["attributes"]["loss.count"].as_u64().unwrap(),
                }
            }
            queue.confirm(batch.token());
        }
        // Brings out what is still owed.
        let _ = queue.append(&mut line(last), Durability::Durable);
    }
    let missing = (0..count).filter(|n| !arrived.contains(n)).count() as u64;
    let counted: u64 = queue.losses().by_reason().values().sum();
    assert_eq!(said, counted, "what is counted is what was said");
    assert!(missing <= said, "{missing} missing, {said} said");
    arrived.len() as u64
}

#[test]
fn a_tmpfs_of_256_kib_costs_the_oldest_and_every_one_is_counted() {
    let mount = tempfile::tempdir().unwrap();
    let on = |program: &str, arguments: &[&str]| {
        let run = Command::new(program)
            .args(arguments)
            .arg(mount.path())
            .stderr(Stdio::null())
            .status();
        run.is_ok_and(|status| status.success())
    };
    if !on("mount", &["-t", "tmpfs", "-o", "size=256k", "tmpfs"]) {
        eprintln!("skipped: this machine does not let us mount a tmpfs");
        return;
    }
    let queue = DiskQueue::open(mount.path().join("queues")).unwrap();
    let arrived = live_and_account(&queue, 5000);
    let health = queue.health();
    drop(queue);
    assert!(on("umount", &["--lazy"]));
    assert!(arrived > 300, "{arrived} of about 800 that fit");
    assert_eq!(health, Health::Healthy);
}

fn child(name: &str, root: &Path, before: &str, uid: Option<u32>) -> Output {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            &format!("{before} exec \"$0\" --exact {name} --nocapture --include-ignored"),
        ])
        .arg(program)
        .env("COURIER_CHILD_ROOT", root)
        .current_dir("/");
    if let Some(uid) = uid {
        command.uid(uid).gid(uid);
    }
    command.output().unwrap()
}

fn assert_ran(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    assert!(
        text.contains("done"),
        "the child did nothing: {text}{errors}"
    );
}

#[test]
fn a_file_size_limit_stops_nothing() {
    let root = tempfile::tempdir().unwrap();
    // Blocks of 512 bytes in POSIX shells: 16 KiB, less than one segment. SIGXFSZ would kill otherwise.
    assert_ran(&child(
        "child_under_a_file_size_limit",
        root.path(),
        "trap '' XFSZ; ulimit -f 32;",
        None,
    ));
}

#[test]
#[ignore = "a child of the other tests"]
fn child_under_a_file_size_limit() {
    let Some(root) = std::env::var_os("COURIER_CHILD_ROOT") else {
        return;
    };
    let queue = DiskQueue::open(&root).unwrap();
    live_and_account(&queue, 2000);
    println!("done");
}

#[test]
fn a_directory_that_may_no_longer_be_written_to_stops_nothing() {
    const NOBODY: u32 = 65534;
    let root = tempfile::tempdir().unwrap();
    let is_root = fs::metadata(root.path()).unwrap().uid() == 0;
    let uid = is_root.then_some(NOBODY);
    if is_root {
        chown(root.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let output = child("child_whose_permissions_are_taken", root.path(), "", uid);
    if output.status.code() == Some(126) {
        eprintln!("skipped: nobody may not run the test binary here");
        return;
    }
    assert_ran(&output);
}

#[test]
#[ignore = "a child of the other tests"]
fn child_whose_permissions_are_taken() {
    let Some(root) = std::env::var_os("COURIER_CHILD_ROOT") else {
        return;
    };
    let builder = DiskQueue::builder(&root).max_bytes(64 * 1024);
    let queue = builder.open().unwrap();
    let dir = fs::read_dir(&root).unwrap().next().unwrap().unwrap().path();
    for n in 0..10 {
        assert_eq!(
            queue.append(&mut line(n), Durability::PageCache),
            Appended::InPageCache
        );
    }
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o500)).unwrap();
    let appended: Vec<_> = (10..200)
        .map(|n| queue.append(&mut line(n), Durability::Durable))
        .collect();
    assert_eq!(
        appended.last(),
        Some(&Appended::InMemory),
        "no new segment can be made"
    );
    assert!(matches!(queue.health(), Health::Degraded(_)));
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
    queue.sync().unwrap();
    assert_eq!(queue.health(), Health::Healthy);
    live_and_account(&queue, 0);
    println!("done");
}

#[test]
fn what_du_says_never_passes_the_cap() {
    let root = tempfile::tempdir().unwrap();
    let cap = 512 * 1024;
    let queue = DiskQueue::builder(root.path())
        .max_bytes(cap)
        .open()
        .unwrap();
    let dir = inspect::queues(root.path()).unwrap()[0].dir().to_owned();
    let mut most = 0;
    for n in 0..20_000 {
        let _ = queue.append(&mut line(n), Durability::PageCache);
        if n % 200 == 0 {
            let batch = queue.drain(5, 10_000).unwrap();
            queue.reject(&batch, &[(0, "no".to_owned()), (1, "no".to_owned())]);
            queue.confirm(batch.token());
        }
        if n % 50 == 0 {
            most = most.max(allocated(&dir));
        }
    }
    assert!(most <= cap, "{most} bytes in blocks");
    assert!(most > cap / 2, "{most} bytes: it never filled");
}

/// As `du` counts: blocks of 512 bytes.
fn allocated(dir: &Path) -> u64 {
    let files = fs::read_dir(dir)
        .unwrap()
        .filter_map(Result::ok)
        .map(|file| file.path());
    let all = files.chain([dir.to_owned()]);
    all.filter_map(|path| fs::metadata(path).ok())
        .map(|found| found.blocks() * 512)
        .sum()
}
