//! What a body can cost: four times as long, and it costs about four times as much.
//!
//! By the thread's own CPU time, so that what else runs here changes little. The table of the README, for bodies of
//! 1 MiB: `cargo test --release -p courier-relay --test hostile cpu_per_mib -- --ignored --nocapture`.
#![cfg(unix)]

mod bodies;

use std::time::Duration;

use bodies::{Kind, RELAY, STACKS, TEXTS};
use courier_relay::convert;
use jiff::Timestamp;
use tracing_courier::sanitize::{Policy, Sanitizer};

/// CPU time of this thread so far.
fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let nanos = u64::try_from(time.tv_nsec).expect("below a second");
    Duration::from_secs(u64::try_from(time.tv_sec).expect("it grows")) + Duration::from_nanos(nanos)
}

/// The least that a body of this kind costs, of a few tries.
fn cost(body: &str, sanitizer: Option<&Sanitizer>, tries: usize) -> Duration {
    let once = |_| {
        let begun = cpu();
        let converted = convert(body.as_bytes(), "u", Timestamp::UNIX_EPOCH, sanitizer);
        let took = cpu() - begun;
        assert!(converted.expect("a batch").records > 0);
        took
    };
    (0..tries).map(once).min().unwrap_or_default()
}

fn is_linear(kinds: &[Kind], bytes: usize) {
    let sanitizer = Sanitizer::new(&Policy::new());
    for (what, body) in kinds {
        let [short, long] = [bytes, 4 * bytes].map(&body);
        for (with, sanitizer) in [("as it is", None), ("redacted", Some(&sanitizer))] {
            // Below a millisecond a clock tick is too much of it.
            let least = Duration::from_millis(1);
            let one = cost(&short, sanitizer, 3).max(least);
            let four = cost(&long, sanitizer, 3);
            let ratio = four.as_secs_f64() / one.as_secs_f64();
            // Squared it is 16.
            assert!(
                ratio < 9.0,
                "{what}, {with}: {one:?} for {}, {four:?} for {}",
                short.len(),
                long.len()
            );
        }
    }
}

#[test]
fn what_the_relay_reads_costs_by_its_length() {
    is_linear(&RELAY, 64 * 1024);
}

#[test]
fn stacks_cost_by_their_length() {
    is_linear(&STACKS, 32 * 1024);
}

#[test]
fn texts_cost_by_their_length() {
    is_linear(&TEXTS, 4 * 1024);
}

#[test]
#[ignore = "a table for people, of a release build"]
fn cpu_per_mib() {
    let sanitizer = Sanitizer::new(&Policy::new());
    for (what, body) in RELAY.iter().chain(&STACKS).chain(&TEXTS) {
        let body = body((1 << 20) - 256);
        let [as_it_is, redacted] = [None, Some(&sanitizer)].map(|by| cost(&body, by, 1));
        println!(
            "| {what} | {} | {} | {} |",
            body.len(),
            as_it_is.as_millis(),
            redacted.as_millis()
        );
    }
}
