//! A relay with many at its door: neighbours that are too loud, connections that are too slow, bodies that are bombs.
//!
//! Short and lenient in `cargo test`. The figures of the README, with a release build and nothing else running:
//! `COURIER_CROWD=full cargo test --release -p courier-relay --test crowd -- --nocapture --test-threads=1`.

mod bombs;
mod hostile;
mod ledger;
mod neighbour;
#[allow(dead_code, reason = "the contract's tests use the rest")]
#[path = "../contract/relay.rs"]
mod relay;
mod slow;
#[allow(dead_code, reason = "the contract's tests use the rest")]
#[path = "../contract/upstream.rs"]
mod upstream;

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use relay::Relay;

/// One at a time: each of them measures.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Whether the figures are wanted, and not only that it works.
fn is_full() -> bool {
    std::env::var("COURIER_CROWD").is_ok_and(|word| word == "full")
}

/// Batches of `records` records, each named by its place in a queue of its own.
struct Batches {
    queue: String,
    records: u64,
    next: u64,
}

impl Batches {
    fn of(queue: &str, records: u64) -> Self {
        Self {
            queue: queue.to_owned(),
            records,
            next: 0,
        }
    }

    fn next(&mut self) -> String {
        let logs: Vec<String> = (self.next..self.next + self.records)
            .map(|seq| {
                format!(
                    r#"{{"q":"{seq:016x}-00000000-00000000","timestamp":"{}","level":"info","logger":"app::sync","message":"uploaded part {seq} of the survey to the depot, all well","attributes":{{"http_status":200,"elapsed_ms":4.25,"retried":false,"part":{seq},"route":"/api/v1/surveys","region":"eu-central","peer":"depot-7"}},"spans":["request","upload"],"location":{{"file":"src/sync.rs","line":41}}}}"#,
                    jiff::Timestamp::now()
                )
            })
            .collect();
        self.next += self.records;
        format!(
            r#"{{"context":{{"queue":"{}"}},"logs":[{}]}}"#,
            self.queue,
            logs.join(",")
        )
    }
}

/// A client that behaves: one batch after the other, so many a second, as long as `until`; how long each answer took, in
/// microseconds, and how many records were accepted.
async fn well_behaved(
    relay: &Relay,
    batches: &mut Batches,
    rate: f64,
    until: Instant,
) -> (Histogram<u64>, u64) {
    let mut took = Histogram::new(3).expect("three digits are allowed");
    let mut accepted = 0;
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while Instant::now() < until {
        ticks.tick().await;
        let body = batches.next();
        let started = Instant::now();
        let receipt = relay.accept(body).await;
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        took.record(micros).expect("it grows by itself");
        accepted += receipt["accepted"].as_u64().expect("a number");
    }
    (took, accepted)
}

fn millis(took: &Histogram<u64>, part: f64) -> f64 {
    took.value_at_quantile(part) as f64 / 1000.0
}

/// The most memory that a process had, in MiB.
#[cfg(target_os = "linux")]
fn peak_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("a peak");
    let kib: u64 = line
        .trim()
        .trim_end_matches(" kB")
        .trim()
        .parse()
        .expect("a number");
    kib / 1024
}
