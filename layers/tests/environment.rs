//! The program's environment: where it goes, what its disk is like, who uses its directory. Each program is a process
//! of its own.
#![cfg(unix)]

mod child;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use child::{all_records, records};
use serde_json::Value;
use tracing_courier::prelude::*;
use tracing_courier::send::{Answer, Connection, Request, Transport};
use tracing_courier::{CourierBuilder, Guard};
use tracing_subscriber::prelude::*;

const TEST: &str = "a_program_of_the_other_tests";

/// Enough for several segments.
const RECORDS: u64 = 3000;

fn builder(dir: impl Into<PathBuf>) -> CourierBuilder {
    Courier::builder("field", "1.2.3")
        .dir(dir)
        .without_panic_hook()
}

fn log(courier: &Courier, numbers: std::ops::Range<u64>) {
    let stack = tracing_subscriber::registry()
        .with(courier.layer())
        .sanitized(courier.sanitizer());
    let _default = tracing::dispatcher::set_default(&stack.into());
    for n in numbers {
        tracing::info!(n, "record");
    }
}

/// What the other tests start: not a test of its own.
#[test]
fn a_program_of_the_other_tests() {
    let Some((case, dir)) = child::case() else {
        return;
    };
    match case.as_str() {
        "moves away" => {
            std::env::set_current_dir(&dir).unwrap();
            let courier = builder("state").local_log("logs").start().unwrap();
            std::env::set_current_dir(dir.join("elsewhere")).unwrap();
            log(&courier, 0..RECORDS);
        }
        "has no directory" => {
            let courier = builder(dir.join("file").join("state")).start().unwrap();
            log(&courier, 0..10);
            println!("\nstate {:?}", courier.status().connection);
        }
        "ends on a disk below its floor" => {
            let courier = builder(&dir).keep_free(u64::MAX).start().unwrap();
            tracing_subscriber::registry()
                .with(courier.layer())
                .sanitized(courier.sanitizer())
                .init();
            for n in 0..10 {
                tracing::info!(n, "record");
            }
        }
        "finishes, then exits" => {
            let courier = builder(&dir).start().unwrap();
            log(&courier, 0..1);
            courier.finish();
            std::process::exit(0);
        }
        "finishes twice" => {
            let courier = builder(&dir).start().unwrap();
            courier.finish();
        }
        "keeps a handle for ever" => {
            let courier = builder(&dir).start().unwrap();
            std::mem::forget(Courier::clone(&courier));
        }
        "panics somewhere, then ends" => {
            let courier = builder(&dir).start().unwrap();
            let _ = std::thread::spawn(|| panic!("on purpose")).join();
            drop(courier);
        }
        "starts twice" => {
            let first = builder(&dir).start().unwrap();
            let second = builder(&dir).start().unwrap();
            drop(first);
            drop(builder(&dir).start().unwrap());
            drop(second);
        }
        "is asked to end" => {
            let courier = builder(&dir).start().unwrap();
            courier.finish_on_signals().unwrap();
            let term = std::process::Command::new("kill")
                .arg(std::process::id().to_string())
                .status();
            assert!(term.unwrap().success());
            std::thread::sleep(Duration::from_secs(20));
        }
        _ => unreachable!("{case}"),
    }
}

/// Runs a case to its end; what it said on stderr.
fn run(case: &str, dir: &Path) -> (String, String) {
    let output = child::command(TEST, case, dir).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

fn numbers(root: &Path) -> Vec<u64> {
    let records = all_records(root).into_iter();
    records
        .filter_map(|record| record["attributes"]["n"].as_u64())
        .collect()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn a_relative_directory_is_where_it_was_when_the_program_has_gone_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("elsewhere")).unwrap();
    run("moves away", dir.path());
    let root = dir.path().join("state");
    assert!(numbers(&root).into_iter().eq(0..RECORDS));
    assert_eq!(names(&dir.path().join("elsewhere")), [""; 0]);
    let logs = dir.path().join("logs");
    let log = fs::read_to_string(logs.join(&names(&logs)[0])).unwrap();
    assert_eq!(log.lines().count() as u64, RECORDS);
    assert_no_death(&root);
}

