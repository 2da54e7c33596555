//! An outage of ten minutes, in time that is moved by hand.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tracing_courier::queue::{Durability, Line};
use tracing_courier::send::{Answer, Connection, ManualTime, Request, Time, Transport};
use tracing_courier::{Backend, DiskQueue};

const OUTAGE: Duration = Duration::from_secs(600);
const RECORDS: u64 = 50_000;
const MAX_BYTES: u64 = 64 << 20;

/// What was asked of the relay, and when.
#[derive(Default)]
struct Log {
    tries: Vec<Duration>,
    arrived: Vec<u64>,
    /// The answer to each try since the relay was back.
    since_back: Vec<(Duration, &'static str)>,
}

/// A network that is away for ten minutes, and a relay that asks to be left alone twice when it is back.
struct Away {
    time: ManualTime,
    log: Arc<Mutex<Log>>,
}

impl Transport for Away {
    fn post(&mut self, request: &Request<'_>) -> Answer {
        let now = self.time.elapsed();
        let mut log = self.log.lock().unwrap();
        log.tries.push(now);
        if now < OUTAGE {
            return Answer::none("network is unreachable");
        }
        let body: Value = serde_json::from_slice(request.body).unwrap();
        let records = body["logs"].as_array().unwrap();
        let (answer, name) = match log.since_back.len() {
            // Busy at first, and once more in the middle.
            0 => (busy(503, 7), "503"),
            100 => (busy(429, 30), "429"),
            _ => (receipt(records.len()), "200"),
        };
        if name == "200" {
            let numbers = records.iter().map(|record| record["n"].as_u64().unwrap());
            log.arrived.extend(numbers);
        }
        log.since_back.push((now, name));
        answer
    }

    fn endpoint(&self) -> &str {
        "away"
    }
}

fn busy(status: u16, seconds: u64) -> Answer {
    Answer::new(status, Vec::new()).with_retry_after(Duration::from_secs(seconds))
}

fn receipt(records: usize) -> Answer {
    Answer::new(
        200,
        format!(r#"{{"accepted":{records},"duplicates":0,"rejected":[]}}"#).into_bytes(),
    )
}

#[test]
fn an_outage_of_ten_minutes_costs_nothing_and_ends_within_the_rules() {
    let dir = tempfile::tempdir().unwrap();
    let queue = DiskQueue::builder(dir.path())
        .max_bytes(MAX_BYTES)
        .open()
        .unwrap();
    let time = ManualTime::new("2026-02-06T12:00:00Z".parse().unwrap());
    let log: Arc<Mutex<Log>> = Arc::default();
    let backend = Backend::by(Away {
        time: time.clone(),
        log: Arc::clone(&log),
    })
    .time(Time::Manual(time.clone()))
    .start(&queue)
    .unwrap();

    // The program logs all through the outage; the sender wakes when it wants to.
    let mut logged = 0;
    while time.elapsed() < OUTAGE {
        let due = time.elapsed().as_secs_f64() / OUTAGE.as_secs_f64() * RECORDS as f64;
        append(&queue, logged..due as u64);
        logged = due as u64;
        let wait = time.asleep_for().expect("an outage is waited out");
        time.advance(wait.min(Duration::from_secs(1)));
    }
    append(&queue, logged..RECORDS);
    assert_eq!(queue.pending().records, RECORDS);
    assert!(queue.pending().bytes < MAX_BYTES);
    let status = backend.status();
    assert!(matches!(status.connection, Connection::BackingOff { .. }));
    assert_eq!(status.last_error.as_deref(), Some("network is unreachable"));
    let tries = std::mem::take(&mut log.lock().unwrap().tries);
    assert_backs_off(&tries);

    while queue.pending().records > 0 {
        time.skip();
    }
    let log = log.lock().unwrap();
    assert!(
        log.arrived.iter().copied().eq(0..RECORDS),
        "all, in order, once"
    );
    assert_eq!(log.since_back.len(), 502, "two were told to wait");
    assert_obeys(&log.since_back);
    let back_for = log.since_back.last().unwrap().0 - OUTAGE;
    println!(
        "{} tries in ten minutes; home {back_for:.1?} after it, in {} requests",
        tries.len(),
        log.since_back.len()
    );
    // A wait of at most 90 s was under way; then 7 and 30 s with their jitter.
    assert!(back_for < Duration::from_secs(90 + 9 + 38), "{back_for:?}");
    assert_eq!(backend.status().delivered, RECORDS);
}

/// 1, 2, 4 … 60 s, plus up to half of it.
fn assert_backs_off(tries: &[Duration]) {
    let mut base = 1.0;
    for pair in tries.windows(2) {
        let waited = (pair[1] - pair[0]).as_secs_f64();
        assert!(
            (base..=base * 1.5).contains(&waited),
            "{waited} s where {base} s were due: {tries:?}"
        );
        base = f64::min(base * 2.0, 60.0);
    }
    assert!((11..=17).contains(&tries.len()), "{tries:?}");
}

/// After each answer as long as it asked for, and after a receipt at once.
fn assert_obeys(answers: &[(Duration, &str)]) {
    for pair in answers.windows(2) {
        let waited = (pair[1].0 - pair[0].0).as_secs_f64();
        let due = match pair[0].1 {
            "503" => 7.0..=8.75,
            "429" => 30.0..=37.5,
            _ => 0.0..=0.0,
        };
        assert!(due.contains(&waited), "{waited} s after {}", pair[0].1);
    }
}

fn append(queue: &DiskQueue, numbers: std::ops::Range<u64>) {
    let mut line = Line::new();
    for n in numbers {
        line.clear();
        let record = format!(
            r#""timestamp":"2026-02-06T12:00:00Z","level":"info","message":"reading of the sensor","n":{n}}}"#
        );
        line.body().extend_from_slice(record.as_bytes());
        let _ = queue.append(&mut line, Durability::PageCache);
    }
}
