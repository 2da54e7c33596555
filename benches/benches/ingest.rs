//! What does a record cost the relay between a body and an encoded `ResourceLogs`?
//!
//! `cargo bench -p courier-benches --bench ingest`; with `-- --test` everything runs once and small, for CI. Medians of
//! one run on one core. The floor is what nobody can avoid: `serde_json` passing over the text without keeping anything,
//! and `prost` encoding the finished message.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use courier_relay::convert;
use jiff::Timestamp;
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use prost::Message;
use serde::de::IgnoredAny;
use tracing_courier::sanitize::{Policy, Sanitizer};

/// Counts what is asked of the system's allocator.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

#[allow(
    unsafe_code,
    reason = "the only way to count allocations; it hands everything on"
)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const RECORDS: usize = 100;

fn main() {
    let is_test = std::env::args().any(|argument| argument == "--test");
    let rounds = if is_test { 3 } else { 2000 };
    let body = body();
    println!("{RECORDS} records of {} B\n", body.len() / RECORDS);
    println!(
        "{:<52} {:>10} {:>12} {:>8}",
        "", "ns/record", "records/s", "allocs"
    );

    let now = Timestamp::now();
    let frame = convert(&body, "user-abc", now, None)
        .expect("a batch")
        .frame;
    let logs = ResourceLogs::decode(&frame[..]).expect("it decodes");
    let tokenise = row("tokenise only (serde_json, nothing kept)", rounds, || {
        black_box(serde_json::from_slice::<IgnoredAny>(&body).expect("JSON"));
    });
    let encode = row("encode only (prost)", rounds, || {
        black_box(logs.encode_to_vec());
    });
    let ours = row("body to encoded ResourceLogs", rounds, || {
        black_box(convert(&body, "user-abc", now, None).expect("a batch"));
    });
    let sanitizer = Sanitizer::new(&Policy::new());
    row("the same with the sanitizer", rounds, || {
        black_box(convert(&body, "user-abc", now, Some(&sanitizer)).expect("a batch"));
    });
    println!(
        "\nagainst the floor (tokenise + encode): {:.2} x",
        ours / (tokenise + encode)
    );
}

fn row(name: &str, rounds: usize, mut work: impl FnMut()) -> f64 {
    work();
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    work();
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    let mut times: Vec<u128> = (0..rounds)
        .map(|_| {
            let started = Instant::now();
            work();
            started.elapsed().as_nanos()
        })
        .collect();
    times.sort_unstable();
    let median = times[times.len() / 2] as f64 / RECORDS as f64;
    println!(
        "{name:<52} {median:>10.0} {:>12.0} {:>8.1}",
        1e9 / median,
        allocations as f64 / RECORDS as f64
    );
    median
}

/// A batch as `tracing-courier` sends it: ids in the context, seven typed attributes, every tenth an error.
fn body() -> Vec<u8> {
    let logs: Vec<String> = (0..RECORDS)
        .map(|n| {
            let error = if n % 10 == 0 {
                r#","error":"Timeout: no answer in 5 s","stackTrace":"   0: app::sync::upload\n             at src/sync.rs:41:9\n   1: app::main\n             at src/main.rs:12:5""#
            } else {
                ""
            };
            let level = if n % 10 == 0 { "error" } else { "info" };
            format!(
                r#"{{"q":"{n:016x}-000001f3-9c0d11e2","timestamp":"2026-02-06T12:00:00.{n:06}Z","level":"{level}","logger":"app::sync::upload","message":"uploaded part {n} of the survey to the depot, all well, nothing left behind and nobody waiting","attributes":{{"http_status":200,"elapsed_ms":{n}.25,"retried":false,"part":{n},"route":"/api/v1/surveys","region":"eu-central","peer":"depot-7"}},"spans":["request","upload"],"location":{{"file":"src/sync.rs","line":41}}{error}}}"#
            )
        })
        .collect();
    format!(
        r#"{{"resource":{{"service.name":"field-app","service.version":"1.4.2","os.name":"linux","host.arch":"x86_64"}},"context":{{"queue":"9f86d081884c7d65","installId":"7d0f4c0e-7a2b-4f7e-9a51-0d6c3d7b1a11","sessionId":"0e2f7c1a-2b3c-4d5e-8f90-123456789abc","userId":"user-abc"}},"logs":[{}]}}"#,
        logs.join(",")
    )
    .into_bytes()
}
