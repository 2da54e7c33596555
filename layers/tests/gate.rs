//! The gate, from outside: what stock layers print and what our own record.

mod printed;

use std::fmt;
use std::io;

use printed::{Printed, fmt_layer};
use serde_json::json;
use tracing::{Level, error, info, info_span, span};
use tracing_courier::{Record, SanitizeExt, SanitizeLayer, fatal, json as nested, testing};
use tracing_subscriber::prelude::*;

/// Runs `log` under a stock `fmt` layer behind a gate, and gives what it printed.
fn printed(log: impl FnOnce()) -> String {
    let printed = Printed::default();
    let stack = tracing_subscriber::registry()
        .with(fmt_layer(&printed))
        .sanitized(SanitizeLayer::default());
    tracing::dispatcher::with_default(&stack.into(), log);
    printed.text()
}

/// The only record that `log` makes.
fn recorded(log: impl FnOnce()) -> Record {
    let captured = testing::capture();
    log();
    let mut records = captured.records();
    assert_eq!(records.len(), 1, "{records:#?}");
    records.remove(0)
}

#[test]
fn a_stock_layer_prints_no_secret_and_everything_else_unchanged() {
    let text = printed(|| {
        let span = info_span!(
            "request",
            api_key = "k-123456",
            path = "/rooms",
            user = tracing::field::Empty
        );
        let _in = span.enter();
        span.record("user", "ada@example.org");
        info!(
            password = "hunter2",
            attempt = 3,
            ok = true,
            rate = 0.5,
            "login of bob@example.org failed"
        );
    });
    for secret in ["k-123456", "hunter2", "ada@example.org", "bob@example.org"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    for harmless in [
        "request",
        "path=\"/rooms\"",
        "attempt=3",
        "ok=true",
        "rate=0.5",
        "login of [REDACTED:email] failed",
    ] {
        assert!(text.contains(harmless), "no {harmless} in {text}");
    }
}

#[test]
fn a_harmless_line_is_the_same_with_and_without_a_gate() {
    let log = || {
        let span = info_span!("outer", n = 1, name = "x", list = ?[1, 2]);
        let _in = span.enter();
        span.in_scope(|| info!(a = 1, b = "two", c = ?Some("three"), d = %"four", f = 1.5, g = true, "five {}", 6));
        info!("only words");
        info!(only = "a field");
        info!(parent: None, "at the root");
        error!(
            error = &io::Error::other("it broke") as &dyn std::error::Error,
            "failed"
        );
        info!(
            bytes = &b"raw"[..],
            big = 170_141_183_460_469_231_731_687_303_715_884_105_727_i128,
            "odd kinds"
        );
    };
    let plain = Printed::default();
    let stack = tracing_subscriber::registry().with(fmt_layer(&plain));
    tracing::subscriber::with_default(stack, log);
    assert_eq!(printed(log), plain.text());
}

#[test]
fn a_record_keeps_its_types_and_merges_the_fields_of_its_spans() {
    let record = recorded(|| {
        let outer = info_span!(
            "request",
            id = 7_u64,
            room = "outer",
            late = tracing::field::Empty
        );
        let inner = info_span!(parent: &outer, "upload", room = "inner", own = "span's");
        outer.record("late", true);
        let _in = inner.enter();
        error!(
            own = "event's",
            status = 503,
            ratio = 0.25,
            wide = u64::MAX,
            huge = u128::MAX,
            nan = f64::NAN,
            "upload failed"
        );
    });
    assert_eq!(record.level.as_str(), "error");
    assert_eq!(record.logger, "gate");
    assert_eq!(record.message, "upload failed");
    assert_eq!(record.spans, ["request", "upload"]);
    assert_eq!(
        json!(record.attributes),
        json!({
            "own": "event's", "status": 503, "ratio": 0.25, "wide": u64::MAX, "huge": u128::MAX.to_string(), "nan": "NaN",
            "room": "inner", "id": 7, "late": true,
        })
    );
    let location = record.location.unwrap();
    assert!(
        location.file.ends_with("gate.rs") && location.line.is_some(),
        "{location:?}"
    );
}

#[test]
fn an_error_is_recorded_with_its_type_and_its_causes_and_cleaned() {
    #[derive(Debug)]
    struct UploadFailed {
        source: io::Error,
    }
    impl fmt::Display for UploadFailed {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("no upload for ada@example.org")
        }
    }
    impl std::error::Error for UploadFailed {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.source)
        }
    }
    let failed = UploadFailed {
        source: io::Error::other("mail to bob@example.org bounced"),
    };
    let log = || error!(error = &failed as &dyn std::error::Error, "failed");
    let record = recorded(log);
    assert_eq!(
        record.error.as_deref(),
        Some(
            "UploadFailed: no upload for [REDACTED:email]\ncaused by: io::Other: mail to [REDACTED:email] bounced"
        )
    );
    assert!(record.attributes.is_empty(), "{:?}", record.attributes);
    let text = printed(log);
    assert!(
        text.contains("error.sources=[mail to [REDACTED:email] bounced]"),
        "{text}"
    );
}

#[test]
fn an_error_given_as_text_is_the_records_error_too() {
    let record = recorded(|| error!(error = %"it broke", "failed"));
    assert_eq!(record.error.as_deref(), Some("it broke"));
}

#[test]
fn fatal_is_an_error_with_its_own_field_and_a_spans_field_means_nothing() {
    let captured = testing::capture();
    fatal!(code = 7, "cannot go on");
    error!(fatal = false, "not that bad");
    info!(fatal = true, "no error at all");
    info_span!("s", fatal = true).in_scope(|| error!("in a span"));
    let records = captured.records();
    let seen: Vec<_> = records
        .iter()
        .map(|record| (record.level.as_str(), json!(record.attributes)))
        .collect();
    assert_eq!(
        seen,
        [
            ("fatal", json!({"code": 7})),
            ("error", json!({"fatal": false})),
            ("info", json!({"fatal": true})),
            ("error", json!({"fatal": true})),
        ]
    );
}

