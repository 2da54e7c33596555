//! What does cleaning one text cost, and does it stay in proportion to its length?
//!
//! And what does a gate cost that does nothing?
//!
//! Clean and dirty lines beside formatting the same event with `fmt` and beside a `RegexSet` of the same shapes, all in
//! this run; an event with five fields through a gate without policy and through none, and a disabled one; near-miss inputs of each kind at 16 KiB, 256 KiB and 1 MiB; heap allocations of a clean text.
//! `sanitize_peers.py` beside this file measures Python's peers on the same lines.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt;
use std::hint::black_box;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use regex::RegexSet;
use tracing::field::{Field, Visit};
use tracing::{Dispatch, Event, Subscriber};
use tracing_courier::sanitize::{Place, Policy, Sanitizer};
use tracing_courier::{SanitizeExt as _, SanitizeLayer};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;

const CLEAN: [&str; 4] = [
    "upload of part 3 of 4 finished in 12.5 ms, status 200, retried false, queue depth 17, next flush in 30 s ok",
    "accepted connection, handing it to worker 7; the pool has 12 idle and 4 busy members, none was dropped yet ..",
    "GET /api/v1/rooms/42/messages?page=2&sort=desc took 88 ms and gave 50 rows from the cache of the west side ..",
    "segment seg-0000000000000007.jsonl sealed after 655360 bytes and 1800 records; opening the next one at seq 41",
];
const SHORT: &str = "cache miss for room 42 now";
const DIRTY: &str = "login failed for ann.lee@example.com with password=hunter2 on try 3";

#[global_allocator]
static ALLOCATOR: Counting = Counting;
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, counted.
struct Counting;

// SAFETY: each call is handed on to the system's allocator as it came.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        unsafe { System.dealloc(block, layout) }
    }
}

fn main() {
    let once = std::env::args().any(|argument| argument == "--test");
    let budget = if once {
        Duration::ZERO
    } else {
        Duration::from_millis(200)
    };
    let first = Instant::now();
    let sanitizer = Sanitizer::default();
    black_box(sanitizer.clean(Place::Message, SHORT));
    println!(
        "first use, tables built: {:.2} ms\n",
        first.elapsed().as_secs_f64() * 1e3
    );
    lines(&sanitizer, budget);
    allocations(&sanitizer);
    gate(budget);
    near_misses(budget, once);
}

/// Nanoseconds a call, the best of several rounds: what else runs on the machine only ever adds.
fn nanos(budget: Duration, mut work: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    let until = Instant::now() + budget;
    let mut calls = 1_u32;
    loop {
        let start = Instant::now();
        for _ in 0..calls {
            work();
        }
        let elapsed = start.elapsed();
        best = best.min(elapsed.as_secs_f64() * 1e9 / f64::from(calls));
        if Instant::now() >= until {
            return best;
        }
        if elapsed < Duration::from_millis(5) {
            calls = calls.saturating_mul(2);
        }
    }
}

fn lines(sanitizer: &Sanitizer, budget: Duration) {
    let regexes = RegexSet::new(SHAPES).unwrap();
    let mut buffer = String::with_capacity(4096);
    let mut row = |what: &str, texts: &[&str]| {
        let mut next = texts.iter().cycle();
        let ours = nanos(budget, || {
            black_box(sanitizer.clean(Place::Message, next.next().unwrap()));
        });
        let in_place = nanos(budget, || {
            buffer.clear();
            buffer.push_str(next.next().unwrap());
            black_box(sanitizer.clean_into(Place::Message, &mut buffer, 0));
        });
        let set = nanos(budget, || {
            black_box(regexes.matches(next.next().unwrap()).matched_any());
        });
        println!("{what:<24} {ours:>10.0} {in_place:>10.0} {set:>10.0}");
    };
    println!(
        "{:<24} {:>10} {:>10} {:>10}",
        "ns a text", "clean", "clean_into", "RegexSet"
    );
    row("clean, 108 B", &CLEAN);
    row("clean, 26 B", &[SHORT]);
    row("dirty, 67 B", &[DIRTY]);
    let varied: Vec<String> = (0..491)
        .map(|n| format!("job {n} of u{n}@host{n}.example.com: token=t{n}x{n}, took {n} ms"))
        .collect();
    let varied: Vec<&str> = varied.iter().map(String::as_str).collect();
    row("dirty, 491 different", &varied);
    println!(
        "{:<24} {:>10.0}\n",
        "fmt, the same event",
        formatted(budget)
    );
}

