//! What arrives at the backend of what a program logged.

use std::collections::BTreeMap;

use courier_relay::convert;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use prost::Message as _;
use tracing_courier::sanitize::Sanitizer;
use tracing_courier::{Record, testing};

/// One record as the backend has it.
#[derive(Clone, Debug, Default)]
pub struct Arrived {
    /// The body.
    pub message: String,
    /// The attributes, each as text.
    pub attributes: BTreeMap<String, String>,
}

impl Arrived {
    /// `exception.type`.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.attribute("exception.type")
    }

    /// `exception.message`: the error with its causes, a line for each.
    #[must_use]
    pub fn chain(&self) -> Option<&str> {
        self.attribute("exception.message")
    }

    /// `exception.stacktrace`.
    #[must_use]
    pub fn stack(&self) -> Option<&str> {
        self.attribute("exception.stacktrace")
    }

    /// `error.fingerprint`.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        self.attribute("error.fingerprint").unwrap_or_default()
    }

    /// The attribute of this name, if there is one.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

/// What arrives of what `log` logs on this thread.
///
/// # Panics
/// The relay does not take one of the records.
#[must_use]
pub fn arriving(log: impl FnOnce()) -> Vec<Arrived> {
    let captured = testing::capture();
    log();
    captured.records().iter().map(at_the_backend).collect()
}

/// What the relay makes of a device's record.
///
/// # Panics
/// The relay does not take it.
#[must_use]
pub fn at_the_backend(record: &Record) -> Arrived {
    let body = serde_json::json!({ "logs": [record] }).to_string();
    let now = record.timestamp.parse().expect("a record has a timestamp");
    let sanitizer = Sanitizer::default();
    let converted =
        convert(body.as_bytes(), "trial", now, Some(&sanitizer)).expect("it is a batch");
    assert_eq!(converted.records, 1, "{:?}", converted.rejected);
    let logs = ResourceLogs::decode(&converted.frame[..]).expect("the relay encodes OTLP");
    let record = &logs.scope_logs[0].log_records[0];
    let text = |value: Option<&Value>| match value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(is)) => is.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    };
    Arrived {
        message: text(record.body.as_ref().and_then(|body| body.value.as_ref())),
        attributes: record
            .attributes
            .iter()
            .map(|attribute| {
                let value = attribute.value.as_ref();
                (
                    attribute.key.clone(),
                    text(value.and_then(|value| value.value.as_ref())),
                )
            })
            .collect(),
    }
}
