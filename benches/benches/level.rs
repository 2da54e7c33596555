//! What do the levels cost: a callsite that is off, one that is on, and the moment when they change?
//!
//! `cargo bench -p courier-benches --bench level`. All filters have the same 50 module rules and the same layer behind
//! them, which does nothing. "Agreed" is a filter alone in its stack: `tracing` remembers its answer for each callsite.
//! "Asked" is one beside a console that stays at INFO: then each event asks. Each row is the fastest of many rounds,
//! since whatever else runs on the machine only adds. A word behind `--` picks the rows that have it in their name.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use courier_benches::{Stopwatch, is_test_run, is_wanted};
use tracing::{Dispatch, Subscriber, dispatcher, enabled, trace};
use tracing_core::callsite::{self, Callsite, Identifier};
use tracing_core::field::FieldSet;
use tracing_core::subscriber::Interest;
use tracing_core::{Kind, Level, Metadata};
use tracing_courier::send::{Answer, Get, Request, Transport};
use tracing_courier::{
    Backend, BreadcrumbLayer, Breadcrumbs, DiskQueue, DiskQueueLayer, Levels, Rules,
    SanitizeExt as _, SanitizeLayer,
};
use tracing_subscriber::filter::{EnvFilter, LevelFilter, Targets};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Layer, registry, reload};

/// A target that a rule names by a prefix, and one that none does. The rules say INFO for what is not named.
const ON: &str = "app::module_25::sync::upload";
const OFF: &str = "other::module::of::nobody";

fn main() {
    println!("50 module rules, in nanoseconds\n");
    println!(
        "| filter | off, agreed | off, asked | `enabled!` off, asked | on, agreed | on, asked |"
    );
    println!("|---|---|---|---|---|---|");
    let bare = cells(
        "no filter at all",
        [
            registry().with(Nothing).into(),
            registry().with(Nothing).with(console()).into(),
        ],
        None,
    );
    let levels = Levels::new(&rules()).expect("rules");
    let _ = cells(
        "**Courier's `Levels`**",
        [
            registry().with(Nothing.with_filter(levels.filter())).into(),
            registry()
                .with(Nothing.with_filter(levels.filter()))
                .with(console())
                .into(),
        ],
        bare,
    );
    let targets: Targets = rules().parse().expect("rules");
    let _ = cells(
        "`Targets`",
        [
            registry().with(Nothing.with_filter(targets.clone())).into(),
            registry()
                .with(Nothing.with_filter(targets))
                .with(console())
                .into(),
        ],
        bare,
    );
    let env = || EnvFilter::new(rules());
    let _ = cells(
        "`EnvFilter`",
        [
            registry().with(Nothing.with_filter(env())).into(),
            registry()
                .with(Nothing.with_filter(env()))
                .with(console())
                .into(),
        ],
        bare,
    );
    swap();
    around_an_override();
}

/// `info`, and TRACE for `app::module_00` to `app::module_49`.
fn rules() -> String {
    let modules = (0..50).map(|n| format!(",app::module_{n:02}=trace"));
    std::iter::once("info".to_owned()).chain(modules).collect()
}

/// A layer that does nothing, so that what is measured is the way to it.
struct Nothing;

impl<S: Subscriber> Layer<S> for Nothing {}

fn console<S>() -> impl Layer<S>
where
    S: Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    Nothing.with_filter(LevelFilter::INFO)
}

/// One row; gives back what an event costs that is on, agreed and asked, to be taken off the other rows.
fn cells(name: &str, [agreed, asked]: [Dispatch; 2], bare: Option<[f64; 2]>) -> Option<[f64; 2]> {
    if !is_wanted(name) {
        return bare;
    }
    let off = || trace!(target: OFF, "off");
    let on = || trace!(target: ON, "on");
    let off_agreed = dispatcher::with_default(&agreed, || fastest(off));
    let on_agreed = dispatcher::with_default(&agreed, || fastest(on));
    drop(agreed);
    let (off_asked, is_enabled, on_asked) = dispatcher::with_default(&asked, || {
        (
            fastest(off),
            fastest(|| {
                black_box(enabled!(target: OFF, Level::TRACE));
            }),
            fastest(on),
        )
    });
    let more = |cost: f64, of: usize| match bare.and_then(|bare| bare.get(of).copied()) {
        Some(bare) => format!("{cost:.1} ({:+.1})", cost - bare),
        None => format!("{cost:.1}"),
    };
    println!(
        "| {name} | {off_agreed:.2} | {off_asked:.2} | {is_enabled:.2} | {} | {} |",
        more(on_agreed, 0),
        more(on_asked, 1)
    );
    bare.or(Some([on_agreed, on_asked]))
}