/// What stock `fmt` takes to format the clean event, into nothing.
fn formatted(budget: Duration) -> f64 {
    let subscriber = tracing_subscriber::fmt().with_writer(io::sink).finish();
    tracing::subscriber::with_default(subscriber, || {
        let mut next = CLEAN.iter().cycle();
        nanos(budget, || tracing::info!("{}", next.next().unwrap()))
    })
}

fn allocations(sanitizer: &Sanitizer) {
    let mut buffer = CLEAN.concat();
    let mut counted = |dirty: &str| {
        buffer.clear();
        buffer.push_str(dirty);
        black_box(sanitizer.clean_into(Place::Message, &mut buffer, 0));
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        for text in CLEAN {
            black_box(sanitizer.clean(Place::Message, text));
        }
        let clean = ALLOCATIONS.load(Ordering::Relaxed) - before;
        buffer.clear();
        buffer.push_str(dirty);
        black_box(sanitizer.clean_into(Place::Message, &mut buffer, 0));
        (clean, ALLOCATIONS.load(Ordering::Relaxed) - before - clean)
    };
    let (clean, dirty) = counted(DIRTY);
    println!(
        "heap allocations: {clean} for {} clean texts, {dirty} for a dirty one in place\n",
        CLEAN.len()
    );
    assert_eq!((clean, dirty), (0, 0));
}

/// A layer that reads every value, as all do that do anything.
struct Reader;

struct Sink;

