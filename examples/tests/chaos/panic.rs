//! The program panics.

use std::path::Path;
use std::process::Command;

use opentelemetry_proto::tonic::common::v1::any_value::Value;

use crate::process::{Process, poll};
use crate::relay::Relay;
use crate::upstream::{Upstream, attribute, records, text};
use crate::{built, program, stored};

#[test]
fn a_panic_is_on_disk_with_its_stack_and_the_next_start_brings_it_home() {
    let dir = tempfile::tempdir().expect("a directory");
    let root = dir.path().join("program");
    let ended = program::start(&root, &["--panic-at", "25", "--print-acked"]).wait();
    assert_eq!(ended.code, Some(101), "{:#?}", ended.stderr);
    assert!(program::acked(&ended).into_iter().eq(0..=25));

    let on_disk = stored::cat(&root);
    let panics: Vec<_> = on_disk
        .iter()
        .filter(|record| record.level == "fatal")
        .collect();
    let [panic] = panics[..] else {
        panic!("{on_disk:#?}");
    };
    assert_eq!(panic.message, "asked to panic after record 25");
    assert_eq!(panic.attributes["panic"], true);
    let stack = panic.stack_trace.as_deref().expect("a stack trace");
    assert!(stack.contains("examples/field_app.rs:"), "{stack}");
    let crumbs: Vec<&str> = panic
        .breadcrumbs
        .iter()
        .map(|crumb| crumb.message.as_str())
        .collect();
    assert_eq!(crumbs, ["record"; 20], "the last of what came before");

    let upstream = Upstream::start();
    let relay = Relay::start(&dir.path().join("relay"), &upstream.receiver().url());
    let (url, token) = (relay.url(), relay.token("user-abc"));
    let args = ["--records", "0", "--relay", &url, "--token", &token];
    program::assert_delivered(&program::start(&root, &args).wait());
    assert!(
        stored::cat(&root)
            .iter()
            .all(|record| record.level != "fatal")
    );

    let home = poll("the panic upstream", || {
        let requests = upstream.receiver().requests();
        let mut fatal = requests
            .iter()
            .flat_map(records)
            .filter(|record| record.severity_number == 21);
        fatal.next().cloned()
    });
    assert_eq!(
        attribute(&home, "panic"),
        Some(&Value::BoolValue(true)),
        "typed"
    );
    assert_eq!(text(&home, "exception.type"), Some("panic"));
    assert_eq!(
        text(&home, "exception.message"),
        Some("asked to panic after record 25")
    );
    assert_eq!(text(&home, "exception.stacktrace"), Some(stack));
    assert_eq!(text(&home, "error.fingerprint").map(str::len), Some(64));
    assert_eq!(text(&home, "courier.sender"), Some("user-abc"));
}

/// One way to panic: what it is called, how the process ends, and what its records say.
struct Way {
    name: &'static str,
    code: Option<i32>,
    signal: Option<i32>,
    messages: &'static [&'static str],
}

