//! A panic hook that is set after ours, and takes its place: noticed, and said once.

mod child;

use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use tracing_courier::prelude::*;

static HEARD_BY_ANOTHER: AtomicU64 = AtomicU64::new(0);

fn another() {
    panic::set_hook(Box::new(|_| {
        HEARD_BY_ANOTHER.fetch_add(1, Ordering::Relaxed);
    }));
}

fn a_panic() {
    let _ = panic::catch_unwind(|| panic!("on purpose"));
}

const TEST: &str = "a_hook_that_takes_the_place_of_ours_is_said_once";

/// Does as the case says, and checks what only the process itself can see.
fn run(case: &str, dir: &std::path::Path) {
    if case == "color_eyre before" {
        color_eyre::install().unwrap();
    }
    if case == "another before" {
        another();
    }
    let courier = Courier::builder("hooks", "1")
        .dir(dir)
        .debug(true)
        .start()
        .unwrap();
    match case {
        "none" => {}
        "color_eyre before" => a_panic(),
        "another before" => {
            a_panic();
            assert_eq!(HEARD_BY_ANOTHER.load(Ordering::Relaxed), 1, "ours hands on");
        }
        "color_eyre after" => {
            color_eyre::install().unwrap();
            a_panic();
        }
        "another after" => {
            another();
            a_panic();
            assert_eq!(HEARD_BY_ANOTHER.load(Ordering::Relaxed), 1);
        }
        "another after, twice" => {
            another();
            another();
            a_panic();
            assert_eq!(HEARD_BY_ANOTHER.load(Ordering::Relaxed), 1);
        }
        "one that hands on" => {
            let ours = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                HEARD_BY_ANOTHER.fetch_add(1, Ordering::Relaxed);
                ours(info);
            }));
            a_panic();
            assert_eq!(HEARD_BY_ANOTHER.load(Ordering::Relaxed), 1);
        }
        "ours again" => {
            tracing_courier::PanicHook::new(courier.queue()).install();
            a_panic();
        }
        "put away for a while" => {
            let ours = panic::take_hook();
            panic::set_hook(Box::new(|_| {}));
            a_panic();
            panic::set_hook(ours);
            a_panic();
        }
        "one that keeps it and does not hand on" => {
            let ours = panic::take_hook();
            panic::set_hook(Box::new(move |_| {
                let _kept = &ours;
            }));
            panic!("on purpose");
        }
        "the default again" => {
            let _ = panic::take_hook();
            a_panic();
        }
        _ => unreachable!("{case}"),
    }
    let is_replaced = matches!(
        case,
        "color_eyre after" | "another after" | "another after, twice" | "the default again"
    );
    assert_eq!(courier.status().panic_hook_replaced, is_replaced, "{case}");
}

#[test]
fn a_hook_that_takes_the_place_of_ours_is_said_once() {
    if let Some((case, dir)) = child::case() {
        return run(&case, &dir);
    }
    for (case, said, panics) in [
        ("none", 0, 0),
        ("color_eyre before", 0, 1),
        ("another before", 0, 1),
        ("color_eyre after", 1, 0),
        ("another after", 1, 0),
        ("another after, twice", 1, 0),
        ("one that hands on", 0, 1),
        ("ours again", 0, 1),
        ("put away for a while", 0, 1),
        ("one that keeps it and does not hand on", 1, 0),
        ("the default again", 1, 0),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let output = child::command(TEST, case, dir.path()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        let is_caught = case != "one that keeps it and does not hand on";
        assert_eq!(output.status.success(), is_caught, "{case}: {stderr}");
        let records = child::all_records(dir.path());
        let count =
            |is: &dyn Fn(&Value) -> bool| records.iter().filter(|record| is(record)).count();
        let replaced = |record: &Value| record["message"] == "panic_hook_replaced";
        assert_eq!(count(&replaced), said, "{case}: {records:#?}");
        assert_eq!(
            count(&|record| record["attributes"]["panic"] == true),
            panics,
            "{case}"
        );
        let lines = stderr
            .lines()
            .filter(|line| line.starts_with("tracing-courier: ") && line.contains("panic hook"));
        assert_eq!(lines.count(), said, "{case}: {stderr}");
        if let Some(record) = records.iter().find(|record| replaced(record)) {
            assert_eq!(record["level"], "warning");
        }
    }
}
