//! Awkward moments to log in: nothing deadlocks, nothing aborts, and the record is there. Each case is a process of
//! its own, under the global default subscriber, as programs have it.
#![cfg(all(unix, feature = "http"))]
#![allow(unsafe_code)]

mod child;

use std::cell::RefCell;
use std::fmt;
use std::net::TcpListener;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use child::records;
use tracing::{error, info, info_span};
use tracing_courier::prelude::*;
use tracing_subscriber::prelude::*;

const TEST: &str = "a_program_of_the_other_tests";

/// Logs when it is dropped.
struct LastWords(&'static str);

impl Drop for LastWords {
    fn drop(&mut self) {
        let span = info_span!("farewell", of = self.0);
        span.in_scope(|| info!("{}", self.0));
    }
}

/// Logs while it is shown.
struct Chatty;

impl fmt::Debug for Chatty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        info!("from within");
        f.write_str("chatty")
    }
}

thread_local! {
    static EARLY: RefCell<Option<LastWords>> = const { RefCell::new(None) };
    static LATE: RefCell<Option<LastWords>> = const { RefCell::new(None) };
}

static INTERRUPTIONS: AtomicU64 = AtomicU64::new(0);

extern "C" fn count(_signal: libc::c_int) {
    INTERRUPTIONS.fetch_add(1, Ordering::Relaxed);
}

/// A signal every 50 µs of this process's time, whose handler does not ask for interrupted calls to be restarted.
fn interrupt_often() {
    // SAFETY: the handler does nothing but count.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = count as *const () as libc::sighandler_t;
        assert_eq!(
            libc::sigaction(libc::SIGALRM, &raw const action, std::ptr::null_mut()),
            0
        );
        let each = libc::timeval {
            tv_sec: 0,
            tv_usec: 50,
        };
        let timer = libc::itimerval {
            it_interval: each,
            it_value: each,
        };
        assert_eq!(
            libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()),
            0
        );
    }
}

/// What the other tests start: not a test of its own.
#[test]
fn a_program_of_the_other_tests() {
    let Some((case, dir)) = child::case() else {
        return;
    };
    // Somebody is there, who never answers: once the sender has come, it stays at work.
    let relay = TcpListener::bind("127.0.0.1:0").unwrap();
    let courier = Courier::builder("manners", "1")
        .dir(dir)
        .relay(format!("http://{}", relay.local_addr().unwrap()))
        .drop_deadline(Duration::from_millis(1))
        .start()
        .unwrap();
    tracing_subscriber::registry()
        .with(courier.layer())
        .sanitized(courier.sanitizer())
        .init();
    error!("wakes the sender");
    let _at_work = relay.accept().unwrap();
    match case.as_str() {
        "thread-local destructors" => {
            let thread = std::thread::spawn(|| {
                // Registered before this thread has logged, so it is dropped after everything of ours.
                EARLY.with_borrow_mut(|slot| *slot = Some(LastWords("early")));
                info!("at work");
                LATE.with_borrow_mut(|slot| *slot = Some(LastWords("late")));
            });
            thread.join().unwrap();
        }
        "the main thread's own" => {
            EARLY.with_borrow_mut(|slot| *slot = Some(LastWords("early")));
            info!("at work");
        }
        "a drop at thread exit" => {
            let thread = std::thread::spawn(|| {
                let _words = LastWords("dropped");
                info!("at work");
            });
            thread.join().unwrap();
        }
        "after the guard" => {
            drop(courier);
            info!("after the guard");
            error!("an error after the guard");
        }
        "inside of Debug" => info!(value = ?Chatty, "outer"),
        "a panic inside of Debug" => {
            struct Bad;
            impl fmt::Debug for Bad {
                fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                    panic!("while it is shown")
                }
            }
            let _ = std::panic::catch_unwind(|| info!(value = ?Bad, "never"));
            info!("goes on");
        }
        "interrupted" => {
            interrupt_often();
            let until = Instant::now() + Duration::from_millis(300);
            let mut n = 0_u64;
            while Instant::now() < until {
                info!(n, "interrupted");
                n += 1;
            }
            error!(
                logged = n,
                interruptions = INTERRUPTIONS.load(Ordering::Relaxed),
                "done"
            );
        }
        _ => unreachable!("{case}"),
    }
}

/// Ends within the deadline, or was stuck.
fn run(case: &str, dir: &Path) -> ExitStatus {
    let mut child = child::command(TEST, case, dir).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > until {
            child::kill(child);
            panic!("{case}: stuck");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn whatever_the_moment_the_record_is_there_and_the_program_goes_on() {
    for (case, messages) in [
        (
            "thread-local destructors",
            &["at work", "late", "early"][..],
        ),
        ("the main thread's own", &["at work"]),
        ("a drop at thread exit", &["at work", "dropped"]),
        (
            "after the guard",
            &["session_end", "after the guard", "an error after the guard"],
        ),
        ("inside of Debug", &["from within", "outer"]),
        ("a panic inside of Debug", &["while it is shown", "goes on"]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let status = run(case, dir.path());
        assert!(status.success(), "{case}: {status}");
        for message in messages {
            assert_eq!(records(dir.path(), message).len(), 1, "{case}: {message}");
        }
    }
}

#[test]
fn a_thread_that_signals_interrupt_loses_no_record() {
    let dir = tempfile::tempdir().unwrap();
    let status = run("interrupted", dir.path());
    assert!(status.success(), "{status}");
    let done = &records(dir.path(), "done")[0]["attributes"];
    assert!(done["interruptions"].as_u64().unwrap() > 100, "{done}");
    let numbers = records(dir.path(), "interrupted")
        .iter()
        .map(|record| record["attributes"]["n"].as_u64().unwrap())
        .collect::<Vec<_>>();
    assert!(
        numbers
            .iter()
            .copied()
            .eq(0..done["logged"].as_u64().unwrap())
    );
}
