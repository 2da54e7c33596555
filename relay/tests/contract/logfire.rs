//! What a backend gets that builds issues from spans, or that cuts long messages.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use serde_json::json;

use crate::relay::Relay;
use crate::upstream::{Say, Upstream, message, records_of};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

fn an_error(message: &str) -> String {
    json!([{
        "timestamp": "2026-02-06T12:00:00Z",
        "level": "error",
        "message": message,
        "error": "SyncError: the server is away",
        "stack_trace": "0: app::sync at src/sync.rs:7",
        "trace_id": TRACE,
        "span_id": SPAN,
    }, {
        "timestamp": "2026-02-06T12:00:00Z",
        "level": "info",
        "message": "no error",
    }])
    .to_string()
}

fn text<'a>(attributes: &'a [KeyValue], key: &str) -> &'a str {
    let pair = attributes.iter().find(|pair| pair.key == key);
    match pair.and_then(|pair| pair.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(text)) => text,
        other => panic!("{key} is {other:?}"),
    }
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn with_exceptions_as_spans_an_error_is_also_a_span_and_everything_is_still_a_log() {
    let upstream = Upstream::start([], Say::Ok);
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(
        dir.path(),
        &[
            "--otlp-endpoint",
            &upstream.endpoint,
            "--exceptions",
            "span",
        ],
    );
    relay.accept(an_error("sync failed")).await;
    assert_eq!(upstream.messages(2).await, ["sync failed", "no error"]);
    let spans = upstream.spans(1).await;
    assert_eq!(spans.len(), 1, "one record has an error");
    let span = &spans[0];
    assert_eq!(
        (hex(&span.trace_id), hex(&span.parent_span_id)),
        (TRACE.to_owned(), SPAN.to_owned())
    );
    assert_eq!(span.start_time_unix_nano, span.end_time_unix_nano);
    assert_eq!(span.status.as_ref().expect("a status").code, 2, "an error");
    assert_eq!(span.events[0].name, "exception");
    let exception = &span.events[0].attributes;
    assert_eq!(text(exception, "exception.type"), "SyncError");
    assert_eq!(text(exception, "exception.message"), "the server is away");
    assert!(text(exception, "exception.stacktrace").contains("src/sync.rs:7"));
}

#[tokio::test]
async fn without_it_there_are_no_spans() {
    let upstream = Upstream::start([], Say::Ok);
    let dir = tempfile::tempdir().expect("a directory");
    let mut relay = Relay::start(dir.path(), &["--otlp-endpoint", &upstream.endpoint]);
    relay.accept(an_error("sync failed")).await;
    upstream.delivered(2).await;
    assert!(relay.terminate().success());
    assert_eq!(upstream.spans(0).await, []);
}

#[tokio::test]
async fn limits_keep_a_long_message_whole_where_they_are_on_and_only_there() {
    let long = "m".repeat(600);
    for (limits, has_whole) in [("on", true), ("off", false), ("auto", false)] {
        let upstream = Upstream::start([], Say::Ok);
        let dir = tempfile::tempdir().expect("a directory");
        let relay = Relay::start(
            dir.path(),
            &["--otlp-endpoint", &upstream.endpoint, "--limits", limits],
        );
        relay.accept(an_error(&long)).await;
        let logs = upstream.delivered(2).await;
        let record = logs.iter().flat_map(records_of).next().expect("a record");
        assert_eq!(message(record), long);
        let has = record
            .attributes
            .iter()
            .any(|pair| pair.key == "courier.message");
        assert_eq!(has, has_whole, "--limits {limits}");
        if has {
            assert_eq!(text(&record.attributes, "courier.message"), long);
        }
    }
}