#[test]
fn a_nested_value_stays_nested_and_is_cleaned_key_by_key() {
    let retry = json!({"after_s": 4, "token": "t-1234", "to": ["ada@example.org"]});
    let log = || info!(retry = ?nested(&retry), plain = ?[1, 2], "again");
    let record = recorded(log);
    assert_eq!(
        record.attributes["retry"],
        json!({"after_s": 4, "token": "[REDACTED]", "to": ["[REDACTED:email]"]})
    );
    assert_eq!(record.attributes["plain"], "[1, 2]");
    let text = printed(log);
    assert!(
        text.contains(r#""after_s":4"#) && !text.contains("t-1234"),
        "{text}"
    );
}

#[test]
fn a_value_denied_by_name_is_never_rendered() {
    struct Never;
    impl fmt::Debug for Never {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("rendered")
        }
    }
    let record = recorded(|| info!(password = ?Never, "login"));
    assert_eq!(record.attributes["password"], "[REDACTED]");
}

#[test]
fn a_value_whose_formatting_fails_costs_only_itself() {
    struct Failing;
    impl fmt::Debug for Failing {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half of ada@exam")?;
            Err(fmt::Error)
        }
    }
    let record = recorded(|| info!(bad = ?Failing, good = 1, "kept"));
    assert_eq!(
        json!(record.attributes),
        json!({"bad": "[FORMAT ERROR]", "good": 1})
    );
}

#[test]
fn a_value_that_panics_while_it_is_rendered_costs_only_itself() {
    struct Panicking;
    impl fmt::Debug for Panicking {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("on purpose")
        }
    }
    let captured = testing::capture();
    info!(bad = ?Panicking, good = 1, "kept");
    info!("the next one");
    let records = captured.records();
    assert_eq!(
        json!(records[0].attributes),
        json!({"bad": "[FORMAT PANIC]", "good": 1})
    );
    assert_eq!(records[1].message, "the next one");
}

#[test]
fn explicit_parents_and_roots_survive_the_rebuilding() {
    let captured = testing::capture();
    let a = info_span!("a");
    let b = info_span!(parent: None, "b");
    let c = span!(parent: &a, Level::INFO, "c");
    let _in = a.enter();
    info!("current");
    info!(parent: &b, "of b");
    info!(parent: &c, "of c");
    info!(parent: None, "root");
    let spans: Vec<_> = captured
        .records()
        .into_iter()
        .map(|record| record.spans)
        .collect();
    assert_eq!(spans, [vec!["a"], vec!["b"], vec!["a", "c"], vec![]]);
}

#[test]
fn a_value_of_many_bytes_is_cut_on_a_character_boundary() {
    let long = "ä".repeat(100_000);
    let record = recorded(|| info!(long, "cut"));
    let text = record.attributes["long"].as_str().unwrap();
    let (kept, marker) = text.rsplit_once('[').unwrap();
    assert_eq!(kept, "ä".repeat(kept.len() / 2));
    assert!(kept.len() <= 64 * 1024, "{}", kept.len());
    assert!(marker.starts_with("TRUNCATED:"), "{marker}");
}

#[test]
fn a_record_that_the_policy_wants_gone_is_nowhere_and_disturbs_no_other() {
    use tracing_courier::Sanitizer;
    use tracing_courier::sanitize::{Classification, Policy};
    let policy = Policy::new().classification(Classification::DropRecord);
    let captured = testing::capture_with(Sanitizer::new(&policy).into());
    info!(n = 1, "SECRET//NOFORN the convoy leaves at six");
    info!(n = 2, "the next one");
    let records = captured.records();
    assert_eq!(records.len(), 1, "{records:#?}");
    assert_eq!(records[0].attributes["n"], 2);
}

#[test]
fn behind_a_gate_without_policy_everything_is_recorded_once_as_it_came() {
    let captured = testing::capture_with(SanitizeLayer::none());
    info_span!("of", user = "ada@example.org").in_scope(|| {
        info!(password = "hunter2", n = 1, "mail to bob@example.org");
    });
    let records = captured.records();
    assert_eq!(records.len(), 1, "{records:#?}");
    assert_eq!(records[0].message, "mail to bob@example.org");
    assert_eq!(
        json!(records[0].attributes),
        json!({"password": "hunter2", "n": 1, "user": "ada@example.org"})
    );
}

#[test]
fn our_layers_fail_closed_without_a_gate_and_open_only_when_told() {
    use tracing_courier::{BreadcrumbLayer, Breadcrumbs};
    let crumbs = Breadcrumbs::new();
    let closed = tracing_subscriber::registry().with(BreadcrumbLayer::new(&crumbs));
    tracing::subscriber::with_default(closed, || info!("of ada@example.org"));
    assert!(crumbs.recent().is_empty());

    let open = tracing_subscriber::registry().with(BreadcrumbLayer::new(&crumbs).allow_raw());
    tracing::subscriber::with_default(open, || info!("of ada@example.org"));
    assert_eq!(crumbs.recent()[0].message, "of ada@example.org");

    let boxed = tracing_subscriber::registry()
        .with(vec![Some(BreadcrumbLayer::new(&crumbs).boxed())])
        .sanitized(SanitizeLayer::default());
    tracing::dispatcher::with_default(&boxed.into(), || info!("of ada@example.org"));
    assert_eq!(crumbs.recent()[1].message, "of [REDACTED:email]");
}
