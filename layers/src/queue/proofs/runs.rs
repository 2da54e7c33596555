//! Random histories of the queue's four machines: for seconds in CI, for hours where somebody has the time.
//!
//! Each run has a seed, and everything random follows from it: the operations, the names of the queues, what a power
//! loss takes. `PROPTEST_RNG_SEED=<seed>` makes a run the one that failed; the failure says so.
//!
//! The long run is this, with as many cores and hours as there are (fractions too):
//!
//! ```text
//! COURIER_PROOF_CORES=1 COURIER_PROOF_HOURS=8 nice cargo test --release -p tracing-courier --lib \
//!     queue::proofs::runs::for_hours -- --ignored --nocapture
//! ```
//!
//! It takes one seed after the other, runs 120 histories of each machine with it, and prints each minute how many there
//! were and up to which seed. It ends when the time is over, or at the first finding, which it prints; or it is killed at
//! any time, and what was printed is true. `PROPTEST_RNG_SEED` is the first seed, where one is given.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestError, TestRunner};

use super::machine::{Op, run};
use super::rounds;
use super::sim::{Fault, Plan};

/// A cap, and what happens under it.
type History = (u64, Vec<Op>);

/// What may happen in a history, and what is proven by it: the name of a test here.
struct Machine {
    name: &'static str,
    histories: fn() -> BoxedStrategy<History>,
}

const KILLED: Machine = Machine {
    name: "no_record_goes_in_silence_when_processes_are_killed",
    histories: || histories(prop_oneof![60 => plain_op(), 1 => Just(Op::Clear)]),
};

const POWERLESS: Machine = Machine {
    name: "what_was_durable_survives_a_power_loss",
    histories: || histories(prop_oneof![30 => plain_op(), 1 => power_loss()]),
};

const FAILING: Machine = Machine {
    name: "a_failing_disk_costs_nothing_that_is_not_counted",
    histories: || histories(prop_oneof![20 => plain_op(), 2 => fault(), 1 => Just(Op::Heal)]),
};

const FAILING_POWERLESS: Machine = Machine {
    name: "durable_is_durable_on_a_failing_disk_too",
    histories: || {
        histories(
            prop_oneof![20 => plain_op(), 2 => fault(), 1 => Just(Op::Heal), 1 => power_loss()],
        )
    },
};

const MACHINES: [&Machine; 4] = [&KILLED, &POWERLESS, &FAILING, &FAILING_POWERLESS];

fn histories(op: impl Strategy<Value = Op> + 'static) -> BoxedStrategy<History> {
    (cap(), prop::collection::vec(op, 1..250)).boxed()
}

fn cap() -> impl Strategy<Value = u64> {
    prop_oneof![Just(64 * 1024), Just(128 * 1024), Just(512 * 1024)]
}

fn plain_op() -> impl Strategy<Value = Op> {
    let padding = prop_oneof![8 => 0..300_usize, 2 => 1000..6000_usize, 1 => 20_000..70_000_usize];
    prop_oneof![
        30 => padding.clone().prop_map(|padding| Op::Append { padding }),
        5 => padding.prop_map(|padding| Op::AppendFatal { padding }),
        2 => (1..4_u8).prop_map(Op::SetUser),
        8 => (1..30_usize, 100..20_000_usize).prop_map(|(records, bytes)| Op::Drain { records, bytes }),
        6 => any::<u64>().prop_map(Op::Confirm),
        1 => any::<u64>().prop_map(Op::Reject),
        2 => Just(Op::Sync),
        1 => Just(Op::Housekeeping),
        1 => any::<i32>().prop_map(|by| Op::MoveClock(i64::from(by) * 1_000_000_000)),
        1 => cap().prop_map(|cap| Op::Kill { cap }),
    ]
}

fn fault() -> impl Strategy<Value = Op> {
    let faults = [
        Fault::Io,
        Fault::Full,
        Fault::Quota,
        Fault::ReadOnly,
        Fault::Short,
        Fault::Sync,
        Fault::WriteAndCut,
    ];
    let calls = prop_oneof![Just(1_u64), 1..20_u64, Just(u64::MAX)];
    (0..10_u64, calls, prop::sample::select(faults.to_vec()))
        .prop_map(|(from, calls, fault)| Op::Fail(Plan { from, calls, fault }))
}

fn power_loss() -> impl Strategy<Value = Op> {
    (any::<u64>(), cap()).prop_map(|(seed, cap)| Op::LosePower { seed, cap })
}