#[test]
fn a_clean_end_is_a_clean_end() {
    for case in [
        "finishes, then exits",
        "finishes twice",
        "keeps a handle for ever",
        "panics somewhere, then ends",
        "starts twice",
        "is asked to end",
    ] {
        let dir = tempfile::tempdir().unwrap();
        run(case, dir.path());
        let starts = records(dir.path(), "session_start").len();
        assert!(starts > 0, "{case}");
        assert_eq!(records(dir.path(), "session_end").len(), starts, "{case}");
        assert_no_death(dir.path());
    }
}

#[test]
fn of_two_programs_in_a_root_that_end_cleanly_neither_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let first = builder(dir.path()).start().unwrap();
    let second = builder(dir.path()).start().unwrap();
    log(&first, 0..10);
    log(&second, 10..20);
    drop(first);
    // Brings the first one's records home.
    second.queue().adopt();
    while let Some(batch) = second.queue().drain(100, 900_000) {
        second.queue().confirm(batch.token());
    }
    let third = builder(dir.path()).start().unwrap();
    drop((second, third));
    assert_no_death(dir.path());
}

/// The next start finds nobody who died.
fn assert_no_death(root: &Path) {
    drop(builder(root).start().unwrap());
    assert_eq!(records(root, "session_unclean_exit"), [] as [Value; 0]);
    let marks = names(root)
        .into_iter()
        .filter(|name| name.starts_with("session-"));
    assert_eq!(marks.count(), 0);
}

#[test]
fn without_a_directory_the_program_runs_says_so_once_and_a_strict_start_refuses() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "in its way").unwrap();
    let (stdout, stderr) = run("has no directory", dir.path());
    let lines: Vec<&str> = stderr
        .lines()
        .filter(|line| line.starts_with("tracing-courier: "))
        .collect();
    assert_eq!(lines.len(), 2, "{stderr}");
    let end = "12 records are in memory alone and end with this process: ";
    assert!(lines[1].contains(end), "{stderr}");
    for part in [
        "file/state",
        "file` is not a directory",
        "records wait in memory (256 KiB)",
    ] {
        assert!(lines[0].contains(part), "{part}: {stderr}");
    }
    assert!(stdout.contains("state Degraded"), "{stdout}");

    let unusable = dir.path().join("file").join("state");
    let error = builder(&unusable).try_start().unwrap_err().to_string();
    assert!(error.contains("file/state"), "{error}");
    let mistaken = || builder(&unusable).max_bytes(1);
    assert!(mistaken().start().is_err() && mistaken().try_start().is_err());
    assert!(builder(&unusable).levels("loud").start().is_err());
}

#[test]
fn once_the_directory_can_be_used_what_waited_is_there_with_install_id_and_mark() {
    for id_is_known in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let way = dir.path().join("way");
        fs::write(&way, "").unwrap();
        let root = way.join("state");
        let courier = builder(&root).start().unwrap();
        let early = courier.session().install_id;
        log(&courier, 0..10);
        assert_eq!(courier.queue().pending().records, 11);

        fs::remove_file(&way).unwrap();
        let known = "7d0f4c0e-7a3c-4a52-9e0e-0123456789ab";
        if id_is_known {
            fs::create_dir_all(&root).unwrap();
            fs::write(root.join("install-id"), known).unwrap();
        }
        await_home(&courier);
        log(&courier, 10..20);
        let install_id = courier.session().install_id.to_string();
        let kept = fs::read_to_string(root.join("install-id")).unwrap();
        assert_eq!(install_id, kept.trim());
        assert_eq!(id_is_known, install_id == known);
        assert_eq!(id_is_known, install_id != early.to_string());
        let marks = |root: &Path| {
            names(root)
                .iter()
                .filter(|n| n.starts_with("session-"))
                .count()
        };
        assert_eq!(marks(&root), 1);
        drop(courier);
        assert_eq!(marks(&root), 0);
        assert!(numbers(&root).into_iter().eq(0..20));
        let ids: Vec<Value> = all_records(&root)
            .into_iter()
            .filter(|record| record["message"] == "record")
            .map(|record| record["context"]["installId"].clone())
            .collect();
        assert_eq!(ids[0], early.to_string());
        assert_eq!(ids[19], install_id);
    }
}

