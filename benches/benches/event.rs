//! What does one event cost the caller: five typed fields and a formatted message, inside a span with two fields?
//!
//! `cargo bench -p courier-benches --bench event`. The peers run in the same process, one after the other, and each
//! row includes the timer's own cost, which is the first row. CPU counts every thread that works for the row. A word
//! behind `--` picks the rows that have it in their name.

use std::time::Duration;

use courier_benches::{Stopwatch, cpu_time, is_test_run, is_wanted};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogBatch, LogExporter, SdkLoggerProvider};
use tracing::{Dispatch, info, info_span};
use tracing_courier::Courier;
use tracing_courier::prelude::*;
use tracing_subscriber::prelude::*;

fn main() {
    let events = if is_test_run() { 200 } else { 200_000 };
    let dir = tempfile::tempdir().expect("a temporary directory");

    println!("{events} events each, in nanoseconds per event\n");
    println!("| through | p50 | p99 | CPU, all threads |");
    println!("|---|---|---|---|");

    row("the timer alone", events, Dispatch::none(), |_| ());
    row("no subscriber", events, Dispatch::none(), event);

    let log = tracing_appender::rolling::never(dir.path(), "peer.jsonl");
    let (writer, guard) = tracing_appender::non_blocking(log);
    let json = tracing_subscriber::fmt()
        .json()
        .with_writer(writer)
        .finish();
    row(
        "`fmt().json()` into tracing-appender, non-blocking",
        events,
        json.into(),
        event,
    );
    drop(guard);

    let provider = SdkLoggerProvider::builder()
        .with_batch_exporter(Discard)
        .build();
    let bridge = OpenTelemetryTracingBridge::new(&provider);
    let otel = tracing_subscriber::registry().with(bridge);
    row(
        "opentelemetry-appender-tracing, batch, memory only",
        events,
        otel.into(),
        event,
    );
    let _ = provider.shutdown();

    let courier = Courier::builder("bench", "1")
        .dir(dir.path().join("queue"))
        .max_bytes(1 << 30)
        .without_panic_hook()
        .start()
        .expect("a queue in a fresh directory");
    let stack = tracing_subscriber::registry()
        .with(courier.layer())
        .sanitized(courier.sanitizer());
    row(
        "**Courier: gate, rules, trail, disk queue**",
        events,
        stack.into(),
        event,
    );
}

/// The event in question.
fn event(n: u32) {
    let elapsed = f64::from(n) * 0.25;
    info!(
        n,
        elapsed,
        ok = true,
        method = "GET",
        path = "/api/v1/rooms",
        "request {n} answered with {}",
        200
    );
}

fn row(name: &str, events: u32, subscriber: Dispatch, event: impl Fn(u32)) {
    if !is_wanted(name) {
        return;
    }
    tracing::dispatcher::with_default(&subscriber, || {
        let span = info_span!("request", id = 42_u64, user = "u-1");
        let _in = span.enter();
        let before = cpu_time();
        let watch = Stopwatch::time(events, event);
        // What other threads still have to do for these events is part of their price.
        std::thread::sleep(Duration::from_millis(if is_test_run() { 0 } else { 300 }));
        let timed_and_warm = f64::from(events) * 1.1;
        let cpu = (cpu_time() - before).as_nanos() as f64 / timed_and_warm;
        println!(
            "| {name} | {} | {} | {cpu:.0} |",
            watch.quantile(0.5),
            watch.quantile(0.99)
        );
    });
}

/// An exporter that is as fast as can be.
#[derive(Debug)]
struct Discard;

impl LogExporter for Discard {
    async fn export(&self, _batch: LogBatch<'_>) -> OTelSdkResult {
        Ok(())
    }
}
