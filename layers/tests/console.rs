//! What `install()` shows on stderr, and `console()` beside a stack of the program's own: the same.

mod child;

use tracing::{debug, info, trace, warn};
use tracing_courier::prelude::*;
use tracing_subscriber::prelude::*;

const TEST: &str = "the_screen_follows_rust_log_in_both_stacks_and_is_stderr";

fn shown(case: &str, rust_log: Option<&str>) -> (String, String) {
    let dir = tempfile::tempdir().unwrap();
    let mut command = child::command(TEST, case, dir.path());
    match rust_log {
        Some(rust_log) => command.env("RUST_LOG", rust_log),
        None => command.env_remove("RUST_LOG"),
    };
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    // What was recorded follows the levels of the builder alone.
    assert_eq!(child::records(dir.path(), "a warning").len(), 1);
    assert_eq!(child::records(dir.path(), "a detail").len(), 0);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

#[test]
fn the_screen_follows_rust_log_in_both_stacks_and_is_stderr() {
    if let Some((case, dir)) = child::case() {
        let courier = Courier::builder("console", "1").dir(dir).start().unwrap();
        match &*case {
            "install" => courier.install().unwrap(),
            _ => tracing_subscriber::registry()
                .with(tracing_courier::console())
                .with(courier.layer())
                .sanitized(courier.sanitizer())
                .init(),
        }
        warn!(password = "hunter2", "a warning");
        info!("news");
        debug!("a detail");
        trace!(target: "sync", "every step");
        return;
    }
    for case in ["install", "console"] {
        for (rust_log, warning, news, detail, step) in [
            (None, true, true, false, false),
            (Some(""), true, true, false, false),
            (Some("warn"), true, false, false, false),
            (Some("debug"), true, true, true, false),
            (Some("warn, sync=trace,"), true, false, false, true),
            (Some("sync=trace"), false, false, false, true),
            (Some("off"), false, false, false, false),
            (Some("loud=very"), true, true, false, false),
            (Some("[span]=debug"), true, true, false, false),
        ] {
            let (stdout, stderr) = shown(case, rust_log);
            let what = format!("{case} {rust_log:?}: {stderr}");
            for (text, is_shown) in [
                ("a warning password=[REDACTED]", warning),
                ("news", news),
                ("a detail", detail),
                ("every step", step),
            ] {
                assert_eq!(stderr.contains(text), is_shown, "`{text}`: {what}");
                assert!(!stdout.contains(text), "{stdout}");
            }
            assert!(!stderr.contains('\u{1b}'), "no colours in a pipe: {what}");
            let is_no_filter = matches!(rust_log, Some("loud=very" | "[span]=debug"));
            assert_eq!(
                stderr.contains("RUST_LOG is left out"),
                is_no_filter,
                "{what}"
            );
        }
    }
}