/// Nanoseconds of one call in the fastest of many rounds.
fn fastest(mut f: impl FnMut()) -> f64 {
    let (rounds, calls) = if is_test_run() {
        (2, 100)
    } else {
        (200, 20_000)
    };
    (0..rounds)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..calls {
                f();
            }
            start.elapsed().as_nanos() as f64 / f64::from(calls)
        })
        .fold(f64::INFINITY, f64::min)
}

/// How long a change takes with 10,000 callsites, and what it does to a thread that logs meanwhile.
fn swap() {
    let sites = if is_test_run() { 100 } else { 10_000 };
    let swaps = if is_test_run() { 2 } else { 40 };
    (0..sites).for_each(site);
    println!(
        "\nA change with {sites} callsites, in microseconds\n\n| through | p50 | most |\n|---|---|---|"
    );

    let dir = tempfile::tempdir().expect("a temporary directory");
    let (levels, queue, crumbs) = (
        Levels::new("info").expect("levels"),
        DiskQueue::builder(dir.path())
            .max_bytes(1 << 30)
            .open()
            .expect("a queue"),
        Breadcrumbs::new(),
    );
    let stack: Dispatch = registry()
        .with(console())
        .with(BreadcrumbLayer::new(&crumbs).with_filter(levels.filter()))
        .with(
            DiskQueueLayer::new(&queue)
                .breadcrumbs(&crumbs)
                .with_filter(levels.filter()),
        )
        .sanitized(SanitizeLayer::default())
        .into();
    let ours: [Rules; 2] = [rules(), "info".to_owned()].map(|rules| rules.parse().expect("rules"));
    dispatcher::with_default(&stack, || {
        change("**Courier: gate, trail, queue, console**", swaps, |n| {
            levels.set(ours[n % 2].clone());
        });
    });
    meanwhile(&stack, &levels, &ours);
    drop(stack);

    let (filter, handle) = reload::Layer::new(EnvFilter::new("info"));
    let stack: Dispatch = registry().with(console()).with(filter).into();
    dispatcher::with_default(&stack, || {
        change("`reload` of one `EnvFilter`", swaps, |n| {
            let rules = if n % 2 == 1 {
                "info".to_owned()
            } else {
                rules()
            };
            handle.reload(EnvFilter::new(rules)).expect("it is there");
        });
    });
    drop(stack);
    let (filter, handle) = reload::Layer::new(Targets::new());
    let stack: Dispatch = registry().with(console()).with(filter).into();
    dispatcher::with_default(&stack, || {
        change("`reload` of one `Targets`", swaps, |n| {
            let rules = if n % 2 == 1 {
                "info".to_owned()
            } else {
                rules()
            };
            handle
                .reload(rules.parse::<Targets>().expect("rules"))
                .expect("it is there");
        });
    });
}

fn change(name: &str, swaps: u32, mut swap: impl FnMut(usize)) {
    if is_wanted(name) {
        let watch = Stopwatch::time(swaps, |n| swap(n as usize));
        let micros = |part| watch.quantile(part) as f64 / 1000.0;
        println!("| {name} | {:.0} | {:.0} |", micros(0.5), micros(1.0));
    }
}