impl Visit for Sink {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        black_box((field, value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        black_box((field, value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        black_box((field, value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        black_box((field, value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        black_box((field, value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        black_box((field, value));
    }
}

impl<S: Subscriber> Layer<S> for Reader {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut Sink);
    }
}

fn gate(budget: Duration) {
    let event = || {
        tracing::info!(
            n = 7_u64,
            path = "/api/v1/rooms",
            ok = true,
            ratio = 0.5,
            left = -3_i64,
            "answered"
        );
    };
    const ROUNDS: u32 = 8;
    let measure = |stack: &Dispatch| {
        tracing::dispatcher::with_default(stack, || nanos(budget / ROUNDS, event))
    };
    let to_sink = || {
        tracing_subscriber::fmt::layer()
            .with_writer(io::sink)
            .with_ansi(false)
    };
    println!(
        "{:<34} {:>8} {:>8} {:>8}",
        "ns an event, five fields", "raw", "gated", "more"
    );
    let row = |what: &str, raw: Dispatch, gated: Dispatch| {
        // In turns, the fastest of each: what the machine does beside it only ever adds.
        let (mut fastest_raw, mut fastest_gated) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..ROUNDS {
            fastest_raw = fastest_raw.min(measure(&raw));
            fastest_gated = fastest_gated.min(measure(&gated));
        }
        let more = fastest_gated - fastest_raw;
        println!("{what:<34} {fastest_raw:>8.1} {fastest_gated:>8.1} {more:>8.1}");
    };
    row(
        "a layer that reads, no policy",
        registry().with(Reader).into(),
        registry()
            .with(Reader)
            .sanitized(SanitizeLayer::none())
            .into(),
    );
    row(
        "fmt, no policy",
        registry().with(to_sink()).into(),
        registry()
            .with(to_sink())
            .sanitized(SanitizeLayer::none())
            .into(),
    );
    row(
        "fmt, default policy",
        registry().with(to_sink()).into(),
        registry()
            .with(to_sink())
            .sanitized(SanitizeLayer::default())
            .into(),
    );
    let filtered = registry()
        .with(Reader.with_filter(LevelFilter::INFO))
        .sanitized(SanitizeLayer::default());
    let disabled = tracing::dispatcher::with_default(&filtered.into(), || {
        nanos(budget, || {
            tracing::debug!(n = 7_u64, path = "/api/v1/rooms", ok = true, "answered");
        })
    });
    println!("{:<34} {:>8} {disabled:>8.1}\n", "a disabled callsite", "");
}

fn near_misses(budget: Duration, once: bool) {
    let sanitizer = Sanitizer::new(&Policy::new().max_string_bytes(4 << 20));
    // What it is, its head, and what is repeated behind that. The last rows are no near misses: they are full of secrets.
    let inputs: [(&str, &str, &str); 27] = [
        ("colons", "", ":"),
        ("eyJ", "", "eyJ"),
        ("eyJ.", "", "eyJ."),
        ("quotes", "", "\""),
        ("a quote left open", "password=\"", "x"),
        ("a bracket left open", "secret={", "x,"),
        (
            "BEGIN without END",
            "-----BEGIN PRIVATE KEY-----\n",
            "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n",
        ),
        ("BEGIN again and again", "", "-----BEGIN "),
        ("certificates", "", "-----BEGIN CERTIFICATE-----"),
        ("digits", "", "4"),
        ("digits and dots", "", "1."),
        ("digits and hyphens", "", "123-45-"),
        ("cards, almost", "", "4111 "),
        ("hex groups", "", "ab1:"),
        ("at signs", "", "a@"),
        ("hosts", "", "a@b."),
        ("schemes", "", "a://b:c"),
        ("names", "", "token "),
        ("names in one", "", "token_"),
        ("backslashes", "", "\\\""),
        ("homes", "", "/home/"),
        ("slashes", "", "//"),
        ("bearer", "", "bearer "),
        ("percent", "", "%40%22%3D"),
        (
            "prose",
            "",
            "the parcel was weighed, stamped and sent on its way in the morning. ",
        ),
        ("secrets only", "", "password=\""),
        ("private keys only", "", "-----BEGIN PRIVATE KEY-----"),
    ];
    println!(
        "{:<24} {:>10} {:>10} {:>10}",
        "MB/s", "16 KiB", "256 KiB", "1 MiB"
    );
    for (what, head, piece) in inputs {
        print!("{what:<24}");
        for size in [16 << 10, 256 << 10, 1 << 20] {
            let text = head.to_owned() + &piece.repeat(size / piece.len());
            let budget = if once { Duration::ZERO } else { budget / 2 };
            let nanos = nanos(budget, || {
                black_box(sanitizer.clean(Place::Message, &text));
            });
            print!(" {:>10.0}", text.len() as f64 * 1e3 / nanos);
        }
        println!();
    }
}

/// The shapes of our rules as plain expressions, for scale; they find less.
const SHAPES: [&str; 22] = [
    r"(?i)(password|passwd|pwd|secret|token|auth|api[_-]?key|credential|cookie)\s*[=:]\s*\S+",
    r"(?i)bearer\s+[A-Za-z0-9._~+/=-]{8,}",
    r"(?i)basic\s+[A-Za-z0-9+/=]{8,}",
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,253}\.[A-Za-z]{2,}",
    r"\b\d{3}-\d{2}-\d{4}\b",
    r"\b(?:\d[ -]?){13,19}\b",
    r"\b\d{1,3}(\.\d{1,3}){3}\b",
    r"(?i)\b[0-9a-f]{1,4}(:[0-9a-f]{0,4}){2,7}\b",
    r"://[^/\s:@]+:[^/\s@]+@",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    r"\b(AKIA|ASIA)[A-Z0-9]{16}\b",
    r"\bgh[pousr]_[A-Za-z0-9]{36}\b",
    r"\bglpat-[A-Za-z0-9_-]{20}\b",
    r"\bxox[abprs]-[A-Za-z0-9-]{10,}\b",
    r"\b[sr]k_(live|test)_[A-Za-z0-9]{10,}\b",
    r"\bAIza[A-Za-z0-9_-]{35}\b",
    r"\bnpm_[A-Za-z0-9]{36}\b",
    r"/home/[^/\s]+",
    r"/Users/[^/\s]+",
    r"(?i)c:\\users\\[^\\\s]+",
    r"\b(TOP SECRET|SECRET|CONFIDENTIAL|CUI)//[A-Z]+",
];
