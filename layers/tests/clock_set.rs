//! A device without a clock chip: what was logged in 1970 arrives with the time at which it was logged.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tracing_courier::prelude::*;
use tracing_courier::send::{Answer, Request, Transport};
use tracing_courier::{Clock, Guard};
use tracing_subscriber::prelude::*;

/// A relay that is away at first.
#[derive(Clone, Default)]
struct Relay(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    is_there: bool,
    bodies: Vec<Value>,
}

impl Transport for Relay {
    fn post(&mut self, request: &Request<'_>) -> Answer {
        let mut state = self.0.lock().unwrap();
        if !state.is_there {
            return Answer::none("away");
        }
        let body: Value = serde_json::from_slice(request.body).unwrap();
        let sent = body["logs"].as_array().unwrap().len();
        state.bodies.push(body);
        let receipt = format!(r#"{{"accepted":{sent},"duplicates":0,"rejected":[]}}"#);
        Answer::new(200, receipt.into_bytes())
    }

    fn endpoint(&self) -> &str {
        "relay"
    }
}

fn start(dir: &Path, clock: &Arc<AtomicI64>, relay: &Relay) -> Guard<Courier> {
    Courier::builder("field", "1")
        .dir(dir)
        .clock(Clock::Manual(Arc::clone(clock)))
        .transport(relay.clone())
        .drop_deadline(Duration::from_millis(1))
        .without_panic_hook()
        .start()
        .unwrap()
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

fn nanos(text: &Value) -> i64 {
    let time: jiff::Timestamp = text.as_str().unwrap().parse().unwrap();
    i64::try_from(time.as_nanosecond()).unwrap()
}

/// Each number with the time that a relay gives it: the contract's correction by `sentAt`.
fn corrected(relay: &Relay, received: i64) -> Vec<(u64, i64)> {
    let mut records = Vec::new();
    for body in &relay.0.lock().unwrap().bodies {
        let skew = received - nanos(&body["sentAt"]);
        let skew = if skew.abs() > 60 * SECOND { skew } else { 0 };
        for log in body["logs"].as_array().unwrap() {
            if let Some(n) = log["attributes"]["n"].as_u64() {
                records.push((n, nanos(&log["timestamp"]) + skew));
            }
        }
    }
    records
}

fn now() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap()
}

const SECOND: i64 = 1_000_000_000;

#[test]
fn what_was_logged_before_the_clock_was_set_arrives_with_its_own_time() {
    // In the same run, and after a start anew without a start of the machine.
    for is_restarted in [false, true] {
        let (dir, relay) = (tempfile::tempdir().unwrap(), Relay::default());
        let clock = Arc::new(AtomicI64::new(100 * SECOND));
        let courier = start(dir.path(), &clock, &relay);
        let began = now();
        log(&courier, 0..3);
        clock.store(now(), Ordering::SeqCst);
        log(&courier, 3..5);
        let courier = match is_restarted {
            true => {
                drop(courier);
                let next = start(dir.path(), &clock, &relay);
                // The sender of before lets go of its queue in a moment.
                let waiting = std::time::Instant::now();
                while next.queue().pending().records < 6 {
                    assert!(waiting.elapsed() < Duration::from_secs(20));
                    next.queue().adopt();
                    std::thread::sleep(Duration::from_millis(5));
                }
                next
            }
            false => courier,
        };
        log(&courier, 5..7);
        relay.0.lock().unwrap().is_there = true;
        let report = courier.flush(Duration::from_secs(20));
        assert_eq!(report.pending, 0, "{report:?}");
        let records = corrected(&relay, now());
        let numbers: Vec<u64> = records.iter().map(|&(n, _)| n).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6], "in order, and each once");
        for (n, time) in records {
            let off = (time - began).abs();
            assert!(
                off < 5 * SECOND,
                "{n} is {off} ns off, restarted: {is_restarted}"
            );
        }
        let bodies = &relay.0.lock().unwrap().bodies;
        assert_eq!(
            nanos(&bodies[0]["sentAt"]) / (86_400 * SECOND),
            0,
            "by the clock of then"
        );
        for body in bodies {
            let logs = body["logs"].as_array().unwrap();
            let is_old = |log: &Value| nanos(&log["timestamp"]) < 86_400 * SECOND;
            assert!(
                logs.iter().all(is_old) || !logs.iter().any(is_old),
                "one clock a batch"
            );
        }
    }
}

#[test]
fn a_clock_that_was_never_set_is_corrected_by_the_relay_as_ever() {
    let (dir, relay) = (tempfile::tempdir().unwrap(), Relay::default());
    relay.0.lock().unwrap().is_there = true;
    let clock = Arc::new(AtomicI64::new(now()));
    let courier = start(dir.path(), &clock, &relay);
    log(&courier, 0..3);
    assert_eq!(courier.flush(Duration::from_secs(20)).pending, 0);
    let bodies = &relay.0.lock().unwrap().bodies;
    assert!((nanos(&bodies[0]["sentAt"]) - now()).abs() < 5 * SECOND);
}
