//! Records with an error as spans, for backends that build issues from spans.
//!
//! Each becomes a span without length, of status error, with an `exception` event; its attributes are the record's. A
//! record that is in a trace stays in it, below its span; one that is in none begins one. Ids are made of the record, so
//! that one that is sent twice is the same span.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs};
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use sha2::{Digest, Sha256};

/// The exceptions in `logs`; `None` when `logs` has no exceptions.
#[must_use]
pub fn of(logs: ResourceLogs) -> Option<ResourceSpans> {
    let scope_spans: Vec<ScopeSpans> = logs
        .scope_logs
        .into_iter()
        .map(|scope| ScopeSpans {
            scope: scope.scope,
            spans: scope.log_records.into_iter().filter_map(span).collect(),
            schema_url: scope.schema_url,
        })
        .filter(|scope| !scope.spans.is_empty())
        .collect();
    (!scope_spans.is_empty()).then_some(ResourceSpans {
        resource: logs.resource,
        scope_spans,
        schema_url: logs.schema_url,
    })
}

fn span(record: LogRecord) -> Option<Span> {
    let is_exception = |pair: &KeyValue| {
        matches!(
            pair.key.as_str(),
            "exception.type" | "exception.message" | "exception.stacktrace"
        )
    };
    if !record.attributes.iter().any(is_exception) {
        return None;
    }
    let id: [u8; 32] = Sha256::digest(record.encode_to_vec()).into();
    let (trace_id, span_id) = id.split_at(16);
    let (event, attributes): (Vec<KeyValue>, Vec<KeyValue>) =
        record.attributes.into_iter().partition(is_exception);
    let said = |key: &str| event.iter().find(|pair| pair.key == key).and_then(text);
    let message = record.body.and_then(|body| match body.value? {
        Value::StringValue(message) => Some(message),
        _ => None,
    });
    let is_in_trace = !record.trace_id.is_empty();
    Some(Span {
        trace_id: if is_in_trace {
            record.trace_id
        } else {
            trace_id.to_vec()
        },
        span_id: span_id.get(..8).unwrap_or_default().to_vec(),
        parent_span_id: if is_in_trace {
            record.span_id
        } else {
            Vec::new()
        },
        name: message.unwrap_or_default(),
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: record.time_unix_nano,
        end_time_unix_nano: record.time_unix_nano,
        attributes,
        dropped_attributes_count: record.dropped_attributes_count,
        status: Some(Status {
            message: said("exception.message")
                .or(said("exception.type"))
                .unwrap_or_default(),
            code: StatusCode::Error.into(),
        }),
        events: vec![Event {
            time_unix_nano: record.time_unix_nano,
            name: "exception".to_owned(),
            attributes: event,
            dropped_attributes_count: 0,
        }],
        ..Span::default()
    })
}

fn text(pair: &KeyValue) -> Option<String> {
    match pair.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::AnyValue;
    use opentelemetry_proto::tonic::logs::v1::ScopeLogs;

    use super::*;

    fn pair(key: &str, value: &str) -> KeyValue {
        KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue {
                value: Some(Value::StringValue(value.to_owned())),
            }),
            ..KeyValue::default()
        }
    }

    fn logs(records: Vec<LogRecord>) -> ResourceLogs {
        ResourceLogs {
            scope_logs: vec![ScopeLogs {
                log_records: records,
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }
    }

    fn failed() -> LogRecord {
        LogRecord {
            time_unix_nano: 7,
            body: pair("", "upload failed").value,
            attributes: vec![
                pair("exception.type", "Timeout"),
                pair("exception.message", "no answer in 5 s"),
                pair("route", "/surveys"),
            ],
            ..LogRecord::default()
        }
    }

    #[test]
    fn an_error_is_a_span_without_length_with_an_exception_event() {
        let plain = LogRecord {
            attributes: vec![pair("route", "/surveys")],
            ..LogRecord::default()
        };
        assert_eq!(of(logs(vec![plain.clone()])), None);
        let spans = of(logs(vec![plain, failed()])).expect("one span");
        let [span] = &spans.scope_spans[0].spans[..] else {
            panic!("one span: {spans:?}");
        };
        assert_eq!((span.start_time_unix_nano, span.end_time_unix_nano), (7, 7));
        assert_eq!(span.name, "upload failed");
        assert_eq!(span.attributes, [pair("route", "/surveys")]);
        assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8));
        let status = span.status.clone().expect("a status");
        assert_eq!(
            (status.code, status.message.as_str()),
            (2, "no answer in 5 s")
        );
        assert_eq!(span.events[0].name, "exception");
        assert_eq!(span.events[0].attributes.len(), 2);
        assert_eq!(
            of(logs(vec![failed()])),
            Some(spans),
            "sent twice it is the same span"
        );
    }

    #[test]
    fn an_error_in_a_trace_stays_in_it_below_its_span() {
        let record = LogRecord {
            trace_id: vec![1; 16],
            span_id: vec![2; 8],
            ..failed()
        };
        let spans = of(logs(vec![record])).expect("one span");
        let span = &spans.scope_spans[0].spans[0];
        assert_eq!(span.trace_id, vec![1; 16]);
        assert_eq!(span.parent_span_id, vec![2; 8]);
        assert_ne!(span.span_id, vec![2; 8]);
    }
}
