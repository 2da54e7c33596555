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
