//! Records of the `log` crate through the bridge, under `EnvFilter`s with targets. Under the global default and the global
//! logger, so in a process of its own.

mod printed;

use std::fmt;

use printed::{Printed, fmt_layer};
use tracing_courier::{DiskQueue, DiskQueueLayer, SanitizeExt, SanitizeLayer};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;

/// Logs while it is formatted.
struct Chatty;

impl fmt::Display for Chatty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        log::trace!(target: "within", "below every filter");
        log::debug!(target: "within", "token=s-1 from within");
        f.write_str("chatty")
    }
}

#[test]
fn a_log_record_that_logs_while_it_is_formatted_keeps_its_target_and_its_filters() {
    let dir = tempfile::tempdir().unwrap();
    let queue = DiskQueue::open(dir.path()).unwrap();
    let (outer, both) = (Printed::default(), Printed::default());
    let filter = |directives: &str| EnvFilter::builder().parse(directives).unwrap();
    tracing_subscriber::registry()
        .with(fmt_layer(&outer).with_filter(filter("off,outer=info")))
        .with(fmt_layer(&both).with_filter(filter("off,outer=info,within=debug")))
        .with(DiskQueueLayer::new(&queue).with_filter(filter("off,outer=info")))
        .sanitized(SanitizeLayer::default())
        .init();

    log::info!(target: "outer", "{Chatty} mail to ada@example.org");
    log::info!(target: "elsewhere", "nobody wants this");
    log::info!(target: "outer", "the end");

    let said = " INFO outer: chatty mail to [REDACTED:email]\n INFO outer: the end\n";
    assert_eq!(outer.text(), said);
    assert_eq!(
        both.text(),
        format!("DEBUG within: token=[REDACTED] from within\n{said}")
    );
    let batch = queue.drain(10, 900_000).unwrap();
    let records: Vec<serde_json::Value> = (0..batch.len())
        .map(|at| serde_json::from_slice(batch.record(at)).unwrap())
        .collect();
    let seen: Vec<_> = records
        .iter()
        .map(|record| (record["logger"].as_str(), record["message"].as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            (Some("outer"), Some("chatty mail to [REDACTED:email]")),
            (Some("outer"), Some("the end"))
        ]
    );
}
