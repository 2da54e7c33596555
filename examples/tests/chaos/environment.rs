//! The program's environment is against it: it goes elsewhere, has a proxy that answers nobody, a disk that is full,
//! read-only or gone, a clock that is set in mid-run, a portal in its way. Each run's report is printed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::process::{Ended, Process, poll};
use crate::relay::Relay;
use crate::upstream::{self, Upstream};
use crate::wire_server::{Act, Server};
use crate::{built, program, stored};

/// Enough for several segments.
const RECORDS: u64 = 3_000;

#[test]
fn a_relative_directory_and_a_dead_proxy_cost_nothing_when_the_program_goes_elsewhere() {
    let dir = tempfile::tempdir().expect("a directory");
    let upstream = Upstream::start();
    let mut relay = Relay::start(&dir.path().join("relay"), &upstream.receiver().url());
    let elsewhere = dir.path().join("elsewhere");
    fs::create_dir(&elsewhere).expect("a directory");
    let (url, token, records) = (relay.url(), relay.token("user-abc"), RECORDS.to_string());
    let nobody = "http://127.0.0.1:9";
    let proxies =
        ["http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"].map(|name| (name, nobody));
    let mut command = Command::new(built::field_app());
    command
        .current_dir(dir.path())
        .args(["--dir", "state", "--records", &records])
        .args(["--relay", &url, "--token", &token])
        .arg("--chdir")
        .arg(&elsewhere);
    let ended = Process::start_with(&mut command, &proxies).wait();
    report("a relative directory, chdir, and a dead proxy", &ended);
    program::assert_delivered(&ended);
    relay.terminate();
    let arrived: BTreeSet<u64> = upstream.numbered().into_iter().map(|(_, n)| n).collect();
    assert!(arrived.into_iter().eq(0..RECORDS));
    assert_eq!(fs::read_dir(&elsewhere).expect("it is there").count(), 0);
    assert_no_death(&dir.path().join("state"));
}

#[test]
fn a_disk_that_is_full_for_a_while_costs_nothing() {
    let Some(disk) = Disk::mount("size=2m") else {
        return;
    };
    let root = disk.path().join("state");
    let args = ["--records", "600", "--rate", "300", "--print-acked"];
    let running = program::start(&root, &args);
    running.wait_for_lines(100);
    // As much as fits, down to the last block.
    let filler = disk.path().join("filler");
    let _ = fs::write(&filler, vec![0; 4 << 20]);
    running.wait_for_lines(400);
    fs::remove_file(&filler).expect("it is there");
    let ended = running.wait();
    report("a disk that is full for a second", &ended);
    assert_eq!(program::report(&ended)["lost_by_reason"], json!({}));
    assert!(numbers(&root).into_iter().eq(0..600));
    assert_no_death(&root);
}

#[test]
fn a_disk_that_is_full_for_good_costs_the_oldest_and_the_program_goes_on_from_memory() {
    let Some(disk) = Disk::mount("size=1m") else {
        return;
    };
    let root = disk.path().join("state");
    let _ = fs::write(disk.path().join("filler"), vec![0; 2 << 20]);
    let server = Server::start(vec![]);
    let args = [
        "--records",
        "300",
        "--relay",
        &server.url(),
        "--token",
        "t-1",
    ];
    let ended = program::start(&root, &args).wait();
    report("a disk that was full before the start", &ended);
    program::assert_delivered(&ended);
    let arrived: Vec<u64> = server
        .seen()
        .iter()
        .flat_map(crate::wire_server::Seen::numbers)
        .collect();
    assert!(arrived.into_iter().eq(0..300));
}

#[test]
fn a_read_only_disk_is_waited_for_and_a_strict_start_refuses_it() {
    let Some(disk) = Disk::mount("size=4m,ro") else {
        return;
    };
    let root = disk.path().join("state");
    let strict = program::start(&root, &["--strict"]).wait();
    assert_eq!(strict.code, Some(1), "{:?}", strict.stderr);
    let args = ["--records", "400", "--rate", "100", "--print-acked"];
    let running = program::start(&root, &args);
    running.wait_for_lines(50);
    assert!(!root.exists());
    disk.remount("rw");
    let ended = running.wait();
    report("a disk that is read-only for half a second", &ended);
    let said = "records wait in memory (256 KiB) until it can be used";
    let lines = ended.stderr.iter().filter(|line| line.contains(said));
    assert_eq!(lines.count(), 1, "{:?}", ended.stderr);
    assert!(numbers(&root).into_iter().eq(0..400));
    assert_no_death(&root);

    // One that stays read-only is no reason not to send.
    let Some(disk) = Disk::mount("size=4m,ro") else {
        return;
    };
    let server = Server::start(vec![]);
    let args = [
        "--records",
        "400",
        "--relay",
        &server.url(),
        "--token",
        "t-1",
    ];
    let ended = program::start(&disk.path().join("state"), &args).wait();
    report("a disk that stays read-only", &ended);
    program::assert_delivered(&ended);
}

#[test]
fn a_directory_that_vanishes_costs_what_was_in_it_and_that_is_said() {
    let dir = tempfile::tempdir().expect("a directory");
    let root = dir.path().join("state");
    let args = ["--records", "400", "--rate", "100", "--print-acked"];
    let running = program::start(&root, &args);
    running.wait_for_lines(100);
    fs::remove_dir_all(&root).expect("it is there");
    let ended = running.wait();
    report("a directory that was removed", &ended);
    let left = numbers(&root);
    assert!(left.len() >= 100, "{} are left", left.len());
    let lost = program::report(&ended)["lost_by_reason"]["disk"].as_u64();
    // The start of the session was in it too.
    assert_eq!(left.len() as u64 + lost.expect("a count"), 401);
    assert_eq!(left.last(), Some(&399));
}

