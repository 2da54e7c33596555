//! The local log from outside.
#![cfg(feature = "local-log")]

use std::fs;

use tracing::{dispatcher, info, info_span};
use tracing_courier::prelude::*;
use tracing_subscriber::prelude::*;

#[test]
fn it_is_readable_clean_complete_and_made_anew_each_day_up_to_a_number() {
    let dir = tempfile::tempdir().unwrap();
    let logs = dir.path().join("logs");
    fs::create_dir(&logs).unwrap();
    for day in 1..=5 {
        fs::write(logs.join(format!("site-app.2020-01-0{day}.log")), "old\n").unwrap();
    }
    fs::write(logs.join("another.2020-01-01.log"), "not ours\n").unwrap();
    let courier = Courier::builder("site-app", "1")
        .dir(dir.path())
        .local_log(&logs)
        .local_log_files(3)
        .without_panic_hook()
        .start()
        .unwrap();
    // A coloured console beside it, which formats the same spans.
    let console = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
    let stack = tracing_subscriber::registry()
        .with(console)
        .with(courier.layer())
        .sanitized(courier.sanitizer());
    dispatcher::with_default(&stack.into(), || {
        let span = info_span!("sync", user = "ada@example.org");
        let _entered = span.enter();
        for n in 0..1000 {
            info!(n, password = "hunter2", "uploaded");
        }
        tracing::debug!("below the levels");
    });
    drop(courier);

    let mut names: Vec<String> = fs::read_dir(&logs)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let [other, _, _, today] = &names[..] else {
        panic!("{names:?}");
    };
    assert_eq!(other, "another.2020-01-01.log");
    assert!(
        today.starts_with("site-app.20") && !today.contains(".2020-"),
        "{names:?}"
    );
    let text = fs::read_to_string(logs.join(today)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 1000);
    assert!(
        lines[7].ends_with(
            " INFO sync{user=\"[REDACTED:email]\"}: local_log: uploaded n=7 password=[REDACTED]"
        ),
        "{}",
        lines[7]
    );
}

/// The text of the one file that is not older than today.
fn text(logs: &std::path::Path) -> String {
    let mut files = fs::read_dir(logs).unwrap();
    let file = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none());
    fs::read_to_string(file).unwrap()
}

#[test]
fn it_says_who_was_at_what_and_has_fatal_and_panics() {
    let dir = tempfile::tempdir().unwrap();
    let logs = dir.path().join("logs");
    let courier = Courier::builder("site-app", "1")
        .dir(dir.path())
        .local_log(&logs)
        .start()
        .unwrap();
    let stack = tracing_subscriber::registry()
        .with(courier.layer())
        .sanitized(courier.sanitizer());
    dispatcher::with_default(&stack.into(), || {
        info!("before the login");
        courier.set_user(Some("user-7"));
        courier.set_context("active_run", serde_json::json!({"run_id": "r-7"}));
        courier.set_context("password", "hunter2");
        let _entered = info_span!("sync", device = 3).entered();
        info!(n = 1, "uploaded");
        fatal!(disk = "/dev/sda", "no\nroom");
        tracing::error!("a plain error");
        let _ = std::panic::catch_unwind(|| panic!("gone for ada@example.org\nand more"));
        courier.set_user(None);
        courier.clear_context("active_run");
        courier.clear_context("password");
        info!("after the logout");
    });
    drop(courier);
    let text = text(&logs);
    let lines: Vec<&str> = text.lines().collect();
    let context = "user=user-7 active_run={\"run_id\":\"r-7\"} password=\"[REDACTED]\"";
    for (line, end) in lines.iter().zip([
        " INFO local_log: before the login".to_owned(),
        format!(" INFO sync{{device=3}}: local_log: uploaded n=1 {context}"),
        format!("FATAL sync{{device=3}}: local_log: no\\nroom disk=\"/dev/sda\" {context}"),
        format!("ERROR sync{{device=3}}: local_log: a plain error {context}"),
        "FATAL sync: panic: gone for [REDACTED:email]\\nand more file=layers/tests/local_log.rs line=LINE user=user-7 \
             active_run={\"run_id\":\"r-7\"} device=3 password=\"[REDACTED]\" \
             thread.name=\"it_says_who_was_at_what_and_has_fatal_and_panics\"".to_owned(),
        " INFO sync{device=3}: local_log: after the logout".to_owned(),
    ]) {
        // Where this test panics moves with each change of it.
        let digits = |line: &str| match line.split_once("line=") {
            Some((before, after)) => {
                let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
                format!("{before}line=LINE{rest}")
            }
            None => line.to_owned(),
        };
        assert!(digits(line).ends_with(&end), "{line}\nshould end with\n{end}\nin\n{text}");
    }
    assert_eq!(lines.len(), 6, "{text}");
    assert!(
        !text.contains("hunter2") && !text.contains("ada@"),
        "{text}"
    );
}
