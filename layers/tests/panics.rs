//! The panic hook, from outside: each case is a process of its own, since a hook is one for the process.
//!
//! The test runs itself again with the case's name in `PANIC_CASE`, lets that process die, and reads what it left.

use std::panic;
use std::path::Path;
use std::process::{Command, ExitStatus};

use serde_json::Value;
use tracing_courier::prelude::*;
use tracing_courier::queue::DiskQueue;
use tracing_subscriber::prelude::*;

const CASE: &str = "PANIC_CASE";
const DIR: &str = "PANIC_DIR";

/// What the child does in each case.
fn child(case: &str, dir: &Path) {
    let courier = Courier::builder("panics", "1").dir(dir).start().unwrap();
    let stack = tracing_subscriber::registry()
        .with(courier.layer())
        .sanitized(courier.sanitizer());
    if case != "no subscriber" {
        stack.init();
        tracing::info!("before");
    }
    match case {
        "in main" | "no subscriber" => panic!("gone for ada@example.org"),
        "caught" => {
            let _ = panic::catch_unwind(|| panic!("gone for ada@example.org"));
        }
        "in a thread" => {
            let thread = std::thread::Builder::new().name("worker".to_owned());
            let _ = thread
                .spawn(|| panic!("gone for ada@example.org"))
                .unwrap()
                .join();
        }
        "in spans" => {
            let outer = tracing::info_span!("request", user = "bob@example.org", id = 7);
            let _outer = outer.enter();
            let inner = tracing::info_span!("sync", attempt = tracing::field::Empty);
            let _inner = inner.enter();
            inner.record("attempt", 2);
            panic!("gone for ada@example.org");
        }
        "in a span whose data is locked" => {
            use tracing_subscriber::Registry;
            use tracing_subscriber::registry::LookupSpan as _;
            let span = tracing::info_span!("request", id = 7);
            let _in = span.enter();
            span.with_subscriber(|(id, dispatch)| {
                let registry = dispatch.downcast_ref::<Registry>().unwrap();
                let data = registry.span(id).unwrap();
                let _held = data.extensions_mut();
                let _ =
                    panic::catch_unwind(panic::AssertUnwindSafe(|| panic!("gone, while locked")));
                panic!("gone, and poisons it");
            });
        }
        "a payload that is no text" => panic::panic_any(42),
        "while panicking" => {
            struct Bad;
            impl Drop for Bad {
                fn drop(&mut self) {
                    panic!("and again")
                }
            }
            let _bad = Bad;
            panic!("gone for ada@example.org");
        }
        "a hundred threads" => {
            let barrier = std::sync::Barrier::new(100);
            std::thread::scope(|scope| {
                for _ in 0..100 {
                    scope.spawn(|| {
                        barrier.wait();
                        let _ = panic::catch_unwind(|| panic!("gone for ada@example.org"));
                    });
                }
            });
        }
        _ => unreachable!("{case}"),
    }
}

/// The panics' records that the child left.
fn run(case: &str) -> (ExitStatus, Vec<Value>) {
    let dir = tempfile::tempdir().unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "each_panic_is_on_disk_when_the_process_is_gone"])
        .env(CASE, case)
        .env(DIR, dir.path())
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap()
        .status;
    let queue = DiskQueue::open(dir.path()).unwrap();
    let mut panics = Vec::new();
    while let Some(batch) = queue.drain(100, 900_000) {
        for at in 0..batch.len() {
            let record: Value = serde_json::from_slice(batch.record(at)).unwrap();
            if record["attributes"]["panic"] == true {
                panics.push(record);
            }
        }
        queue.confirm(batch.token());
    }
    (status, panics)
}

#[test]
fn each_panic_is_on_disk_when_the_process_is_gone() {
    if let (Ok(case), Ok(dir)) = (std::env::var(CASE), std::env::var(DIR)) {
        return child(&case, Path::new(&dir));
    }
    for (case, records, survives) in [
        ("in main", 1, false),
        ("no subscriber", 1, false),
        ("caught", 1, true),
        ("in a thread", 1, true),
        ("in spans", 1, false),
        ("in a span whose data is locked", 2, false),
        ("a payload that is no text", 1, false),
        ("while panicking", 3, false),
        ("a hundred threads", 100, true),
    ] {
        let (status, panics) = run(case);
        assert_eq!(status.success(), survives, "{case}: {status}");
        assert_eq!(panics.len(), records, "{case}: {panics:#?}");
        let first = &panics[0];
        assert_eq!(first["level"], "fatal", "{case}");
        assert!(
            first["location"]["file"]
                .as_str()
                .unwrap()
                .ends_with("panics.rs"),
            "{case}"
        );
        let stack = first["stackTrace"].as_str().unwrap();
        assert!(
            stack.lines().nth(1).unwrap().contains("panics.rs"),
            "{case}: {stack}"
        );
        let message = first["message"].as_str().unwrap();
        match case {
            "in a span whose data is locked" => assert_eq!(message, "gone, while locked"),
            "a payload that is no text" => assert_eq!(message, "a value that is no text"),
            _ => assert_eq!(message, "gone for [REDACTED:email]", "{case}"),
        }
        if case == "in spans" {
            assert_eq!(first["spans"], serde_json::json!(["request", "sync"]));
            let attributes = &first["attributes"];
            assert_eq!(attributes["user"], "[REDACTED:email]");
            assert_eq!(attributes["id"], 7);
            assert_eq!(attributes["attempt"], 2);
        }
        if case == "in a thread" {
            assert_eq!(first["attributes"]["thread.name"], "worker");
        }
        if case != "no subscriber" {
            assert_eq!(first["breadcrumbs"][0]["message"], "before", "{case}");
        }
    }
}
