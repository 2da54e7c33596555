//! A program's last word on its records.

mod child;

use serde_json::{Value, json};
use tracing::{Dispatch, dispatcher, error, info, warn};
use tracing_courier::prelude::*;
use tracing_courier::{Keep, Loss, Record};
use tracing_subscriber::prelude::*;

/// Runs `work` in a program with this hook, and gives the courier.
fn program(
    dir: &std::path::Path,
    hook: impl Fn(&mut Record) -> Keep + Send + Sync + 'static,
    work: impl FnOnce(),
) -> impl std::ops::Deref<Target = Courier> {
    let courier = Courier::builder("app", "1")
        .dir(dir)
        .before_record(hook)
        .without_panic_hook()
        .start()
        .unwrap();
    let stack: Dispatch = tracing_subscriber::registry()
        .with(courier.layer())
        .sanitized(courier.sanitizer())
        .into();
    dispatcher::with_default(&stack, work);
    courier
}

#[test]
fn it_changes_and_drops_records_and_what_it_puts_in_is_redacted() {
    let dir = tempfile::tempdir().unwrap();
    let hook = |record: &mut Record| {
        if record.message == "poll" {
            return Keep::No;
        }
        record.attributes.insert("site".to_owned(), "north".into());
        record
            .attributes
            .insert("password".to_owned(), "hunter2".into());
        record.message.push_str(" for ann@example.com");
        record.error = Some("Timeout: no answer to bob@example.com".to_owned());
        record.timestamp = "yesterday".to_owned();
        Keep::Yes
    };
    let courier = program(dir.path(), hook, || {
        info!(api_key = "sk-1", n = 1, "saved");
        info!("poll");
    });
    let saved = &child::records(dir.path(), "saved for [REDACTED:email]")[0];
    assert_eq!(
        saved["attributes"],
        json!({"api_key": "[REDACTED]", "n": 1, "password": "[REDACTED]", "site": "north"})
    );
    assert_eq!(saved["error"], "Timeout: no answer to [REDACTED:email]");
    assert!(saved["timestamp"].as_str().unwrap().starts_with("20"));
    assert_eq!(child::records(dir.path(), "poll"), Vec::<Value>::new());
    assert!(courier.queue().losses().by_reason().is_empty());
}

#[test]
fn a_panic_in_it_costs_the_record_which_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let hook = |record: &mut Record| match record.message.as_str() {
        "odd" => panic!("over an odd record"),
        _ => Keep::Yes,
    };
    let courier = program(dir.path(), hook, || {
        info!("odd");
        warn!("even");
    });
    assert_eq!(child::records(dir.path(), "odd"), Vec::<Value>::new());
    assert_eq!(child::records(dir.path(), "even").len(), 1);
    assert_eq!(courier.queue().losses().count(Loss::Hook), 1);
}

#[test]
fn what_it_logs_is_not_recorded_and_a_record_that_it_makes_long_is_cut() {
    let dir = tempfile::tempdir().unwrap();
    let hook = |record: &mut Record| {
        error!("from the hook");
        record.message = "m".repeat(1 << 20);
        Keep::Yes
    };
    let _courier = program(dir.path(), hook, || info!("it"));
    let all = child::all_records(dir.path());
    let is_ours = |record: &&Value| record["logger"] == "before_record";
    let ours: Vec<&Value> = all.iter().filter(is_ours).collect();
    assert_eq!(ours.len(), 1, "{ours:?}");
    assert!(ours[0].to_string().len() <= 64 * 1024 + 1024);
    assert!(
        ours[0]["message"]
            .as_str()
            .unwrap()
            .ends_with("…[truncated]")
    );
}
