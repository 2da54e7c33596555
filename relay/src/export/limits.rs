//! Puts long texts as Logfire takes them.
//!
//! It shows a message up to 512 bytes and cuts what is longer, so the whole one also goes into the attribute
//! `courier.message`. The fields of an exception are cut here, at 32,000 bytes, where it would refuse or drop them.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs};

/// Longer messages are also kept in an attribute.
pub const MAX_MESSAGE_BYTES: usize = 512;

/// Longer fields of an exception are cut.
pub const MAX_EXCEPTION_BYTES: usize = 32_000;

/// Keeps every record within the limits.
pub fn keep(logs: &mut ResourceLogs) {
    for scope in &mut logs.scope_logs {
        scope.log_records.iter_mut().for_each(record);
    }
}

fn record(record: &mut LogRecord) {
    if let Some(Value::StringValue(message)) =
        record.body.as_ref().and_then(|body| body.value.as_ref())
        && message.len() > MAX_MESSAGE_BYTES
    {
        let whole = Value::StringValue(message.clone());
        record.attributes.push(KeyValue {
            key: WHOLE_MESSAGE.to_owned(),
            value: Some(AnyValue { value: Some(whole) }),
            ..KeyValue::default()
        });
    }
    for pair in &mut record.attributes {
        if !pair.key.starts_with("exception.") {
            continue;
        }
        if let Some(Value::StringValue(text)) =
            pair.value.as_mut().and_then(|value| value.value.as_mut())
            && text.len() > MAX_EXCEPTION_BYTES
        {
            cut(text);
        }
    }
}

fn cut(text: &mut String) {
    let end = text.floor_char_boundary(MAX_EXCEPTION_BYTES - CUT.len());
    text.truncate(end);
    text.push_str(CUT);
}

/// Where a long message is whole.
const WHOLE_MESSAGE: &str = "courier.message";

/// What stands where something was cut.
const CUT: &str = "…[truncated]";

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::logs::v1::ScopeLogs;

    use super::*;

    fn text(text: String) -> Option<AnyValue> {
        Some(AnyValue {
            value: Some(Value::StringValue(text)),
        })
    }

    fn kept(message: String, stack: String) -> LogRecord {
        let pair = KeyValue {
            key: "exception.stacktrace".to_owned(),
            value: text(stack),
            ..KeyValue::default()
        };
        let record = LogRecord {
            body: text(message),
            attributes: vec![pair],
            ..LogRecord::default()
        };
        let mut logs = ResourceLogs {
            scope_logs: vec![ScopeLogs {
                log_records: vec![record],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        };
        keep(&mut logs);
        logs.scope_logs.remove(0).log_records.remove(0)
    }

    #[test]
    fn a_message_over_512_bytes_is_whole_in_an_attribute() {
        let record = kept("m".repeat(512), String::new());
        assert_eq!(record.attributes.len(), 1);
        let record = kept("m".repeat(513), String::new());
        assert_eq!(record.body, text("m".repeat(513)));
        assert_eq!(record.attributes[1].key, "courier.message");
        assert_eq!(record.attributes[1].value, text("m".repeat(513)));
    }

    #[test]
    fn fields_of_an_exception_are_cut_between_characters_and_say_so() {
        let record = kept(String::new(), "é".repeat(16_000));
        assert_eq!(record.attributes[0].value, text("é".repeat(16_000)));
        let record = kept(String::new(), "é".repeat(16_001));
        let Some(Value::StringValue(cut)) = record.attributes[0]
            .value
            .clone()
            .and_then(|value| value.value)
        else {
            panic!("text");
        };
        assert!(cut.len() <= MAX_EXCEPTION_BYTES && cut.len() > MAX_EXCEPTION_BYTES - 3);
        assert!(cut.ends_with("é…[truncated]"));
    }
}
