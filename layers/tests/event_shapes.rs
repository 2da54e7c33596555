//! Odd shapes of events: what stock `fmt` prints of them is in our record too.

mod printed;

use printed::{Printed, fmt_layer};
use tracing::{Dispatch, dispatcher};
use tracing_courier::record::Record;
use tracing_courier::testing;
use tracing_subscriber::Registry;
use tracing_subscriber::prelude::*;

/// What our record says of what is logged, and what stock `fmt` prints of it.
fn both(log: impl Fn()) -> (Record, String) {
    let captured = testing::capture();
    log();
    let record = captured.records().remove(0);
    drop(captured);
    let printed = Printed::default();
    let stock: Dispatch = Registry::default().with(fmt_layer(&printed)).into();
    dispatcher::with_default(&stock, &log);
    (record, printed.text())
}

#[test]
fn what_stock_fmt_prints_as_message_is_in_the_record() {
    type Case = (&'static str, fn(), &'static str, &'static [&'static str]);
    let cases: [Case; 9] = [
        ("plain", || tracing::info!("aa"), "aa", &[]),
        (
            "a message as a field, and an empty text",
            || tracing::info!(message = "bb", ""),
            "bb",
            &[],
        ),
        (
            "a message as a field alone",
            || tracing::info!(message = "bb"),
            "bb",
            &[],
        ),
        (
            "a text, and an empty message as a field",
            || tracing::info!(message = "", "aa"),
            "aa",
            &[],
        ),
        (
            "both",
            || tracing::info!(message = "bb", "aa"),
            "aa",
            &["bb"],
        ),
        ("none", || tracing::info!(n = 1), "", &[]),
        (
            "a number as message",
            || tracing::info!(message = 7),
            "7",
            &[],
        ),
        (
            "a flag as message",
            || tracing::info!(message = true),
            "true",
            &[],
        ),
        (
            "shown by Debug",
            || tracing::info!(message = ?Some(3)),
            "Some(3)",
            &[],
        ),
    ];
    for (what, log, message, more) in cases {
        let (record, printed) = both(log);
        assert!(printed.contains(message), "{what}: {printed}");
        assert_eq!(
            record.message, message,
            "{what}: {record:?}, printed {printed}"
        );
        for text in more {
            assert!(printed.contains(text), "{what}: {printed}");
            let attributes = serde_json::to_string(&record.attributes).unwrap();
            assert!(attributes.contains(text), "{what}: {record:?}");
        }
    }
}