/// What an event costs on one thread while another one changes the levels as fast as it can, and while it does not.
fn meanwhile(stack: &Dispatch, levels: &Levels, ours: &[Rules; 2]) {
    const NAME: &str = "an event while the levels change";
    if !is_wanted(NAME) {
        return;
    }
    let events = if is_test_run() { 100 } else { 100_000 };
    let log = || {
        dispatcher::with_default(stack, || {
            Stopwatch::time(events, |n| trace!(target: ON, n, "on"))
        })
    };
    levels.set(ours[0].clone());
    let before = log();
    let is_done = Arc::new(AtomicBool::new(false));
    let changer = std::thread::spawn({
        let (levels, is_done, ours) = (levels.clone(), Arc::clone(&is_done), ours.clone());
        move || {
            let mut swaps = 0_usize;
            while !is_done.load(Ordering::Relaxed) {
                // Always loud for the target in question, so that the event does the same work.
                let more = Rules::clone(&ours[0]).module(
                    "elsewhere",
                    if swaps % 2 == 1 {
                        tracing_courier::Level::Info
                    } else {
                        tracing_courier::Level::Trace
                    },
                );
                levels.set(more);
                swaps += 1;
                // A busy relay, not a busy loop: the follower itself asks once a second at most.
                std::thread::sleep(Duration::from_millis(10));
            }
            swaps
        }
    });
    let during = log();
    is_done.store(true, Ordering::Relaxed);
    let swaps = changer.join().expect("it ends");
    for (name, watch) in [
        ("no changes".to_owned(), before),
        (format!("{swaps} changes meanwhile"), during),
    ] {
        println!(
            "| {NAME}: {name} | {:.2} | p99.9 {:.1} |",
            watch.quantile(0.5) as f64 / 1000.0,
            watch.quantile(0.999) as f64 / 1000.0
        );
    }
}

/// A callsite that nothing ever hits.
struct Site(OnceLock<Metadata<'static>>);

impl Callsite for Site {
    fn set_interest(&self, interest: Interest) {
        black_box(interest);
    }

    fn metadata(&self) -> &Metadata<'_> {
        self.0.get().expect("set before it is registered")
    }
}

fn site(n: usize) {
    let site: &'static Site = Box::leak(Box::new(Site(OnceLock::new())));
    let target: &'static str = format!("app::module_{:02}::part_{n}", n % 100).leak();
    site.0.get_or_init(|| {
        let level = [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN][n % 4];
        let fields = FieldSet::new(&["message"], Identifier(site));
        Metadata::new(
            "event",
            target,
            level,
            Some(file!()),
            Some(line!()),
            Some(target),
            fields,
            Kind::EVENT,
        )
    });
    callsite::register(site);
}

/// What a callsite that stays off costs before, during and after a relay raises another module for a while.
fn around_an_override() {
    const NAME: &str = "around an override";
    if !is_wanted(NAME) {
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (levels, queue) = (
        Levels::new("info").expect("levels"),
        DiskQueue::open(dir.path()).expect("a queue"),
    );
    let stack: Dispatch = registry()
        .with(console())
        .with(DiskQueueLayer::new(&queue).with_filter(levels.filter()))
        .sanitized(SanitizeLayer::default())
        .into();
    println!("\nAround an override of another module, from a relay, in nanoseconds\n");
    println!(
        "| | `trace!` that stays off | `enabled!` that stays off | `enabled!` in the module |\n|---|---|---|---|"
    );
    dispatcher::with_default(&stack, || {
        let row = |name: &str| {
            let off = fastest(|| trace!(target: OFF, "off"));
            let is_enabled = fastest(|| {
                black_box(enabled!(target: OFF, Level::TRACE));
            });
            let inside = fastest(|| {
                black_box(enabled!(target: ON, Level::TRACE));
            });
            let is_on = if enabled!(target: ON, Level::TRACE) {
                "on"
            } else {
                "off"
            };
            println!("| {name} | {off:.2} | {is_enabled:.2} | {inside:.2} ({is_on}) |");
        };
        row("before");
        let backend = Backend::by(Raises)
            .levels(&levels)
            .start(&queue)
            .expect("a sender");
        wait_until(|| levels.status().rule.is_some());
        row("during");
        wait_until(|| levels.status().rule.is_none());
        row("after");
        drop(backend);
    });
}

fn wait_until(mut done: impl FnMut() -> bool) {
    while !done() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A relay that raises one module for two seconds.
struct Raises;

impl Transport for Raises {
    fn post(&mut self, _: &Request<'_>) -> Answer {
        Answer::default()
    }

    fn get(&mut self, _: &Get<'_>) -> Answer {
        Answer::new(200, br#"{"min_level":"info","modules":{"app::module_25":"trace"},"expires_in_seconds":2.0,"refresh_seconds":600,"rule":"user 1"}"#.to_vec()).with_content_type("application/json".to_owned())
    }

    fn endpoint(&self) -> &str {
        "memory"
    }
}
