//! How a program can end, and what the next start says of it. Whoever ends here is a process of its own.
#![cfg(unix)]
#![allow(unsafe_code, reason = "a signal handler of the program's own")]

mod child;
mod relay;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use child::all_records;
use relay::Server;
use serde_json::Value;
use tracing_courier::prelude::*;

const TEST: &str = "a_program_of_the_other_tests";
const URL: &str = "COURIER_TEST_URL";
/// Long enough for a slow machine; no test waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the other tests start: not a test of its own.
#[test]
fn a_program_of_the_other_tests() {
    let Some((case, dir)) = child::case() else {
        return;
    };
    let mut courier = Courier::builder("exits", "1.2.3").dir(dir);
    if let Ok(url) = std::env::var(URL) {
        courier = courier.relay(url);
    }
    let courier = courier.start().unwrap();
    courier.install().unwrap();
    let mut courier = Some(courier);
    let guard = |courier: &Option<_>| -> Courier {
        let guard: &tracing_courier::Guard<Courier> = courier.as_ref().unwrap();
        Courier::clone(guard)
    };
    let caught = || drop(std::panic::catch_unwind(|| panic!("caught")));
    tracing::info!("at work");
    // What it does, one after the other.
    for step in case.split(", ") {
        match step {
            "flush" => drop(guard(&courier).flush(PATIENCE)),
            "flush_async" => {
                let flush = guard(&courier).backend().unwrap().flush_async(PATIENCE);
                let runtime = tokio::runtime::Builder::new_current_thread().build();
                drop(runtime.unwrap().block_on(flush));
            }
            "log" => tracing::info!("at work"),
            "finish" => drop(guard(&courier).finish()),
            "drop" => drop(courier.take()),
            "hook signals" => courier.as_ref().unwrap().finish_on_signals().unwrap(),
            "exit in a handler" => {
                // SAFETY: it is called while its thread sleeps, and calls what may be called there.
                unsafe { libc::signal(libc::SIGTERM, exits as *const () as usize) };
                ready();
            }
            "wait" => ready(),
            "return" => return,
            "exit" => std::process::exit(0),
            "exit in a thread" => {
                let _ = std::thread::spawn(|| std::process::exit(0)).join();
            }
            "exit in a destructor" => drop(Exits),
            "exit in a destructor as it unwinds" => {
                let _exits = Exits;
                panic!("enough");
            }
            "abort" => std::process::abort(),
            "panic" => panic!("enough"),
            "panic twice" => {
                let _again = Panics;
                panic!("enough");
            }
            "panic in a thread" => drop(std::thread::spawn(|| panic!("its own")).join()),
            "caught panic" => caught(),
            _ => unreachable!("{step}"),
        }
    }
}

struct Exits;

impl Drop for Exits {
    fn drop(&mut self) {
        std::process::exit(0);
    }
}

struct Panics;

impl Drop for Panics {
    fn drop(&mut self) {
        panic!("again");
    }
}

extern "C" fn exits(_signal: libc::c_int) {
    // SAFETY: it ends the process and touches nothing of it.
    unsafe { libc::_exit(0) }
}

fn ready() {
    println!("\nready");
    let _ = std::io::stdout().flush();
    let _ = std::io::stdin().lines().next();
}

/// Runs a case to its end; a signal is sent once it waits.
fn run(case: &str, dir: &Path, url: Option<&str>, signal: Option<i32>) -> ExitStatus {
    let mut command = child::command(TEST, case, dir);
    if let Some(url) = url {
        command.env(URL, url);
    }
    let mut child = command.spawn().unwrap();
    if let Some(signal) = signal {
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "ready"), "{case}");
        // SAFETY: our own child, which is not waited for yet.
        assert_eq!(
            unsafe { libc::kill(child.id().cast_signed(), signal) },
            0,
            "{case}"
        );
    }
    ended(child, case)
}

