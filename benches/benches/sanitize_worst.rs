//! What does the dearest text of 64 KiB cost, and how far is it from the end?
//!
//! Each literal that a rule begins with, and a sample of what each rule takes, repeated up to the cap: milliseconds of
//! this thread, steps a byte, and the share of the steps that such a text may take. The dearest twenty are printed; with
//! `-- --all` all are, beside their costs at a quarter and a sixteenth of the size.

use std::hint::black_box;
use std::time::Duration;

use tracing_courier::sanitize::{Place, Policy, Profile, Sanitizer, literals};

/// The length that texts are cut at by default.
const CAP: usize = 64 * 1024;
/// What is dear in other ways: endings that lie just too far for a token, quotes and brackets that are never closed,
/// marks that could end something.
const FOUND: &[&str] = &[
    "$5$-",
    "-$6$",
    "%27-pw=",
    "'key'",
    " key=k7",
    "htpasswd: ",
    "\"\"rabbitmqctl\"\"",
    "\n  sig={",
    "\njwt=[",
    "<jwt:|\n ",
    "<sig=",
    "''curl -",
    " -P ",
    "password: { {\n",
];

struct Row {
    piece: String,
    millis: [f64; 3],
    steps_a_byte: f64,
    share: f64,
}

fn main() {
    let has = |flag: &str| std::env::args().any(|argument| argument == flag);
    let tries = if has("--test") { 1 } else { 5 };
    let strict = Sanitizer::new(&Policy::new().profile(Profile::Strict));
    let policies = [
        ("default", Sanitizer::default(), Place::Message),
        ("strict, a stack trace", strict, Place::Stack),
    ];
    for (name, sanitizer, place) in policies {
        let mut rows: Vec<Row> = literals()
            .chain(FOUND.iter().copied())
            .map(|piece| row(&sanitizer, place, piece, tries))
            .collect();
        rows.sort_by(|a, b| b.millis[2].total_cmp(&a.millis[2]));
        println!(
            "{name}: {} pieces\n{:>9} {:>9} {:>9} {:>8} {:>6}",
            rows.len(),
            "4 KiB, ms",
            "16 KiB",
            "64 KiB",
            "steps/B",
            "share"
        );
        let count = if has("--all") { rows.len() } else { 20 };
        for row in rows.iter().take(count) {
            let [small, middle, large] = row.millis;
            let piece: String = format!("{:?}", row.piece).chars().take(60).collect();
            println!(
                "{small:>9.3} {middle:>9.3} {large:>9.3} {:>8.1} {:>6.2}  {piece}",
                row.steps_a_byte, row.share
            );
        }
        println!();
    }
}

fn row(sanitizer: &Sanitizer, place: Place, piece: &str, tries: usize) -> Row {
    let text = piece.repeat(CAP / piece.len());
    let cost = sanitizer.cost(place, &text);
    let millis = [CAP / 16, CAP / 4, CAP].map(|size| {
        let text = piece.repeat(size / piece.len());
        let times = (0..tries).map(|_| {
            let start = worked();
            black_box(sanitizer.clean(place, &text));
            worked().saturating_sub(start)
        });
        times.min().unwrap_or_default().as_secs_f64() * 1e3
    });
    Row {
        piece: piece.to_owned(),
        millis,
        steps_a_byte: cost.steps as f64 / text.len() as f64,
        share: cost.steps as f64 / cost.most as f64,
    }
}

/// The time that this thread has worked: on a busy machine less than what has passed.
#[cfg(unix)]
fn worked() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(not(unix))]
fn worked() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> =
        std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}
