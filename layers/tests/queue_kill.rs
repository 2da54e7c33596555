//! Processes that are killed at any moment, that start at the same moment, and that share one root.
//!
//! The test binary starts itself again as the child: see [`child`]. 60 kills in CI; `COURIER_PROOF_ROUNDS=20` makes it
//! 1,200.

#![cfg(unix)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tracing_courier::queue::{Appended, Batch, DiskQueue, Durability, Line, QueueId, inspect};

/// What a killed child had said.
#[derive(Debug, Default)]
struct Said {
    acknowledged: BTreeSet<u64>,
    /// By queue and seq: a record that goes out twice goes out under one name.
    delivered: BTreeMap<(String, u64), u64>,
    /// By queue and seq, as the loss records have it.
    said_lost: BTreeSet<(String, u64)>,
    /// Names of the loss records themselves.
    notes: BTreeSet<(String, u64)>,
}

impl Said {
    fn hear(&mut self, line: &str) {
        let mut words = line.split(' ');
        match words.next() {
            Some("ack") => {
                self.acknowledged
                    .extend(words.next().and_then(|n| n.parse::<u64>().ok()));
            }
            Some("out") => {
                let queue = words.next().unwrap_or_default().to_owned();
                let numbers: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
                // The last line may be cut short by the kill.
                if let [seq, n, _end] = numbers[..] {
                    self.deliver(queue, seq, n);
                }
            }
            Some("lost") => {
                let queue = words.next().unwrap_or_default().to_owned();
                let numbers: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
                if let [first, last, _end] = numbers[..] {
                    self.lose(&queue, first, last);
                }
            }
            Some("note") => {
                let queue = words.next().unwrap_or_default().to_owned();
                let numbers: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
                if let [seq, _end] = numbers[..] {
                    self.notes.insert((queue, seq));
                }
            }
            _ => {}
        }
    }

    fn deliver(&mut self, queue: String, seq: u64, n: u64) {
        let before = self.delivered.insert((queue, seq), n);
        assert!(
            before.is_none_or(|before| before == n),
            "one name, two records"
        );
    }

    fn lose(&mut self, queue: &str, first: u64, last: u64) {
        self.said_lost
            .extend((first..=last).map(|seq| (queue.to_owned(), seq)));
    }

    fn take(&mut self, batch: &Batch) {
        for line in say(batch) {
            self.hear(&line);
        }
    }

    /// Names below the highest of their queue that neither came out nor were said to be lost: there are none, for
    /// the seqs are dense.
    fn in_silence(&self) -> Vec<(String, u64)> {
        let mut ends: BTreeMap<&str, u64> = BTreeMap::new();
        let known = || {
            self.delivered
                .keys()
                .chain(&self.said_lost)
                .chain(&self.notes)
        };
        for (queue, seq) in known() {
            let end = ends.entry(queue).or_default();
            *end = (*end).max(seq + 1);
        }
        let known: BTreeSet<_> = known().collect();
        let all = ends
            .iter()
            .flat_map(|(queue, end)| (0..*end).map(|seq| ((*queue).to_owned(), seq)));
        all.filter(|name| !known.contains(name)).collect()
    }

    fn missing(&self) -> Vec<u64> {
        let out: BTreeSet<u64> = self.delivered.values().copied().collect();
        self.acknowledged.difference(&out).copied().collect()
    }
}

fn line(n: u64) -> Line {
    let mut line = Line::new();
    let padding = "x".repeat((n % 13 * 60) as usize);
    line.body().extend_from_slice(
        format!("\"timestamp\":\"t\",\"n\":{n},\"pad\":\"{padding}\"}}").as_bytes(),
    );
    line
}

