//! Runs that end at once: what one leaves, the next delivers.
//!
//! `COURIER_RUNS=1000` makes it a thousand runs in a loop, with a relay and without.

mod child;
mod relay;
mod scripted;

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use relay::Server;
use scripted::{PATIENCE, receipt};
use serde_json::Value;
use tracing_courier::prelude::*;
use tracing_courier::queue::inspect::{self, Owner, StoredQueue};
use tracing_courier::send::{Answer, Get, Request, Transport, WhyStopped};
use tracing_subscriber::prelude::*;

const TEST: &str = "a_program_of_the_other_tests";
const URL: &str = "COURIER_TEST_URL";

/// What the other tests start: not a test of its own.
#[test]
fn a_program_of_the_other_tests() {
    let Some((number, dir)) = child::case() else {
        return;
    };
    let courier = Courier::builder("tool", "1")
        .dir(dir)
        .relay(std::env::var(URL).unwrap())
        .exit_later()
        .start()
        .unwrap();
    courier.install().unwrap();
    tracing::info!(number, "run");
    assert_eq!(courier.finish().why_stopped, WhyStopped::Later);
    std::process::exit(0);
}

fn runs() -> usize {
    let runs = std::env::var("COURIER_RUNS");
    runs.map_or(40, |runs| runs.parse().expect("a number of runs"))
}

fn run(number: usize, dir: &Path, url: &str) {
    let mut command = child::command(TEST, &number.to_string(), dir);
    let output = command.env(URL, url).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Directories in the root, whatever they are, and marks of sessions.
fn leftovers(dir: &Path) -> usize {
    let entries = std::fs::read_dir(dir).unwrap().flatten();
    let is_left = |entry: &std::fs::DirEntry| {
        entry.file_type().unwrap().is_dir()
            || entry.file_name().to_string_lossy().starts_with("session-")
    };
    entries.filter(is_left).count()
}

/// The numbers of the runs whose record arrived. Each has one name; a relay drops those that come twice.
fn arrived(records: &[Value]) -> Vec<String> {
    let mut names = BTreeSet::new();
    let mut numbers = Vec::new();
    for record in records.iter().filter(|record| record["message"] == "run") {
        let name = format!("{}{}", record["context"]["queue"], &record["q"]);
        if names.insert(name) {
            numbers.push(record["attributes"]["number"].as_str().unwrap().to_owned());
        }
    }
    numbers
}

/// One more run, which lives until everything that was left before it is delivered.
fn deliver_what_is_left(dir: &Path, url: &str) {
    let courier = Courier::builder("tool", "1")
        .dir(dir)
        .relay(url)
        .without_panic_hook()
        .start()
        .unwrap();
    assert_eq!(courier.flush(PATIENCE).why_stopped, WhyStopped::Drained);
}

#[test]
fn runs_in_a_loop_leave_two_directories_at_most_and_every_record_arrives_once() {
    let (port, server) = Server::start();
    let there = format!("http://127.0.0.1:{port}");
    let away = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let numbers: Vec<String> = (0..runs()).map(|number| number.to_string()).collect();
    for url in [&away, &there] {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..runs() {
            run(number, dir.path(), url);
            assert!(leftovers(dir.path()) <= 2, "after run {number} to {url}");
        }
        if url == &there {
            let so_far = arrived(&server.0.lock().unwrap());
            println!("{} of {} had arrived", so_far.len(), runs());
            assert!(!so_far.is_empty(), "the next run delivers");
        }
        deliver_what_is_left(dir.path(), &there);
        assert_eq!(arrived(&server.take()), numbers, "{url}");
    }
}

/// A relay in memory, whose levels change.
#[derive(Clone, Default)]
struct Relay(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    level: Option<&'static str>,
    questions: usize,
    /// Levels by the records that said that they changed.
    changes: Vec<Value>,
}

impl Relay {
    fn tag(&self) -> String {
        format!("\"{}\"", self.0.lock().unwrap().level.unwrap_or("none"))
    }
}

impl Transport for Relay {
    fn post(&mut self, request: &Request<'_>) -> Answer {
        let body: Value = serde_json::from_slice(request.body).unwrap();
        let logs = body["logs"].as_array().unwrap().iter();
        let changes = logs.filter(|log| log["message"] == "log_level_changed");
        let mut state = self.0.lock().unwrap();
        state
            .changes
            .extend(changes.map(|log| log["attributes"]["to"].clone()));
        drop(state);
        receipt(&body).with_levels_etag(self.tag())
    }

    fn get(&mut self, _: &Get<'_>) -> Answer {
        let tag = self.tag();
        let mut state = self.0.lock().unwrap();
        state.questions += 1;
        let level = state.level.unwrap_or("info");
        let body = format!(
            r#"{{"min_level":"{level}","modules":{{}},"expires_at":null,"refresh_seconds":600}}"#
        );
        Answer::new(200, body.into_bytes())
            .with_content_type("application/json".to_owned())
            .with_etag(tag)
    }

    fn endpoint(&self) -> &str {
        "in memory"
    }
}

#[test]
fn a_level_set_from_afar_reaches_the_run_after_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::default();
    // Whether a run records DEBUG at its start.
    let run = || {
        let courier = Courier::builder("tool", "1")
            .dir(dir.path())
            .transport(relay.clone())
            .exit_later()
            .without_panic_hook()
            .start()
            .unwrap();
        let stack = tracing_subscriber::registry()
            .with(courier.layer())
            .sanitized(courier.sanitizer());
        let stack = tracing::Dispatch::from(stack);
        let is_recorded = tracing::dispatcher::with_default(&stack, || {
            tracing::debug!("detail");
            tracing::enabled!(tracing::Level::DEBUG)
        });
        // It lives until the relay has answered: how long that takes is measured elsewhere.
        let until = Instant::now() + PATIENCE;
        let is_heard = |courier: &Courier| {
            let status = courier.status().levels.unwrap();
            status.rule.is_some() || status.last_error.is_some()
        };
        while relay.0.lock().unwrap().level.is_some() && !is_heard(&courier) {
            assert!(Instant::now() < until, "{:?}", courier.status());
            std::thread::sleep(Duration::from_millis(1));
        }
        // Its own: the start, what was heard at the start and later, the detail.
        while courier.queue().pending().records > 4 {
            assert!(Instant::now() < until, "{:?}", courier.status());
            std::thread::sleep(Duration::from_millis(1));
        }
        drop((courier, stack));
        // A process would be gone; here the sender's thread lets go of the queue in its own time.
        let is_living = |queue: &StoredQueue| *queue.owner() != Owner::Gone;
        while inspect::queues(dir.path()).unwrap().iter().any(is_living) {
            assert!(Instant::now() < until);
            std::thread::sleep(Duration::from_millis(1));
        }
        is_recorded
    };
    assert!(!run());
    assert!(!run());
    relay.0.lock().unwrap().level = Some("debug");
    run();
    assert!(run(), "the run after the next");
    let questions = relay.0.lock().unwrap().questions;
    run();
    run();
    let changes = relay.0.lock().unwrap().changes.clone();
    let debug = changes.iter().position(|to| to == "debug").unwrap();
    assert!(
        changes[debug..].iter().all(|to| to == "debug"),
        "what was in force at the start is said before what is heard then: {changes:?}"
    );
    assert_eq!(
        relay.0.lock().unwrap().questions,
        questions,
        "the answer to what was left has said that nothing is new"
    );
}