const fn way(name: &'static str, end: Result<i32, i32>, messages: &'static [&'static str]) -> Way {
    let (code, signal) = match end {
        Ok(code) => (Some(code), None),
        Err(signal) => (None, Some(signal)),
    };
    Way {
        name,
        code,
        signal,
        messages,
    }
}

const GONE: &str = "gone for [REDACTED:email]";
const ABORTED: Result<i32, i32> = Err(6);

const WAYS: [Way; 14] = [
    way("in-main", Ok(101), &[GONE]),
    way("in-a-thread", Ok(0), &[GONE]),
    way("caught", Ok(0), &[GONE]),
    way("without-a-subscriber", Ok(101), &[GONE]),
    way("with-a-string", Ok(101), &[GONE]),
    way("with-a-number", Ok(101), &["a value that is no text"]),
    way(
        "with-an-error",
        Ok(101),
        &["the upload: Custom { kind: Other, error: \"gone for [REDACTED:email]\" }"],
    ),
    way(
        "while-panicking",
        ABORTED,
        &[GONE, "and again", "panic in a destructor during cleanup"],
    ),
    way("in-a-layers-lock", Ok(0), &[GONE]),
    way("inside-of-debug", Ok(0), &[GONE]),
    way("in-a-tokio-task", Ok(0), &[GONE]),
    way("resumed", Ok(0), &[GONE]),
    way("in-a-thread-locals-drop", ABORTED, &["and again"]),
    way("in-a-hundred-threads", Ok(0), &[GONE; 100]),
];

fn fatal(root: &Path) -> Vec<stored::Stored> {
    let mut on_disk = stored::cat(root);
    on_disk.retain(|record| record.level == "fatal");
    on_disk
}

#[test]
fn each_way_to_panic_leaves_its_records_on_disk_once_the_process_is_gone() {
    for Way {
        name,
        code,
        signal,
        messages,
    } in WAYS
    {
        let dir = tempfile::tempdir().expect("a directory");
        let mut panics = Command::new(built::panics());
        let ended = Process::start(panics.arg("--dir").arg(dir.path()).arg(name)).wait();
        assert_eq!(
            (ended.code, ended.signal),
            (code, signal),
            "{name}: {:#?}",
            ended.stderr
        );

        let records = fatal(dir.path());
        let said: Vec<&str> = records
            .iter()
            .map(|record| record.message.as_str())
            .collect();
        assert_eq!(said, messages, "{name}");
        for record in &records {
            assert_eq!(record.attributes["panic"], true, "{name}");
            let stack = record
                .stack_trace
                .as_deref()
                .unwrap_or_else(|| panic!("{name}: no stack"));
            assert!(!stack.is_empty(), "{name}");
            if name != "without-a-subscriber" {
                assert_eq!(record.breadcrumbs[0].message, "before", "{name}");
            }
        }
        let stack = records[0].stack_trace.as_deref().unwrap_or_default();
        assert!(stack.contains("examples/panics.rs:"), "{name}: {stack}");
        if name != "in-a-hundred-threads" {
            assert_eq!(
                ended.stdout.len(),
                messages.len(),
                "{name}: the hook before ours is called for each"
            );
            assert!(
                ended.stdout.iter().all(|line| line.starts_with("on disk ")),
                "{name}: {:#?}",
                ended.stdout
            );
        }
    }
}

#[test]
fn a_backtrace_is_captured_whatever_rust_backtrace_says_unless_it_is_switched_off() {
    for (value, off, has_stack) in [
        ("0", false, true),
        ("full", false, true),
        ("1", true, false),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        let mut panics = Command::new(built::panics());
        panics.arg("--dir").arg(dir.path()).arg("in-main");
        if off {
            panics.arg("--without-backtrace");
        }
        let ended = Process::start_with(&mut panics, &[("RUST_BACKTRACE", value)]).wait();
        assert_eq!(ended.code, Some(101), "{:#?}", ended.stderr);
        let records = fatal(dir.path());
        assert_eq!(records.len(), 1);
        assert_eq!(
            records[0].stack_trace.is_some(),
            has_stack,
            "RUST_BACKTRACE={value}"
        );
    }
}

#[test]
fn a_program_whose_panics_abort_leaves_its_record_and_the_next_start_reports_its_end() {
    let program = built::abort();
    let dir = tempfile::tempdir().expect("a directory");
    let ended = Process::start(Command::new(&program).arg(dir.path())).wait();
    assert_eq!(ended.signal, Some(6), "{:#?}", ended.stderr);
    let records = fatal(dir.path());
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].message, GONE);
    assert_eq!(records[0].breadcrumbs[0].message, "before");
    let stack = records[0].stack_trace.as_deref().expect("a stack trace");
    assert!(stack.contains("src/main.rs:"), "{stack}");

    let next = Process::start(Command::new(&program).arg(dir.path())).wait();
    assert_eq!(next.signal, Some(6), "{:#?}", next.stderr);
    let reports: Vec<_> = stored::cat(dir.path())
        .into_iter()
        .filter(|record| record.message == "app.crash")
        .collect();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].attributes["previous.panicked"], true);
}
