//! A field program for trials and chaos runs: logs numbered records through the full stack.
//!
//! ```sh
//! cargo run --release --example field_app -- --dir /tmp/field --records 5
//! ```
//!
//! stdout is for scripts: each acknowledged number with `--print-acked`, and at the end the flush report as one line
//! of JSON. Everything else goes to stderr.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytesize::ByteSize;
use clap::{Parser, ValueEnum};
use courier_examples::dynamic;
use tracing::{info, trace};
use tracing_courier::Clock;
use tracing_courier::prelude::*;
use tracing_courier::queue::Fsync;
use tracing_subscriber::prelude::*;

/// Logs numbered records through the full stack.
#[derive(Parser)]
struct Args {
    /// The queue's root; made where it is missing.
    #[arg(long, value_name = "ROOT")]
    dir: PathBuf,
    /// The relay's base URL; without it records are only queued.
    #[arg(long, value_name = "BASE_URL")]
    relay: Option<String>,
    /// The bearer token for the relay.
    #[arg(long, value_name = "T")]
    token: Option<String>,
    /// How many records.
    #[arg(long, value_name = "N", default_value_t = 100)]
    records: u64,
    /// Records a second; by default as fast as it goes.
    #[arg(long, value_name = "R")]
    rate: Option<f64>,
    /// Who is logged in.
    #[arg(long, value_name = "U")]
    user: Option<String>,
    /// Panics after this record.
    #[arg(long, value_name = "K")]
    panic_at: Option<u64>,
    /// Prints each number once the logging call has returned.
    #[arg(long)]
    print_acked: bool,
    /// Time between sends when nothing urgent was logged.
    #[arg(long, value_name = "D", default_value = "30s", value_parser = humantime::parse_duration)]
    flush_every: Duration,
    /// How long the last flush may take.
    #[arg(long, value_name = "D", default_value = "20s", value_parser = humantime::parse_duration)]
    flush_deadline: Duration,
    /// The cap of the queue on disk.
    #[arg(long, value_name = "B", default_value = "1GiB")]
    max_bytes: ByteSize,
    /// When the queue is synced to disk.
    #[arg(long, value_enum, default_value_t = Sync::Fatal)]
    fsync: Sync,
    /// Logs a TRACE record, without a number, after each.
    #[arg(long)]
    trace: bool,
    /// Puts a stock `fmt` layer that writes to stderr into the same stack.
    #[arg(long)]
    fmt: bool,
    /// On SIGTERM and Ctrl-C, sends what is there before the program ends by it.
    #[arg(long)]
    finish_on_signals: bool,
    /// Goes to this directory once it has started.
    #[arg(long, value_name = "DIR")]
    chdir: Option<PathBuf>,
    /// Has a clock that begins in 1970, as a board without a clock chip does, and is set after this record.
    #[arg(long, value_name = "K")]
    set_clock_at: Option<u64>,
    /// How much of the file system is left to others; by default a hundredth.
    #[arg(long, value_name = "B")]
    keep_free: Option<ByteSize>,
    /// Fails where the directory can't be used; by default records wait in memory then.
    #[arg(long)]
    strict: bool,
    /// Logs one more record with this message, in a span of its own.
    #[arg(long, value_name = "TEXT")]
    say: Option<String>,
    /// A string attribute of that record and of its span.
    #[arg(long, value_name = "K=V", value_parser = attribute)]
    attr: Vec<(String, String)>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Sync {
    Never,
    Interval,
    Fatal,
    Always,
}

impl From<Sync> for Fsync {
    fn from(sync: Sync) -> Self {
        match sync {
            Sync::Never => Self::Never,
            Sync::Interval => Self::Interval(Duration::from_secs(1)),
            Sync::Fatal => Self::Fatal,
            Sync::Always => Self::Always,
        }
    }
}

fn attribute(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is no `NAME=VALUE`")),
    }
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("field_app: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    let mut courier = Courier::builder("field_app", env!("CARGO_PKG_VERSION"))
        .dir(&args.dir)
        .max_bytes(args.max_bytes.as_u64())
        .fsync(args.fsync.into());
    if let Some(relay) = &args.relay {
        courier = courier.relay(relay).flush_every(args.flush_every);
    }
    if let Some(token) = &args.token {
        courier = courier.token(token);
    }
    if let Some(user) = &args.user {
        courier = courier.user(user);
    }
    if let Some(bytes) = args.keep_free {
        courier = courier.keep_free(bytes.as_u64());
    }
    let clock = args.set_clock_at.map(BoardClock::new);
    if let Some(clock) = &clock {
        courier = courier.clock(Clock::Manual(Arc::clone(&clock.shows)));
    }
    let courier = match args.strict {
        true => courier.try_start(),
        false => courier.start(),
    };
    let courier = courier.context("cannot start")?;
    if let Some(dir) = &args.chdir {
        std::env::set_current_dir(dir).context("cannot go there")?;
    }
    #[cfg(unix)]
    if args.finish_on_signals {
        courier.finish_on_signals().context("cannot hook signals")?;
    }

    let console = args
        .fmt
        .then(|| tracing_subscriber::fmt::layer().with_writer(io::stderr));
    tracing_subscriber::registry()
        .with(console)
        .with(courier.layer())
        .sanitized(courier.sanitizer())
        .init();

    log(args, clock.as_ref());
    let report = courier.flush(args.flush_deadline);
    say(&serde_json::to_string(&report)?);
    Ok(())
}

/// The clock of a board without a clock chip.
struct BoardClock {
    /// Unix nanoseconds.
    shows: Arc<AtomicI64>,
    booted: Instant,
    set_at: u64,
}

impl BoardClock {
    fn new(set_at: u64) -> Self {
        let clock = Self {
            shows: Arc::default(),
            booted: Instant::now(),
            set_at,
        };
        clock.tick(0);
        clock
    }

    fn tick(&self, n: u64) {
        let nanos = match n > self.set_at {
            true => jiff::Timestamp::now().as_nanosecond(),
            false => UPTIME_NANOS + self.booted.elapsed().as_nanos() as i128,
        };
        let nanos = i64::try_from(nanos).unwrap_or_default();
        self.shows.store(nanos, Ordering::Relaxed);
    }
}

/// How long after the begin of 1970 the program starts: 12 s, a short boot.
const UPTIME_NANOS: i128 = 12_000_000_000;

fn log(args: &Args, clock: Option<&BoardClock>) {
    let start = Instant::now();
    for n in 0..args.records {
        if let Some(clock) = clock {
            clock.tick(n);
        }
        if let Some(rate) = args.rate {
            let due = Duration::try_from_secs_f64(n as f64 / rate).unwrap_or(Duration::ZERO);
            std::thread::sleep(due.saturating_sub(start.elapsed()));
        }
        info!(n, "record");
        if args.print_acked {
            say(&n.to_string());
        }
        if args.trace {
            trace!("step");
        }
        assert!(args.panic_at != Some(n), "asked to panic after record {n}");
    }
    if args.say.is_some() || !args.attr.is_empty() {
        let message = args.say.as_deref().unwrap_or_default();
        dynamic::span("say", &args.attr).in_scope(|| dynamic::info(message, &args.attr));
    }
}

/// A line on stdout. Whoever read it may be gone: that is no reason to stop.
fn say(line: &str) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
