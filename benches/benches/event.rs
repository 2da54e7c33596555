//! What does one event cost the caller: five typed fields and a formatted message, inside a span with two fields?
//!
//! `cargo bench -p courier-benches --bench event`. The peers run in the same process, in turns, and each row includes
//! the timer's own cost, which is the first row. Since all of their subscribers are there all the time, `tracing` asks
//! whether an event is on, some 20 ns in each row but the first. CPU counts every thread that works for the row. A word
//! behind `--` picks the rows that have it in their name. Last comes a burst of four threads: who loses how much of it.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use courier_benches::{Stopwatch, cpu_time, is_test_run, is_wanted};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogBatch, LogExporter, SdkLoggerProvider};
use sentry_core::test::TestTransport;
use tracing::{Dispatch, info, info_span};
use tracing_courier::Courier;
use tracing_courier::prelude::*;
use tracing_subscriber::prelude::*;

fn main() {
    let events = if is_test_run() { 200 } else { 200_000 };
    let dir = tempfile::tempdir().expect("a temporary directory");

    let log = tracing_appender::rolling::never(dir.path(), "peer.jsonl");
    let (writer, _flushed) = tracing_appender::non_blocking(log);
    let json = tracing_subscriber::fmt()
        .json()
        .with_writer(writer)
        .finish();

    let provider = SdkLoggerProvider::builder()
        .with_batch_exporter(Discard)
        .build();
    let bridge = OpenTelemetryTracingBridge::new(&provider);
    let otel = tracing_subscriber::registry().with(bridge);

    let options = sentry_core::ClientOptions::new()
        .dsn("https://public@sentry.invalid/1")
        .transport(TestTransport::new());
    let client = Arc::new(sentry_core::Client::from(options));
    let hub = Arc::new(sentry_core::Hub::new(Some(client), Arc::default()));
    let sentry = tracing_subscriber::registry()
        .with(sentry_tracing::SpanLayer::new())
        .with(sentry_tracing::BreadcrumbLayer::new());

    let courier = Courier::builder("bench", "1")
        .dir(dir.path().join("queue"))
        .max_bytes(1 << 30)
        .without_panic_hook()
        .start()
        .expect("a queue in a fresh directory");
    let stack = tracing_subscriber::registry()
        .with(courier.layer())
        .sanitized(courier.sanitizer());

    // One that never runs out: what is measured is the look at it.
    let budgeted = Courier::builder("bench", "1")
        .dir(dir.path().join("budgeted"))
        .max_bytes(1 << 30)
        .budget(u32::MAX)
        .without_panic_hook()
        .start()
        .expect("a queue in a fresh directory");
    let budgeted_stack = tracing_subscriber::registry()
        .with(budgeted.layer())
        .sanitized(budgeted.sanitizer());
    // One that is used up at once.
    let spent = Courier::builder("bench", "1")
        .dir(dir.path().join("spent"))
        .budget(1)
        .without_panic_hook()
        .start()
        .expect("a queue in a fresh directory");
    let spent_stack = tracing_subscriber::registry()
        .with(spent.layer())
        .sanitized(spent.sanitizer());

    let mut rows = vec![
        Row::new("the timer alone", Dispatch::none(), |_| ()),
        Row::new("no subscriber", Dispatch::none(), event),
        Row::new(
            "`fmt().json()` into tracing-appender, non-blocking",
            json.into(),
            event,
        ),
        Row::new(
            "opentelemetry-appender-tracing, batch, memory only",
            otel.into(),
            event,
        ),
        Row::new(
            "sentry-tracing, a breadcrumb in memory",
            sentry.into(),
            event,
        ),
        Row::new(
            "**Courier: gate, rules, trail, disk queue**",
            stack.into(),
            event,
        ),
        Row::new(
            "Courier, with a budget that holds",
            budgeted_stack.into(),
            event,
        ),
        Row::new(
            "Courier, with a budget that is used up: left out",
            spent_stack.into(),
            event,
        ),
    ];
    rows.retain(|row| is_wanted(row.name));

    println!("{events} events each in {ROUNDS} rounds, in nanoseconds per event\n");
    sentry_core::Hub::run(hub, || {
        // In turns: the machine is faster at one time than at another.
        for _ in 0..ROUNDS {
            rows.iter_mut().for_each(|row| row.run(events / ROUNDS));
        }
    });
    println!("| through | p50 | p99 | CPU, all threads |");
    println!("|---|---|---|---|");
    for row in &rows {
        println!(
            "| {} | {} | {} | {:.0} |",
            row.name,
            row.watch.quantile(0.5),
            row.watch.quantile(0.99),
            row.cpu.as_nanos() as f64 / f64::from(row.events)
        );
    }
    drop(rows);
    let _ = provider.shutdown();
    drop((courier, budgeted, spent));
    bursts(dir.path(), events / 4);
}

