//! Durable on a real disk: the record's file, its name in the queue's directory, that directory's name in the root,
//! and each new name above. Seen from the system calls: on most file systems a missing one shows after years.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Command, Stdio};

use tracing_courier::queue::{Appended, DiskQueue, Durability, Line};

mod child;

#[test]
fn before_durable_is_said_the_file_and_every_new_name_above_it_are_synced() {
    if let Some((_, dir)) = child::case() {
        return append_durably(&dir);
    }
    let may_trace = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .stderr(Stdio::null())
        .status();
    if !may_trace.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no strace to be had here");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let above = dir.path().canonicalize().unwrap();
    let log = above.join("calls");
    let program = child::command(
        "before_durable_is_said_the_file_and_every_new_name_above_it_are_synced",
        "durable",
        &above,
    );
    let ran = Command::new("strace")
        .args(["-f", "-y", "-e", "trace=fsync,fdatasync,write", "-o"])
        .arg(&log)
        .arg(program.get_program())
        .args(program.get_args())
        .envs(
            program
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let calls = std::fs::read_to_string(&log).unwrap();
    let (before, _) = calls.split_once("it is durable").expect("it was said");
    let synced = |path: &Path| {
        let path = format!("<{}>)", path.display());
        before
            .lines()
            .any(|line| line.contains("sync(") && line.contains(&path))
    };
    let root = above.join("new/queues");
    let queue = std::fs::read_dir(&root).unwrap().next().unwrap().unwrap();
    let segment = std::fs::read_dir(queue.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .unwrap();
    for path in [&segment, &queue.path(), &root, &above.join("new"), &above] {
        assert!(synced(path), "{} in {before}", path.display());
    }
}

fn append_durably(dir: &Path) {
    let queue = DiskQueue::open(dir.join("new/queues")).unwrap();
    let mut line = Line::new();
    line.body().extend_from_slice(b"\"n\":1}");
    assert_eq!(
        queue.append(&mut line, Durability::Durable),
        Appended::Durable
    );
    println!("it is durable");
}
