//! The library's own help for users' tests: what it sees, and that a leak test fails on a leak.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use tracing_courier::SanitizeLayer;
use tracing_courier::sanitize::Policy;
use tracing_courier::testing::{
    Captured, capture, capture_global, capture_global_with, capture_with,
};

/// What `assert_no_leak` says of these secrets; none when it is content.
fn complaint(captured: &Captured, secrets: &[&str]) -> Option<String> {
    let asked = catch_unwind(AssertUnwindSafe(|| captured.assert_no_leak(secrets)));
    let said = asked.err()?;
    let text = said.downcast_ref::<String>().cloned();
    text.or_else(|| said.downcast_ref::<&str>().map(|text| (*text).to_owned()))
}

/// How many records say something that begins so.
fn said(captured: &Captured, message: &str) -> usize {
    let records = captured.records().into_iter();
    records
        .filter(|record| record.message.starts_with(message))
        .count()
}

#[test]
fn a_leak_is_found_whatever_json_makes_of_it() {
    for secret in [
        "say \"friend\"",
        "two\nlines",
        "tab\there",
        "C:\\keys\\a",
        "ünï\u{7}",
    ] {
        let captured = capture_with(SanitizeLayer::none());
        tracing::info!(note = secret, "in a field");
        assert!(
            complaint(&captured, &[secret]).is_some(),
            "{secret:?} in a field"
        );
        let captured = capture_with(SanitizeLayer::none());
        tracing::info!("message: {secret}");
        assert!(
            complaint(&captured, &[secret]).is_some(),
            "{secret:?} in a message"
        );
        assert!(complaint(&captured, &["absent"]).is_none());
    }
}

#[test]
fn a_number_a_name_and_a_span_field_can_leak() {
    let captured = capture_with(SanitizeLayer::none());
    let span = tracing::info_span!("call", customer = "Kestrel-77");
    span.in_scope(|| tracing::info!(card = 4_111_111_111_111_111_u64, secret_name = true, "paid"));
    for secret in ["4111111111111111", "secret_name", "Kestrel-77"] {
        assert!(complaint(&captured, &[secret]).is_some(), "{secret}");
    }
}

#[test]
fn nothing_captured_proves_nothing() {
    let captured = capture();
    let said = complaint(&captured, &["hunter2"]).expect("it must complain");
    assert!(said.contains("capture_global"), "{said}");
}

#[test]
fn an_empty_secret_is_a_mistake() {
    let captured = capture();
    tracing::info!("a record");
    let said = complaint(&captured, &[""]).expect("it must complain");
    assert!(said.contains("empty secret"), "{said}");
}

#[test]
fn log_records_are_seen() {
    let captured = capture();
    log::warn!(target: "driver", "password=hunter2 for printer 7");
    let records = captured.records();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].logger, "driver");
    assert_eq!(records[0].message, "password=[REDACTED] for printer 7");
    captured.assert_no_leak(&["hunter2"]);
}

#[test]
fn other_threads_are_seen_by_the_global_capture_only() {
    let local = capture();
    thread::spawn(|| tracing::info!("unseen")).join().unwrap();
    assert_eq!(local.records(), []);
    drop(local);

    let captured = capture_global();
    thread::scope(|scope| {
        for n in 0..8 {
            scope.spawn(move || tracing::info!(n, password = "hunter2", "from a thread"));
        }
    });
    assert_eq!(said(&captured, "from a thread"), 8);
    captured.assert_no_leak(&["hunter2"]);
}

#[test]
fn tasks_of_a_multi_thread_runtime_are_seen() {
    let captured = capture_global();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..16)
            .map(|n| tokio::spawn(async move { log::info!("task {n} token=s3cr3t") }))
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(said(&captured, "task "), 16);
    captured.assert_no_leak(&["s3cr3t"]);
}

#[test]
fn captures_of_the_process_take_turns_and_those_of_threads_stay_apart() {
    thread::scope(|scope| {
        for n in 0..4 {
            scope.spawn(move || {
                let captured = capture_global();
                for _ in 0..50 {
                    thread::scope(|inner| {
                        inner.spawn(|| tracing::info!(turn = n, "one"));
                    });
                }
                // What another test logs from a thread without a capture of its own is seen too.
                let turns = captured.records().into_iter();
                let turns: Vec<_> = turns
                    .filter_map(|r| r.attributes.get("turn").cloned())
                    .collect();
                assert_eq!(turns, vec![serde_json::Value::from(n); 50]);
            });
            scope.spawn(move || {
                let captured = capture();
                for _ in 0..50 {
                    tracing::info!(local = n, "one");
                }
                assert_eq!(captured.records().len(), 50);
            });
        }
    });
}

#[test]
fn the_global_capture_follows_the_policy_of_its_turn() {
    let captured = capture_global_with(&Policy::new().deny("case_number"));
    tracing::info!(case_number = "FK-1234", "opened");
    captured.assert_no_leak(&["FK-1234"]);
    drop(captured);
    let captured = capture_global();
    tracing::info!(case_number = "FK-1234", "opened");
    assert!(complaint(&captured, &["FK-1234"]).is_some());
}
