//! Panics in every way that a program can, one way a run.
//!
//! ```sh
//! cargo run --example panics -- --dir /tmp/field in-a-thread
//! cargo run -p courier-relay -- queue cat /tmp/field
//! ```
//!
//! stdout is for scripts: the program's own panic hook, which was there before, says for each panic whether its record
//! was on disk by then.

use std::fmt;
use std::panic::{self, PanicHookInfo, catch_unwind};
use std::path::PathBuf;
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use tracing::{Event, Subscriber, info};
use tracing_courier::prelude::*;
use tracing_courier::queue::inspect;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::prelude::*;

/// Panics, in one of many ways.
#[derive(Parser)]
struct Args {
    /// The queue's root; made where it is missing.
    #[arg(long, value_name = "ROOT")]
    dir: PathBuf,
    /// Leaves the backtrace out of the record.
    #[arg(long)]
    without_backtrace: bool,
    /// How.
    way: Way,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Way {
    InMain,
    InAThread,
    Caught,
    WithoutASubscriber,
    WithAString,
    WithANumber,
    WithAnError,
    WhilePanicking,
    InALayersLock,
    InsideOfDebug,
    InATokioTask,
    Resumed,
    InAThreadLocalsDrop,
    InAHundredThreads,
}

fn main() {
    let args = Args::parse();
    let dir = args.dir.clone();
    // The program's own hook: Courier's comes before it, and calls it. A hundred of them would take longer to look than
    // the panics take.
    let looks = args.way != Way::InAHundredThreads;
    panic::set_hook(Box::new(move |panic| {
        if looks {
            said_by_then(&dir, panic);
        }
    }));
    let courier = Courier::builder("panics", env!("CARGO_PKG_VERSION")).dir(&args.dir);
    let courier = match args.without_backtrace {
        true => courier.without_backtrace(),
        false => courier,
    };
    let courier = courier.start().expect("the directory can be used");
    if args.way != Way::WithoutASubscriber {
        tracing_subscriber::registry()
            .with(Locking(Mutex::new(())))
            .with(courier.layer())
            .sanitized(courier.sanitizer())
            .init();
    }
    info!("before");
    go(args.way);
}

fn go(way: Way) {
    match way {
        Way::InMain | Way::WithoutASubscriber => panic!("gone for ada@example.org"),
        Way::InAThread => {
            let worker = thread::Builder::new().name("worker".to_owned());
            let worker = worker.spawn(|| panic!("gone for ada@example.org"));
            let _ = worker.expect("a thread").join();
        }
        Way::Caught => drop(catch_unwind(|| panic!("gone for ada@example.org"))),
        Way::WithAString => panic::panic_any(String::from("gone for ada@example.org")),
        Way::WithANumber => panic::panic_any(42),
        Way::WithAnError => {
            upload().expect("the upload");
        }
        Way::WhilePanicking => {
            let _bad = PanicsInDrop;
            panic!("gone for ada@example.org");
        }
        Way::InALayersLock => {
            drop(catch_unwind(|| info!(panics = true, "the layer panics")));
            info!("goes on");
        }
        Way::InsideOfDebug => {
            drop(catch_unwind(|| info!(value = ?PanicsInDebug, "never")));
            info!("goes on");
        }
        Way::InATokioTask => {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            let task = runtime.spawn(async { panic!("gone for ada@example.org") });
            assert!(runtime.block_on(task).expect_err("it panicked").is_panic());
        }
        Way::Resumed => {
            let panicked = catch_unwind(|| panic!("gone for ada@example.org"));
            // The panic goes on elsewhere. No hook is called for it, so there is no second record.
            let carried = panicked.expect_err("it panicked");
            let _ = thread::spawn(|| panic::resume_unwind(carried)).join();
        }
        Way::InAThreadLocalsDrop => {
            thread_local! { static BAD: PanicsInDrop = const { PanicsInDrop } }
            let _ = thread::spawn(|| BAD.with(|_| ())).join();
        }
        Way::InAHundredThreads => hundred(),
    }
}

fn upload() -> std::io::Result<()> {
    Err(std::io::Error::other("gone for ada@example.org"))
}

/// All at once; stderr says how long the slowest was in the hooks.
fn hundred() {
    let barrier = Barrier::new(100);
    let slowest = thread::scope(|scope| {
        let threads: Vec<_> = (0..100)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    let started = Instant::now();
                    drop(catch_unwind(|| panic!("gone for ada@example.org")));
                    started.elapsed()
                })
            })
            .collect();
        let times = threads
            .into_iter()
            .map(|thread| thread.join().expect("caught"));
        times.max()
    });
    eprintln!("the slowest of a hundred: {slowest:?}");
}

/// Whether the panic's record is on disk before anything else happens: this is the hook that ours calls last.
fn said_by_then(dir: &std::path::Path, panic: &PanicHookInfo<'_>) {
    let thread = format!("{:?}", thread::current().id());
    let line = panic.location().map_or(0, |location| location.line());
    let queues = inspect::queues(dir).unwrap_or_default();
    let records: usize = queues
        .iter()
        .flat_map(inspect::StoredQueue::records)
        .filter(|record| {
            let json = String::from_utf8_lossy(&record.json);
            json.contains("\"level\":\"fatal\"") && json.contains(&format!("\"line\":{line}}}"))
        })
        .count();
    // `println!` would panic on a closed pipe, and a panic here ends the program.
    let said = if records > 0 { "on disk" } else { "missing" };
    let _ = std::io::Write::write_all(
        &mut std::io::stdout(),
        format!("{said} {thread}\n").as_bytes(),
    );
}

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("and again");
    }
}

struct PanicsInDebug;

impl fmt::Debug for PanicsInDebug {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("gone for ada@example.org")
    }
}

/// A layer of somebody else's that holds its lock while it works, and panics at a certain field.
struct Locking(Mutex<()>);

impl<S: Subscriber> Layer<S> for Locking {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let _held = self.0.lock();
        let panics = event.metadata().fields().field("panics");
        assert!(panics.is_none(), "gone for ada@example.org");
    }
}
