//! What the benches share: a stopwatch for the caller's cost, and the CPU time of the whole process.

use std::fs;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// True when the bench shall only show that it works: `cargo bench -- --test`.
#[must_use]
pub fn is_test_run() -> bool {
    std::env::args().any(|arg| arg == "--test")
}

/// True for a row that the command line asks for: all rows, or those whose name has one of its words.
#[must_use]
pub fn is_wanted(row: &str) -> bool {
    let mut words = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with("--"))
        .peekable();
    words.peek().is_none() || words.any(|word| row.to_lowercase().contains(&word.to_lowercase()))
}

/// Times single calls.
#[derive(Debug)]
pub struct Stopwatch {
    nanos: Histogram<u64>,
}

impl Stopwatch {
    /// One that has timed nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            nanos: Histogram::new(3).expect("three digits are allowed"),
        }
    }

    /// Calls `f` this often, after a tenth of that to warm up, and times each call.
    pub fn time(calls: u32, f: impl FnMut(u32)) -> Self {
        let mut watch = Self::new();
        watch.time_more(calls, f);
        watch
    }

    /// The same again, into the same figures.
    pub fn time_more(&mut self, calls: u32, mut f: impl FnMut(u32)) {
        (0..calls / 10).for_each(&mut f);
        for call in 0..calls {
            let start = Instant::now();
            f(call);
            let elapsed = start.elapsed().as_nanos() as u64;
            self.nanos.record(elapsed).expect("it grows by itself");
        }
    }

    /// The time that this part of the calls took at most, in nanoseconds: 0.5 for the median.
    #[must_use]
    pub fn quantile(&self, part: f64) -> u64 {
        self.nanos.value_at_quantile(part)
    }
}

impl Default for Stopwatch {
    fn default() -> Self {
        Self::new()
    }
}

/// CPU time of all threads of this process that are alive, so far.
///
/// From the scheduler's own count in nanoseconds where there is one (Linux), else zero.
#[must_use]
pub fn cpu_time() -> Duration {
    let Ok(tasks) = fs::read_dir("/proc/self/task") else {
        return Duration::ZERO;
    };
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("schedstat")).ok())
        .filter_map(|stat| stat.split_whitespace().next()?.parse().ok())
        .map(Duration::from_nanos)
        .sum()
}
