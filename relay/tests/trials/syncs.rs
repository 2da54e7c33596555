//! Acknowledged means synced: seen from the system calls. Where there is no strace, it is skipped, and says so.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::relay::{command, token};

/// A relay under strace.
struct Traced {
    child: Child,
    addr: String,
    token: String,
}

impl Traced {
    /// `None` where processes can't be traced.
    fn start(dir: &Path, log: &Path) -> Option<Self> {
        let may_trace = Command::new("strace")
            .args(["-o", "/dev/null", "true"])
            .stderr(Stdio::null())
            .status();
        if !may_trace.is_ok_and(|status| status.success()) {
            println!("skipped: no strace to be had here");
            return None;
        }
        let relay = command();
        let mut child = Command::new("strace")
            .args([
                "-f",
                "-s",
                "16",
                "-e",
                "trace=fsync,fdatasync,recvfrom,sendto,read,write,writev",
                "-o",
            ])
            .arg(log)
            .arg(relay.get_program())
            .args([
                "--listen",
                "127.0.0.1:0",
                "--admin-listen",
                "127.0.0.1:0",
                // It syncs what it commits, behind the answers.
                "--index",
                "off",
                "--data-dir",
            ])
            .arg(dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut line = Vec::new();
        let stdout = child.stdout.as_mut().expect("it is piped");
        let mut byte = [0];
        while stdout.read_exact(&mut byte).is_ok() && byte != [b'\n'] {
            line.push(byte[0]);
        }
        let line = String::from_utf8(line).expect("text");
        let addr = line.split(' ').nth(2).expect("an address").to_owned();
        let token = token(dir, "user-abc");
        Some(Self { child, addr, token })
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.addr).expect("it listens");
        stream.set_nodelay(true).expect("it is set");
        stream
    }

    fn post(&self, stream: &mut TcpStream, n: usize) {
        let body = format!(
            "[{{\"timestamp\":\"2026-02-06T12:00:00Z\",\"level\":\"info\",\"message\":\"{n}\"}}]"
        );
        let request = format!(
            "POST /api/v1/logs HTTP/1.1\r\nhost: relay\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("it is sent");
        let mut answer = [0; 4096];
        let bytes = stream.read(&mut answer).expect("an answer");
        assert!(
            answer[..bytes].starts_with(b"HTTP/1.1 200"),
            "{}",
            String::from_utf8_lossy(&answer[..bytes])
        );
    }

    fn end(mut self) {
        // strace hands it on.
        let pid = self.child.id().to_string();
        let pid = Command::new("pgrep")
            .args(["-P", &pid])
            .output()
            .expect("pgrep runs");
        let pid = String::from_utf8(pid.stdout).expect("text");
        let killed = Command::new("kill").args(["-TERM", pid.trim()]).status();
        assert!(killed.expect("kill runs").success());
        self.child.wait().expect("it is gone");
    }
}

/// What the relay did, in order.
#[derive(Debug, PartialEq)]
enum Step {
    Received(String),
    SyncBegun(String),
    SyncEnded(String),
    Answered(String),
}

fn steps(log: &Path) -> Vec<Step> {
    let text = String::from_utf8_lossy(&std::fs::read(log).expect("strace wrote it")).into_owned();
    let mut steps = Vec::new();
    // Which descriptor a thread waits to read from.
    let mut reading = HashMap::new();
    for line in text.lines() {
        let (thread, call) = line.split_once(' ').unwrap_or((line, ""));
        let (thread, call) = (thread.to_owned(), call.trim_start());
        if call.starts_with("recvfrom(") || call.starts_with("read(") {
            let fd = call.split(['(', ',']).nth(1).unwrap_or_default();
            reading.insert(thread.clone(), fd.to_owned());
        }
        let fd = || call.split(['(', ',']).nth(1).unwrap_or_default().to_owned();
        if call.starts_with("fsync(") || call.starts_with("fdatasync(") {
            steps.push(Step::SyncBegun(thread.clone()));
            if !call.contains("unfinished") {
                steps.push(Step::SyncEnded(thread));
            }
        } else if call.contains("fsync resumed") || call.contains("fdatasync resumed") {
            steps.push(Step::SyncEnded(thread));
        } else if call.contains("\"POST /api") {
            steps.push(Step::Received(
                reading.get(&thread).cloned().unwrap_or_default(),
            ));
        } else if call.contains("\"HTTP/1.1 200") {
            steps.push(Step::Answered(fd()));
        }
    }
    steps
}

/// How many answers there are, each behind a sync that began after its request had come.
fn answered_after_a_sync(steps: &[Step]) -> usize {
    let mut answered = 0;
    for (at, step) in steps.iter().enumerate() {
        let Step::Answered(fd) = step else { continue };
        let before = &steps[..at];
        let Some(came) = before
            .iter()
            .rposition(|step| *step == Step::Received(fd.clone()))
        else {
            // The admin listener's.
            continue;
        };
        let between = &before[came..];
        let is_synced = between.iter().enumerate().any(|(begun, step)| {
            let Step::SyncBegun(thread) = step else {
                return false;
            };
            between[begun..].contains(&Step::SyncEnded(thread.clone()))
        });
        assert!(
            is_synced,
            "answer on {fd} before a sync of its own: {between:?}"
        );
        answered += 1;
    }
    answered
}

fn syncs(steps: &[Step]) -> usize {
    steps
        .iter()
        .filter(|step| matches!(step, Step::SyncEnded(_)))
        .count()
}

#[test]
fn fifty_posts_one_after_another_are_fifty_syncs_and_fifty_at_once_far_fewer() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = dir.path().join("strace");
    let Some(relay) = Traced::start(&dir.path().join("one"), &log) else {
        return;
    };
    let mut stream = relay.connect();
    for n in 0..50 {
        relay.post(&mut stream, n);
    }
    let before_the_end = syncs(&steps(&log));
    relay.end();
    let one_by_one = steps(&log);
    assert!(before_the_end >= 50, "{before_the_end} syncs for 50 posts");
    assert_eq!(answered_after_a_sync(&one_by_one), 50);

    let Some(relay) = Traced::start(&dir.path().join("two"), &log) else {
        return;
    };
    let before = syncs(&steps(&log));
    let barrier = std::sync::Barrier::new(50);
    thread::scope(|scope| {
        for n in 0..50 {
            let (relay, barrier) = (&relay, &barrier);
            scope.spawn(move || {
                let mut stream = relay.connect();
                barrier.wait();
                relay.post(&mut stream, n);
            });
        }
    });
    let at_once = syncs(&steps(&log)) - before;
    relay.end();
    assert_eq!(answered_after_a_sync(&steps(&log)), 50);
    assert!(at_once <= 25, "{at_once} syncs for 50 posts at once");
    println!("{before_the_end} syncs for 50 posts one after another, {at_once} for 50 at once");
}