/// What a receiver of the batch would say: what came out, and what it says was lost.
fn say(batch: &Batch) -> Vec<String> {
    let say_one = |index| {
        let json: Value = serde_json::from_slice(batch.record(index)).unwrap();
        let lost = &json["attributes"];
        match &json["n"] {
            Value::Null => {
                let queue = lost["loss.queue"].as_str().unwrap();
                let said = format!(
                    "lost {queue} {} {} 0",
                    lost["loss.first_seq"], lost["loss.last_seq"]
                );
                let name = (batch.queue(), batch.seq(index).unwrap());
                vec![said, format!("note {} {} 0", name.0, name.1)]
            }
            n => vec![format!(
                "out {} {} {n} 0",
                batch.queue(),
                batch.seq(index).unwrap()
            )],
        }
    };
    (0..batch.len()).flat_map(say_one).collect()
}

fn rounds(usual: u64) -> u64 {
    let times = std::env::var("COURIER_PROOF_ROUNDS")
        .ok()
        .and_then(|times| times.parse::<u64>().ok());
    usual * times.unwrap_or(1)
}

fn start_child(root: &Path, first: u64, max_bytes: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--include-ignored"])
        .env("COURIER_CHILD_ROOT", root)
        .env("COURIER_CHILD_FIRST", first.to_string())
        .env("COURIER_CHILD_MAX_BYTES", max_bytes.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Appends for ever and says each number once its call has returned; delivers half of it, saying so before it confirms.
#[test]
#[ignore = "a child of the other tests"]
fn child() {
    let Some(root) = std::env::var_os("COURIER_CHILD_ROOT") else {
        return;
    };
    let number = |name: &str| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let builder = DiskQueue::builder(root).max_bytes(number("COURIER_CHILD_MAX_BYTES"));
    let queue = builder.open().unwrap();
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "\nready").unwrap();
    for n in number("COURIER_CHILD_FIRST").. {
        let durability = if n % 50 == 0 {
            Durability::Durable
        } else {
            Durability::PageCache
        };
        let appended = queue.append(&mut line(n), durability);
        if matches!(appended, Appended::InPageCache | Appended::Durable) {
            writeln!(stdout, "ack {n}").unwrap();
        }
        if n % 20 == 0
            && let Some(batch) = queue.drain(10, 100_000)
        {
            for line in say(&batch) {
                writeln!(stdout, "{line}").unwrap();
            }
            queue.confirm(batch.token());
        }
    }
}

/// Starts children on one root, kills each after a while, and returns all that they had said.
fn kill_children(root: &Path, rounds: u64, max_bytes: u64) -> Said {
    let mut said = Said::default();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..rounds {
        let mut child = start_child(root, round * 1_000_000, max_bytes);
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut text = String::new();
        while text != "ready\n" {
            text.clear();
            assert_ne!(
                output.read_line(&mut text).unwrap(),
                0,
                "the child did not start"
            );
        }
        // Its output is drained while it lives, so that it never waits for us.
        let listener =
            thread::spawn(move || output.lines().map_while(Result::ok).collect::<Vec<_>>());
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // Not a wait for something: the moment of death is what is drawn here.
        thread::sleep(Duration::from_micros(state % 20_000));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in listener.join().unwrap() {
            said.hear(&line);
        }
    }
    said
}

fn drain_all(root: &Path, said: &mut Said) {
    let queue = DiskQueue::open(root).unwrap();
    while let Some(batch) = queue.drain(1000, 1_000_000) {
        said.take(&batch);
        queue.confirm(batch.token());
    }
    assert_eq!(queue.losses().by_reason(), [].into());
}

#[test]
fn what_was_acknowledged_survives_the_kill() {
    let root = tempfile::tempdir().unwrap();
    // Every dead queue may stay, so that nothing is lost to the cap.
    let mut said = kill_children(root.path(), rounds(40), 1 << 30);
    assert!(
        said.acknowledged.len() as u64 > rounds(40),
        "children that did nothing prove nothing"
    );
    let seen = inspect::queues(root.path()).unwrap();
    let left: u64 = seen.iter().map(|queue| queue.verify().missing).sum();
    assert_eq!(left, 0);
    drain_all(root.path(), &mut said);
    assert_eq!(said.missing(), Vec::<u64>::new());
    assert!(said.said_lost.is_empty());
    assert_eq!(said.in_silence(), []);
}

#[test]
fn what_overflow_took_before_the_kill_was_said_before_it_went() {
    // On a slow machine the children die before they have written a queue full; then there are more of them.
    let said = [1, 4, 16].into_iter().find_map(|times| {
        let root = tempfile::tempdir().unwrap();
        let mut said = kill_children(root.path(), rounds(20) * times, 64 * 1024);
        drain_all(root.path(), &mut said);
        (!said.said_lost.is_empty()).then_some(said)
    });
    let said = said.expect("something overflows, or nothing is proven");
    let missing = said.missing().len();
    assert!(
        missing <= said.said_lost.len(),
        "{missing} gone, {} said",
        said.said_lost.len()
    );
    assert_eq!(said.in_silence(), []);
}

#[test]
fn a_hundred_that_start_at_once_adopt_each_dead_queue_once() {
    let root = tempfile::tempdir().unwrap();
    let dead: Vec<QueueId> = (0..10)
        .map(|n| {
            let queue = DiskQueue::open(root.path()).unwrap();
            let _ = queue.append(&mut line(n), Durability::PageCache);
            // Not closed, so that the next one leaves it alone until all are dropped.
            (queue.id(), queue)
        })
        .collect::<Vec<_>>()
        .into_iter()
        .map(|(id, queue)| {
            drop(queue);
            id
        })
        .collect();
    let together = Arc::new(Barrier::new(100));
    let threads: Vec<_> = (0..100)
        .map(|_| {
            let (together, root) = (Arc::clone(&together), root.path().to_owned());
            thread::spawn(move || {
                together.wait();
                let queue = DiskQueue::open(root).unwrap();
                // Nobody closes before everybody has opened.
                together.wait();
                let mut taken = Vec::new();
                while let Some(batch) = queue.drain(100, 100_000) {
                    taken.extend(
                        (0..batch.len()).map(|index| (batch.queue(), batch.seq(index).unwrap())),
                    );
                    queue.confirm(batch.token());
                }
                (queue.id(), taken)
            })
        })
        .collect();
    let (mut ids, mut taken) = (BTreeSet::new(), Vec::new());
    for thread in threads {
        let (id, records) = thread.join().unwrap();
        ids.insert(id);
        taken.extend(records);
    }
    assert_eq!(ids.len(), 100);
    taken.sort_unstable();
    let mut expected: Vec<_> = dead.into_iter().map(|id| (id, 0)).collect();
    expected.sort_unstable();
    assert_eq!(taken, expected, "each record once");
    let left = std::fs::read_dir(root.path()).unwrap().count();
    assert_eq!(left, 0, "all are closed and empty");
}

#[test]
fn a_copied_directory_never_continues_the_seqs_of_the_original() {
    let (root, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let queue = DiskQueue::open(root.path()).unwrap();
    let _ = queue.append(&mut line(1), Durability::Durable);
    let status = Command::new("cp")
        .arg("-r")
        .arg(root.path())
        .arg(copy.path().join("a"))
        .status()
        .unwrap();
    assert!(status.success());
    let status = Command::new("cp")
        .arg("-r")
        .arg(root.path())
        .arg(copy.path().join("b"))
        .status()
        .unwrap();
    assert!(status.success());
    let mut names = BTreeSet::new();
    for place in ["a", "b"] {
        let started = DiskQueue::open(copy.path().join(place)).unwrap();
        let _ = started.append(&mut line(2), Durability::PageCache);
        while let Some(batch) = started.drain(1, 100_000) {
            let json: Value = serde_json::from_slice(batch.record(0)).unwrap();
            names.insert((batch.queue(), batch.first_seq(), json["n"].as_u64()));
            started.confirm(batch.token());
        }
    }
    let seqs: BTreeSet<_> = names.iter().map(|(queue, seq, _)| (queue, seq)).collect();
    assert_eq!(
        (names.len(), seqs.len()),
        (3, 3),
        "the copied record once, and one of each start: {names:?}"
    );
}
