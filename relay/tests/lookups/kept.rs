//! What an operator is told about what is kept, and how look-ups are counted.

use std::path::Path;

use crate::relay::{Relay, command};
use crate::{ask, batch, indexed, out, record};

fn check(dir: &Path, more: &[&str]) -> String {
    let addresses = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let output = command()
        .args(["check", "--data-dir"])
        .arg(dir)
        .args(addresses)
        .args(more)
        .output();
    out(&output.expect("it runs"))
}

const NEW: &str = "new: from now on what is accepted is also kept here";

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_that_keeps_records_says_so_once_and_how_not_to() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = check(dir.path(), &[]);
    assert!(first.contains("is kept for 30 d"), "{first}");
    assert!(!first.contains("new:"), "nothing was here before: {first}");
    // As an earlier version leaves its data directory.
    let mut earlier = Relay::start(dir.path(), &["--index", "off"]);
    let one = record(0, 0, "info", "m", &serde_json::json!({}));
    earlier.accept(batch("q", "s", "ada", &[one])).await;
    earlier.terminate();
    let upgraded = check(dir.path(), &[]);
    assert!(
        upgraded.contains("new: from the next start on what is accepted is kept for 30 d")
            && upgraded.contains("--index off leaves it out"),
        "{upgraded}"
    );
    let off = check(dir.path(), &["--index", "off"]);
    assert!(off.contains("--index is off"), "{off}");
    for is_first in [true, false] {
        let mut relay = Relay::start(dir.path(), &[]);
        relay.terminate();
        let log = relay.log();
        assert_eq!(log.contains(NEW), is_first, "{log}");
        assert_eq!(log.matches("--index off leaves it out").count(), 1, "{log}");
    }
    assert!(!check(dir.path(), &[]).contains("new:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_spool_there_is_no_index_and_check_says_why() {
    let dir = tempfile::tempdir().expect("a directory");
    let none = ["--spool", "none", "--otlp-endpoint", "http://127.0.0.1:9"];
    let quiet = check(dir.path(), &none);
    assert!(
        quiet.contains(
            "ok     nothing is kept to be looked up: with --spool none there is no index"
        ),
        "{quiet}"
    );
    let mut relay = Relay::start(dir.path(), &none);
    relay.terminate();
    assert!(!dir.path().join("index").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn look_ups_are_counted_with_their_time() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = crate::start(dir.path());
    let one = record(0, 0, "info", "m", &serde_json::json!({}));
    relay.accept(batch("q", "s", "ada", &[one])).await;
    indexed(dir.path(), 1);
    assert_eq!(
        relay.metric("courier_index_lookup_seconds_count").await,
        0.0
    );
    ask(dir.path(), &["timeline", "--user", "ada"]);
    assert!(relay.metric("courier_index_lookup_seconds_count").await >= 1.0);
    assert_eq!(relay.metric("courier_index_lookups_cut_total").await, 0.0);
    assert_eq!(relay.metric("courier_index_segments").await, 1.0);
    assert_eq!(relay.metric("courier_index_missing_records").await, 0.0);
}
