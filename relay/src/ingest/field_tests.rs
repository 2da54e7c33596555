//! Each field of a record arrives as OTLP, and none with a secret in it.

use jiff::Timestamp;
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use prost::Message;
use serde_json::{Map, Value, json};
use tracing_courier::record::{Field, Holds};
use tracing_courier::sanitize::Sanitizer;

use super::convert;

/// What arrives of a record that has this value in this field, in the words of `Debug`.
fn arrived(field: Field, value: Value) -> String {
    let mut record = Map::from_iter([
        ("timestamp".to_owned(), json!("2026-02-06T12:00:00Z")),
        ("level".to_owned(), json!("info")),
        ("message".to_owned(), json!("m")),
    ]);
    record.insert(field.name().to_owned(), value);
    let body = json!({"context": {"queue": "a"}, "logs": [record]}).to_string();
    let (now, sanitizer) = (Timestamp::UNIX_EPOCH, Sanitizer::default());
    let converted = convert(body.as_bytes(), "", now, Some(&sanitizer)).expect("a batch");
    assert_eq!(converted.rejected, [], "{field:?}");
    let logs = ResourceLogs::decode(&converted.frame[..]).expect("it decodes");
    format!("{logs:?}")
}

/// A value for the field, and what of it arrives.
fn sample(field: Field) -> (Value, &'static str) {
    match field {
        // For the relay itself: of a record's names the duplicate is known.
        Field::Queued => (json!("000000000000002a-00000000-00000000"), ""),
        Field::Timestamp => (json!("2026-02-06T12:00:01Z"), "1770379201000000000"),
        Field::Level => (json!("fatal"), "FATAL"),
        Field::Logger => (json!("its::logger"), "its::logger"),
        Field::Message => (json!("its message"), "its message"),
        Field::Attributes => (json!({"its attribute": 7}), "its attribute"),
        Field::Error => (json!("its error"), "its error"),
        Field::ErrorType => (json!("its::Type"), "its::Type"),
        Field::StackTrace => (json!("0: its::frame"), "0: its::frame"),
        Field::TraceId => (json!("0123456789abcdef".repeat(2)), "137, 171, 205, 239, 1"),
        Field::SpanId => (json!("fedcba9876543210"), "254, 220, 186, 152"),
        Field::Spans => (json!(["its span"]), "its span"),
        Field::Location => (json!({"file": "its/file.rs", "line": 7}), "its/file.rs"),
        Field::Breadcrumbs => (json!([{"message": "its crumb"}]), "its crumb"),
        Field::EventName => (json!("its.event"), "event_name: \"its.event\""),
        Field::Install => (json!("its-install"), "its-install"),
        Field::Session => (json!("its-session"), "its-session"),
        Field::User => (json!("its-user"), "its-user"),
    }
}

#[test]
fn each_field_arrives() {
    for &field in Field::ALL {
        let (value, wanted) = sample(field);
        let arrived = arrived(field, value);
        assert!(arrived.contains(wanted), "{field:?}: {arrived}");
        let as_unknown = format!("key: {:?}", field.name());
        // Those that OTLP has under the same name.
        let is_same = matches!(field, Field::Spans | Field::Breadcrumbs);
        assert!(
            is_same || !arrived.contains(&as_unknown),
            "{field:?}: {arrived}"
        );
    }
}

#[test]
fn no_field_arrives_with_a_secret() {
    let secret = || json!("mail ann@example.com");
    for &field in Field::ALL {
        let value = match field.holds() {
            // Opaque ids and what the program itself says; by the contract nobody looks at them.
            Holds::Structure => continue,
            Holds::Hex | Holds::Text(_) => secret(),
            Holds::Members(_) => json!({"k": secret(), "password": "hunter2hunter2"}),
            Holds::List(_) => json!([secret(), {"k": secret(), "password": "hunter2hunter2"}]),
        };
        let arrived = arrived(field, value);
        for secret in ["ann@example", "hunter2"] {
            assert!(!arrived.contains(secret), "{field:?}: {arrived}");
        }
    }
}