fn await_home(courier: &Guard<Courier>) {
    let start = Instant::now();
    while matches!(courier.status().connection, Connection::Degraded { .. }) {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{:?}",
            courier.status()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    // The callback comes after the records.
    while !courier.queue().root().join("install-id").exists() {
        assert!(start.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(200));
}

/// Takes everything.
#[derive(Clone, Default)]
struct Takes(std::sync::Arc<std::sync::Mutex<Vec<u64>>>);

impl Transport for Takes {
    fn post(&mut self, request: &Request<'_>) -> Answer {
        let body: Value = serde_json::from_slice(request.body).unwrap();
        let logs = body["logs"].as_array().unwrap();
        let numbers = logs
            .iter()
            .filter_map(|log| log["attributes"]["n"].as_u64());
        self.0.lock().unwrap().extend(numbers);
        let receipt = format!(
            r#"{{"accepted":{},"duplicates":0,"rejected":[]}}"#,
            logs.len()
        );
        Answer::new(200, receipt.into_bytes())
    }

    fn endpoint(&self) -> &str {
        "takes"
    }
}

#[test]
fn records_are_delivered_without_a_directory_too_and_none_comes_twice() {
    let dir = tempfile::tempdir().unwrap();
    let way = dir.path().join("way");
    fs::write(&way, "").unwrap();
    let taken = Takes::default();
    let courier = builder(way.join("state"))
        .transport(taken.clone())
        .start()
        .unwrap();
    log(&courier, 0..10);
    let report = courier.flush(Duration::from_secs(20));
    assert_eq!((report.delivered, report.pending), (11, 0));
    log(&courier, 10..20);
    fs::remove_file(&way).unwrap();
    await_home(&courier);
    log(&courier, 20..30);
    let report = courier.flush(Duration::from_secs(20));
    assert_eq!((report.pending, report.rejected), (0, 0));
    assert!(report.lost_by_reason.is_empty(), "{report:?}");
    drop(courier);
    assert!(taken.0.lock().unwrap().iter().copied().eq(0..30));
}

#[test]
fn what_waits_in_memory_is_written_at_the_end_though_the_subscriber_lives_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let (_, stderr) = run("ends on a disk below its floor", dir.path());
    let start = "records wait in memory (256 KiB) until it can be used";
    assert_eq!(stderr.matches(start).count(), 1, "{stderr}");
    assert!(stderr.contains("tracing-courier: disk full: "), "{stderr}");
    assert!(!stderr.contains("in memory alone"), "{stderr}");
    assert!(numbers(dir.path()).into_iter().eq(0..10));
    assert_eq!(records(dir.path(), "session_end").len(), 1);
}

#[test]
fn a_floor_that_the_disk_does_not_reach_is_a_full_disk() {
    let dir = tempfile::tempdir().unwrap();
    let courier = builder(dir.path()).keep_free(u64::MAX).start().unwrap();
    log(&courier, 0..10);
    let Connection::Degraded { reason } = courier.status().connection else {
        panic!("{:?}", courier.status());
    };
    assert!(reason.starts_with("disk full: "), "{reason}");
    assert_eq!(courier.queue().pending().records, 11);
    // The end of a program is worth the room.
    drop(courier);
    assert!(numbers(dir.path()).into_iter().eq(0..10));
}