/// Four threads at once, as fast as they can.
fn bursts(dir: &Path, events_each: u32) {
    println!("\n4 threads, {events_each} events each, as fast as they can: lost\n");
    let log = tracing_appender::rolling::never(dir, "burst.jsonl");
    let (writer, guard) = tracing_appender::non_blocking(log);
    let dropped = writer.error_counter();
    let json = tracing_subscriber::fmt().json().with_writer(writer);
    burst(json.finish().into(), events_each);
    drop(guard);
    println!("- tracing-appender: {}", dropped.dropped_lines());

    let provider = SdkLoggerProvider::builder()
        .with_batch_exporter(Discard)
        .build();
    let exported = EXPORTED.load(Ordering::Relaxed);
    let bridge = OpenTelemetryTracingBridge::new(&provider);
    burst(
        tracing_subscriber::registry().with(bridge).into(),
        events_each,
    );
    let _ = provider.shutdown();
    let exported = EXPORTED.load(Ordering::Relaxed) - exported;
    let lost = u64::from(4 * events_each) - exported;
    println!("- opentelemetry-appender-tracing: {lost}");

    let courier = Courier::builder("bench", "1")
        .dir(dir.join("burst"))
        .max_bytes(1 << 30)
        .without_panic_hook()
        .start()
        .expect("a queue in a fresh directory");
    let before = courier.queue().pending().records;
    let stack = tracing_subscriber::registry()
        .with(courier.layer())
        .sanitized(courier.sanitizer());
    burst(stack.into(), events_each);
    let on_disk = courier.queue().pending().records - before;
    let lost = u64::from(4 * events_each) - on_disk;
    println!("- Courier: {lost}");
}

fn burst(subscriber: Dispatch, events_each: u32) {
    let together = Barrier::new(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                tracing::dispatcher::with_default(&subscriber, || {
                    together.wait();
                    (0..events_each).for_each(event);
                });
            });
        }
    });
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

/// How often each row has its turn.
const ROUNDS: u32 = 10;

/// A way to log, and what it has cost so far.
struct Row {
    name: &'static str,
    subscriber: Dispatch,
    event: fn(u32),
    watch: Stopwatch,
    cpu: Duration,
    events: u32,
}

impl Row {
    fn new(name: &'static str, subscriber: Dispatch, event: fn(u32)) -> Self {
        Self {
            name,
            subscriber,
            event,
            watch: Stopwatch::new(),
            cpu: Duration::ZERO,
            events: 0,
        }
    }

    fn run(&mut self, events: u32) {
        tracing::dispatcher::with_default(&self.subscriber, || {
            let span = info_span!("request", id = 42_u64, user = "u-1");
            let _in = span.enter();
            let before = cpu_time();
            self.watch.time_more(events, self.event);
            // What other threads still have to do for these events is part of their price.
            std::thread::sleep(Duration::from_millis(if is_test_run() { 0 } else { 300 }));
            self.cpu += cpu_time() - before;
            self.events += events + events / 10;
        });
    }
}

/// What [`Discard`] was given.
static EXPORTED: AtomicU64 = AtomicU64::new(0);

/// An exporter that is as fast as can be.
#[derive(Debug)]
struct Discard;

impl LogExporter for Discard {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        EXPORTED.fetch_add(batch.iter().count() as u64, Ordering::Relaxed);
        Ok(())
    }
}