impl Machine {
    /// Runs as many histories as come from this seed; the error says what went wrong, and how to see it again.
    fn prove(&self, seed: u64, histories: u32) -> Result<(), String> {
        let mut runner = TestRunner::new(ProptestConfig {
            cases: histories,
            failure_persistence: None,
            max_shrink_iters: 50_000,
            rng_seed: RngSeed::Fixed(seed),
            ..ProptestConfig::default()
        });
        let Self { name, histories } = self;
        let proven = runner.run(&histories(), |(cap, ops)| {
            run(cap, &ops);
            Ok(())
        });
        proven.map_err(|error| {
            let found = match error {
                TestError::Abort(reason) => reason.to_string(),
                TestError::Fail(reason, (cap, ops)) => format!("{reason}\nrun({cap}, &{ops:#?})"),
            };
            let again =
                format!("PROPTEST_RNG_SEED={seed} cargo test -p tracing-courier --lib {name}");
            format!("{name}: {found}\nto see it again: {again}")
        })
    }
}

/// The seed that is asked for, or a new one.
fn seed() -> u64 {
    match std::env::var("PROPTEST_RNG_SEED") {
        Ok(seed) => seed.parse().expect("PROPTEST_RNG_SEED is a number"),
        // Short enough to be typed.
        Err(_) => u64::from(uuid::Uuid::new_v4().as_fields().0),
    }
}

fn prove(machine: &Machine) {
    if let Err(found) = machine.prove(seed(), rounds(HISTORIES)) {
        panic!("{found}");
    }
}

#[test]
fn no_record_goes_in_silence_when_processes_are_killed() {
    prove(&KILLED);
}

#[test]
fn what_was_durable_survives_a_power_loss() {
    prove(&POWERLESS);
}

#[test]
fn a_failing_disk_costs_nothing_that_is_not_counted() {
    prove(&FAILING);
}

#[test]
fn durable_is_durable_on_a_failing_disk_too() {
    prove(&FAILING_POWERLESS);
}

#[test]
fn a_seed_gives_the_same_histories_again() {
    let of = |seed| {
        let seen = Mutex::new(Vec::new());
        let rng_seed = RngSeed::Fixed(seed);
        let mut runner = TestRunner::new(ProptestConfig {
            cases: 3,
            rng_seed,
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        let remember = |history: History| {
            seen.lock().unwrap().push(format!("{history:?}"));
            Ok(())
        };
        runner
            .run(&(FAILING_POWERLESS.histories)(), remember)
            .unwrap();
        seen.into_inner().unwrap()
    };
    assert_eq!(of(7), of(7));
    assert_ne!(of(7), of(8));
}

#[test]
#[ignore = "runs for hours: see the top of this file"]
fn for_hours() {
    let number = |name: &str| {
        let value = std::env::var(name).ok()?;
        Some(value.parse::<f64>().expect("a number"))
    };
    let hours = number("COURIER_PROOF_HOURS").unwrap_or(1.0);
    let cores = number("COURIER_PROOF_CORES").map_or_else(
        || thread::available_parallelism().map_or(1, usize::from),
        |cores| cores as usize,
    );
    let (first, begun) = (seed(), Instant::now());
    let time = Duration::from_secs_f64(hours * 3600.0);
    println!(
        "{hours} hours on {cores} cores from seed {first}, {HISTORIES} histories of each machine with each seed"
    );
    let (taken, done, is_over) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let (said, findings) = (Mutex::new(begun), Mutex::new(Vec::new()));
    let work = || {
        while !is_over.load(Ordering::Relaxed) && begun.elapsed() < time {
            let seed = first.wrapping_add(taken.fetch_add(1, Ordering::Relaxed));
            for machine in MACHINES {
                if let Err(found) = machine.prove(seed, HISTORIES) {
                    println!("{found}");
                    findings.lock().unwrap().push(found);
                    is_over.store(true, Ordering::Relaxed);
                    return;
                }
            }
            let seeds = done.fetch_add(1, Ordering::Relaxed) + 1;
            let mut said = said.lock().unwrap();
            if said.elapsed() > Duration::from_secs(60) {
                *said = Instant::now();
                let (each, minutes) =
                    (seeds * u64::from(HISTORIES), begun.elapsed().as_secs() / 60);
                println!(
                    "{minutes} min: {each} histories of each machine, seeds from {first} to about {seed}"
                );
            }
        }
    };
    thread::scope(|scope| (0..cores).for_each(|_| drop(scope.spawn(work))));
    let each = done.into_inner() * u64::from(HISTORIES);
    println!(
        "{each} histories of each machine in {} s",
        begun.elapsed().as_secs()
    );
    let findings = findings.into_inner().unwrap();
    assert!(
        findings.is_empty(),
        "{} findings, printed above",
        findings.len()
    );
}

/// How many histories of a machine come from one seed: a few seconds in CI, and the same ones in the long run.
const HISTORIES: u32 = 120;
