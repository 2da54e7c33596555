//! What does the relay cost as a whole, from a request to the record in the backend?
//!
//! Drives the real binary: eight connections that send batches of 100 records of about 480 B, HS256, sanitizer on, SQLite
//! spool with full sync, an upstream that takes everything. `cargo bench -p courier-benches --bench relay`; rows by word:
//! `-- load`, `-- outage`, `-- drain`. With `-- --test` everything runs once and small, for CI.

#[path = "relay/load.rs"]
mod load;
#[path = "relay/process.rs"]
mod process;
#[path = "relay/sink.rs"]
mod sink;

use std::time::{Duration, Instant};

use courier_benches::{is_test_run, is_wanted};

use load::Load;
use process::Relay;
use sink::Sink;

fn main() {
    let size = if is_test_run() {
        Size {
            load: Duration::from_millis(300),
            rounds: 1,
            spooled_bytes: 2_000_000,
            side: Duration::from_millis(300),
        }
    } else {
        Size {
            load: Duration::from_secs(6),
            rounds: 3,
            spooled_bytes: 1_000_000_000,
            side: Duration::from_secs(5),
        }
    };
    process::pin_self();
    if is_wanted("load") {
        load_row(&size);
    }
    if is_wanted("outage") {
        outage_row(&size);
    }
    if is_wanted("drain") {
        drain_row(&size);
    }
}

/// How much of everything.
struct Size {
    load: Duration,
    rounds: usize,
    spooled_bytes: u64,
    side: Duration,
}

/// Idle memory, then eight connections as fast as they go.
fn load_row(size: &Size) {
    let dir = tempfile::tempdir().expect("a directory");
    let sink = Sink::start();
    let relay = Relay::start(dir.path(), &sink.endpoint);
    // An idle relay has been asked for a thing or two.
    relay.metric("courier_spool_records");
    println!("idle: {:.1} MB resident", relay.resident_mb());
    println!(
        "\n{CONNECTIONS} connections, 100 records of {} B a batch, relay on one core",
        load::record_bytes()
    );
    println!(
        "{:>12} {:>12} {:>12} {:>8} {:>8} {:>10}",
        "accepted/s", "exported/s", "us CPU/rec", "p50 ms", "p99 ms", "peak MB"
    );
    let mut rows: Vec<[f64; 5]> = (0..size.rounds)
        .map(|round| {
            let (cpu, started) = (relay.cpu(), Instant::now());
            let exported = relay.metric("courier_records_exported_total");
            let done = Load::new(&relay, CONNECTIONS, round).run(size.load);
            let took = started.elapsed();
            relay.wait_until_drained();
            let all = started.elapsed();
            assert_eq!(
                relay.metric("courier_records_exported_total") - exported,
                done.records as f64,
                "all of it is upstream"
            );
            let cpu = (relay.cpu() - cpu).as_secs_f64();
            [
                done.records as f64 / took.as_secs_f64(),
                done.records as f64 / all.as_secs_f64(),
                cpu * 1e6 / done.records as f64,
                done.millis(0.5),
                done.millis(0.99),
            ]
        })
        .collect();
    rows.sort_by(|one, other| one[0].total_cmp(&other[0]));
    let [accepted, exported, cpu, p50, p99] = rows[rows.len() / 2];
    println!(
        "{accepted:>12.0} {exported:>12.0} {cpu:>12.2} {p50:>8.1} {p99:>8.1} {:>10.1}",
        relay.peak_mb()
    );
}

/// The same while the upstream is away: what grows is the disk.
fn outage_row(size: &Size) {
    let dir = tempfile::tempdir().expect("a directory");
    let sink = Sink::start();
    sink.set_away(true);
    let relay = Relay::start(dir.path(), &sink.endpoint);
    let done = Load::new(&relay, CONNECTIONS, 0).run(size.load * 2);
    println!(
        "\noutage: {} records accepted, {:.0} MB wait ({:.0} MB on disk), {:.1} MB resident at most",
        done.records,
        relay.metric("courier_spool_bytes") / 1e6,
        process::disk_mb(dir.path()),
        relay.peak_mb()
    );
}

/// A start with a gigabyte spooled, and its drain beside clients that go on sending.
fn drain_row(size: &Size) {
    let dir = tempfile::tempdir().expect("a directory");
    let sink = Sink::start();
    let relay = Relay::start(dir.path(), &sink.endpoint);
    let alone = Load::new(&relay, 2, 0).paced(PACE).run(size.side);
    sink.set_away(true);
    let mut round = 1;
    while relay.metric("courier_spool_bytes") < size.spooled_bytes as f64 {
        Load::new(&relay, CONNECTIONS, round).run(size.load / 6);
        round += 1;
    }
    let (records, bytes) = (
        relay.metric("courier_spool_records"),
        relay.metric("courier_spool_bytes"),
    );
    relay.kill();
    sink.set_away(false);
    let started = Instant::now();
    let relay = Relay::start(dir.path(), &sink.endpoint);
    let ready = started.elapsed();
    println!(
        "\nstart with {records:.0} records in {:.2} GB spooled ({:.0} MB on disk), after a kill: listening after {:.0} ms",
        bytes / 1e9,
        process::disk_mb(dir.path()),
        ready.as_secs_f64() * 1e3
    );
    let side = Load::new(&relay, 2, 1000).paced(PACE);
    let drained = std::thread::scope(|scope| {
        let beside = scope.spawn(|| side.until(&|| relay.metric("courier_spool_records") < 2000.0));
        let done = beside.join().expect("it ends");
        (done, started.elapsed())
    });
    let (beside, took) = drained;
    println!(
        "drain: {:.0} records/s; a batch beside it every {} ms: p50 {:.1} ms, p99 {:.1} ms (alone {:.1} and {:.1})",
        records / took.as_secs_f64(),
        PACE.as_millis(),
        beside.millis(0.5),
        beside.millis(0.99),
        alone.millis(0.5),
        alone.millis(0.99)
    );
}

/// Connections at once.
const CONNECTIONS: usize = 8;

/// How often each connection beside a drain sends a batch.
const PACE: Duration = Duration::from_millis(20);
