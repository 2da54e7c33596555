//! A line that is logged all the time does not push out what was logged before.

mod child;

use std::path::Path;

use child::{all_records, records};
use serde_json::Value;
use tracing_courier::prelude::*;
use tracing_courier::{CourierBuilder, StartError};
use tracing_subscriber::prelude::*;

fn builder(dir: &Path) -> CourierBuilder {
    Courier::builder("budget", "1")
        .dir(dir)
        .max_bytes(6 << 20)
        .without_panic_hook()
}

/// Logs much that matters, then one line again and again.
fn storm(builder: CourierBuilder) -> u64 {
    let courier = builder.start().unwrap();
    let stack = tracing_subscriber::registry()
        .with(courier.layer())
        .sanitized(courier.sanitizer());
    tracing::dispatcher::with_default(&stack.into(), || {
        older_from_many_lines();
        for n in 0..60_000 {
            tracing::warn!(n, "no answer, trying again");
        }
        tracing::info!("after it");
    });
    courier.queue().losses().by_reason().values().sum()
}

/// 14,000 records of 56 lines.
fn older_from_many_lines() {
    macro_rules! lines {
        ($($line:literal)*) => {
            $(for n in 0..250 {
                tracing::info!(n, line = $line, "older");
            })*
        };
    }
    lines!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28);
    lines!(29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56);
}

#[test]
fn sixty_thousand_warnings_of_one_line_push_nothing_out() {
    let without = tempfile::tempdir().unwrap();
    assert!(storm(builder(without.path())) > 0, "the storm is one");

    let dir = tempfile::tempdir().unwrap();
    assert_eq!(storm(builder(dir.path()).budget(600)), 0);
    assert_eq!(records(dir.path(), "older").len(), 14_000);
    assert_eq!(records(dir.path(), "after it").len(), 1);
    let kept = records(dir.path(), "no answer, trying again").len();
    assert!((300..1_200).contains(&kept), "{kept}");
    let said: Vec<Value> = all_records(dir.path())
        .into_iter()
        .filter(|record| record["attributes"]["suppressed.count"].is_u64())
        .collect();
    let counts: u64 = said
        .iter()
        .map(|record| record["attributes"]["suppressed.count"].as_u64().unwrap())
        .sum();
    assert_eq!(counts as usize + kept, 60_000);
    let last = said.last().unwrap();
    assert_eq!(last["level"], "warning");
    assert_eq!(last["logger"], "budget");
    assert!(
        last["location"]["file"]
            .as_str()
            .unwrap()
            .ends_with("tests/budget.rs")
    );
    let message = last["message"].as_str().unwrap();
    assert!(message.ends_with(" more suppressed"), "{message}");
}

#[test]
fn records_of_the_log_crate_are_told_apart_by_their_lines() {
    let dir = tempfile::tempdir().unwrap();
    let courier = builder(dir.path()).budget(2).start().unwrap();
    courier.install().unwrap();
    for _ in 0..100 {
        log::warn!("loud");
    }
    log::warn!("quiet");
    drop(courier);
    assert_eq!(records(dir.path(), "quiet").len(), 1);
    assert!(records(dir.path(), "loud").len() < 10);
    let suppressed = all_records(dir.path())
        .into_iter()
        .find(|record| record["attributes"]["suppressed.count"].is_u64())
        .unwrap();
    assert_eq!(suppressed["logger"], "budget");
}

#[test]
fn a_budget_of_zero_is_an_error_that_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let error = builder(dir.path()).budget(0).start().unwrap_err();
    assert!(matches!(error, StartError::NoBudget));
    assert_eq!(
        error.to_string(),
        "the budget is zero records a minute, so nothing below ERROR would be recorded: set at least 1, or leave \
         `.budget(..)` out"
    );
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