#[test]
fn a_portal_that_redirects_for_a_while_costs_a_wait() {
    let login = || Act::Redirect(302, "http://127.0.0.1:9/login".to_owned());
    let server = Server::start(vec![
        login(),
        Act::Page(403),
        Act::Page(200),
        Act::Page(511),
    ]);
    let dir = tempfile::tempdir().expect("a directory");
    let (url, root) = (server.url(), dir.path().join("state"));
    let args = [
        "--records",
        "250",
        "--relay",
        &url,
        "--token",
        "t-1",
        "--flush-deadline",
        "60s",
    ];
    let ended = program::start(&root, &args).wait();
    report("a portal for four requests", &ended);
    program::assert_delivered(&ended);
    let taken = server
        .seen()
        .into_iter()
        .filter(|seen| matches!(seen.act, Act::Receipt));
    let arrived: Vec<u64> = taken.flat_map(|seen| seen.numbers()).collect();
    assert!(arrived.into_iter().eq(0..250));
}

#[test]
fn what_was_logged_before_the_clock_was_set_arrives_with_its_time_also_after_a_kill() {
    for is_killed in [false, true] {
        let dir = tempfile::tempdir().expect("a directory");
        let upstream = Upstream::start();
        let mut relay = Relay::start(&dir.path().join("relay"), &upstream.receiver().url());
        let (url, token) = (relay.url(), relay.token("user-abc"));
        let root = dir.path().join("state");
        let to_relay = ["--relay", &url, "--token", &token];
        let began = nanos();
        if is_killed {
            let args = [
                "--records",
                "1000",
                "--rate",
                "100",
                "--print-acked",
                "--set-clock-at",
                "999",
            ];
            let running = program::start(&root, &args);
            running.wait_for_lines(60);
            running.kill();
            let ended =
                program::start(&root, &[&["--records", "0"], &to_relay[..]].concat()).wait();
            report("killed before the clock was set", &ended);
            program::assert_delivered(&ended);
        } else {
            let args = ["--records", "60", "--rate", "60", "--set-clock-at", "29"];
            let ended = program::start(&root, &[&args[..], &to_relay].concat()).wait();
            report("a clock that is set in mid-run", &ended);
            program::assert_delivered(&ended);
        }
        let ended = nanos();
        relay.terminate();
        upstream.wait_for(60);
        let (mut numbers, mut corrected) = (BTreeSet::new(), 0);
        for request in upstream.receiver().requests() {
            for record in upstream::records(&request) {
                let Some(n) = upstream::attribute(record, "n") else {
                    continue;
                };
                numbers.insert(format!("{n:?}"));
                let time = u128::from(record.time_unix_nano);
                let window = began - 2_000_000_000..ended + 2_000_000_000;
                assert!(window.contains(&time), "{n:?}: {time} is not in {window:?}");
                if let Some(said) = upstream::text(record, "client.timestamp") {
                    assert!(said.starts_with("1970-01-01T00:00:"), "{said}");
                    corrected += 1;
                }
            }
        }
        println!("{} records, {corrected} of them of 1970", numbers.len());
        assert!(numbers.len() >= 60);
        assert_eq!(corrected, if is_killed { numbers.len() } else { 30 });
    }
}

fn nanos() -> u128 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("it is later").as_nanos()
}

fn report(title: &str, ended: &Ended) {
    println!(
        "--- {title}\n{}",
        ended.stdout.last().map_or("nothing", String::as_str)
    );
}

fn numbers(root: &Path) -> Vec<u64> {
    stored::cat(root)
        .iter()
        .filter_map(stored::Stored::n)
        .collect()
}

/// The next start finds nobody who died.
fn assert_no_death(root: &Path) {
    program::start(root, &["--records", "0"]).wait();
    let records = stored::cat(root);
    let dead = records
        .iter()
        .filter(|record| record.message == "session_unclean_exit");
    assert_eq!(dead.count(), 0);
}

/// A file system of its own, unmounted when it is dropped.
struct Disk(tempfile::TempDir);

impl Disk {
    /// Nothing where this machine does not let us; that is said.
    fn mount(options: &str) -> Option<Self> {
        let dir = tempfile::tempdir().expect("a directory");
        let args = ["-t", "tmpfs", "-o", options, "trial"];
        if !mount(&args, dir.path()) {
            println!("skipped: this machine does not let us mount a tmpfs");
            return None;
        }
        Some(Self(dir))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn remount(&self, how: &str) {
        assert!(mount(&["-o", &format!("remount,{how}")], self.path()));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmount = || {
            let run = Command::new("umount")
                .arg(self.path())
                .stderr(Stdio::null())
                .status();
            run.is_ok_and(|status| status.success()).then_some(())
        };
        // Whoever used it is gone in a moment.
        poll("the disk to be free", || {
            unmount().or_else(|| {
                std::thread::sleep(Duration::from_millis(20));
                None
            })
        });
    }
}

fn mount(args: &[&str], at: &Path) -> bool {
    let run = Command::new("mount")
        .args(args)
        .arg(at)
        .stderr(Stdio::null())
        .status();
    run.is_ok_and(|status| status.success())
}