fn ended(mut child: Child, case: &str) -> ExitStatus {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > until {
            child.kill().unwrap();
            panic!("`{case}` does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The reports of the next start, which has no relay, each with its `previous.panicked`.
fn said_at_next_start(dir: &Path) -> Vec<(String, bool)> {
    let next = Courier::builder("exits", "1.2.3")
        .dir(dir)
        .without_panic_hook()
        .start()
        .unwrap();
    let said = reports(&all_records(dir));
    drop(next);
    let marks = std::fs::read_dir(dir).unwrap().flatten();
    let mut marks = marks.map(|entry| entry.file_name().into_string().unwrap());
    assert!(!marks.any(|name| name.starts_with("session-")));
    said
}

fn reports(records: &[Value]) -> Vec<(String, bool)> {
    let of_a_death = |record: &&Value| record["attributes"]["previous.session_id"].is_string();
    let report = |record: &Value| {
        let message = record["message"].as_str().unwrap().to_owned();
        (
            message,
            record["attributes"]["previous.panicked"] == Value::Bool(true),
        )
    };
    records.iter().filter(of_a_death).map(report).collect()
}

const NOTHING: &[(&str, bool)] = &[];
const UNCLEAN: &[(&str, bool)] = &[("session_unclean_exit", false)];
const UNCLEAN_AFTER_PANIC: &[(&str, bool)] = &[("session_unclean_exit", true)];
const CRASH: &[(&str, bool)] = &[("app.crash", true)];

/// The messages, each with whether a panic was noted.
type Said = &'static [(&'static str, bool)];

#[test]
fn what_the_next_start_says_of_each_end() {
    const TERM: Option<i32> = Some(libc::SIGTERM);
    const KILL: Option<i32> = Some(libc::SIGKILL);
    let (port, server) = Server::start();
    let url = format!("http://127.0.0.1:{port}");
    #[rustfmt::skip]
    let table: [(&str, Option<i32>, Said, Said); 29] = [
        // What it does, the signal that ends it, what is said: without a relay, with one.
        ("exit",                                  None, UNCLEAN, UNCLEAN),
        ("flush, exit",                           None, UNCLEAN, NOTHING),
        ("flush_async, exit",                     None, NOTHING, NOTHING),
        ("flush, log, exit",                      None, UNCLEAN, UNCLEAN),
        ("flush, log, flush, exit",               None, UNCLEAN, NOTHING),
        ("finish, exit",                          None, NOTHING, NOTHING),
        ("finish, log, exit",                     None, NOTHING, NOTHING),
        ("finish, finish, drop, exit",            None, NOTHING, NOTHING),
        ("drop, exit",                            None, NOTHING, NOTHING),
        ("return",                                None, NOTHING, NOTHING),
        ("flush, return",                         None, NOTHING, NOTHING),
        ("wait",                                  TERM, UNCLEAN, UNCLEAN),
        ("hook signals, wait",                    TERM, NOTHING, NOTHING),
        ("wait",                                  KILL, UNCLEAN, UNCLEAN),
        ("flush, log, wait",                      KILL, UNCLEAN, UNCLEAN),
        ("finish, wait",                          KILL, NOTHING, NOTHING),
        ("abort",                                 None, UNCLEAN, UNCLEAN),
        ("panic",                                 None, CRASH, CRASH),
        ("flush, panic",                          None, CRASH, CRASH),
        ("panic twice",                           None, CRASH, CRASH),
        ("caught panic, return",                  None, NOTHING, NOTHING),
        ("caught panic, wait",                    KILL, UNCLEAN_AFTER_PANIC, UNCLEAN_AFTER_PANIC),
        ("panic in a thread, return",             None, NOTHING, NOTHING),
        ("caught panic, flush, exit",             None, UNCLEAN_AFTER_PANIC, NOTHING),
        ("finish, exit in a thread",              None, NOTHING, NOTHING),
        ("flush, exit in a destructor",           None, UNCLEAN, NOTHING),
        ("exit in a destructor as it unwinds",    None, UNCLEAN_AFTER_PANIC, UNCLEAN_AFTER_PANIC),
        ("exit in a handler",                     TERM, UNCLEAN, UNCLEAN),
        ("flush, exit in a handler",              TERM, UNCLEAN, NOTHING),
    ];
    let mut wrong = Vec::new();
    for (case, signal, without, with) in table {
        for (url, expected) in [(None, without), (Some(&*url), with)] {
            if url.is_none() && case.contains("flush_async") {
                // Without a relay there is nobody to ask for one.
                continue;
            }
            let dir = tempfile::tempdir().unwrap();
            let status = run(case, dir.path(), url, signal);
            let said = said_at_next_start(dir.path());
            let expected: Vec<(String, bool)> = expected
                .iter()
                .map(|&(message, panicked)| (message.to_owned(), panicked))
                .collect();
            if said != expected {
                wrong.push(format!(
                    "`{case}` {signal:?} to {url:?}, {status}: said {said:?}, not {expected:?}"
                ));
            }
            assert_eq!(
                said_at_next_start(dir.path()).len(),
                expected.len(),
                "`{case}`: said once"
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let ends = server.take();
    let ends = ends
        .iter()
        .filter(|record| record["message"] == "session_end");
    assert_eq!(ends.count(), 11, "each that ended itself has said so");
}
