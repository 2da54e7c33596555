//! The mapping table, seen at the upstream.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use serde_json::{Value, json};

use crate::relay::Relay;
use crate::upstream::{Say, Upstream};

/// One batch, as it arrives upstream, in a form that people read; with a spool and without one it is the same.
async fn arrived(body: &str, records: usize) -> Value {
    let spooled = arrived_by("sqlite", body, records).await;
    let through = arrived_by("none", body, records).await;
    assert_eq!(spooled, through, "with `--spool none` the same arrives");
    spooled
}

async fn arrived_by(spool: &str, body: &str, records: usize) -> Value {
    let upstream = Upstream::start([], Say::Ok);
    let dir = tempfile::tempdir().expect("a directory");
    let flags = [
        "--otlp-endpoint",
        &upstream.endpoint,
        "--spool",
        spool,
        "--sanitize",
        "off",
    ];
    let relay = Relay::start(dir.path(), &flags);
    let receipt = relay.accept(body.to_owned()).await;
    assert_eq!(receipt["accepted"], records);
    let logs = upstream.delivered(records).await;
    assert_eq!(logs.len(), 1, "one ResourceLogs per batch");
    let mut logs = readable(&logs[0]);
    let scopes = logs["scopes"].as_array_mut().expect("a list");
    for record in scopes
        .iter_mut()
        .flat_map(|scope| scope["records"].as_array_mut().expect("a list"))
    {
        // The only thing that differs from run to run, and by which it has to be a time.
        let received = &mut record["attributes"]["server.received_at"]["string"];
        let text = received.as_str().expect("text");
        assert!(text.parse::<jiff::Timestamp>().is_ok(), "{text}");
        *received = json!("[received]");
    }
    logs
}

fn readable(logs: &ResourceLogs) -> Value {
    let scopes: Vec<Value> = logs
        .scope_logs
        .iter()
        .map(|scope| {
            let records: Vec<Value> = scope
                .log_records
                .iter()
                .map(|record| {
                    assert!(record.observed_time_unix_nano > 1_770_000_000_000_000_000);
                    json!({
                        "time": record.time_unix_nano,
                        "severity": [record.severity_number.to_string(), record.severity_text],
                        "body": record.body.as_ref().map(any),
                        "attributes": attributes(&record.attributes),
                        "dropped": record.dropped_attributes_count,
                        "trace": hex(&record.trace_id),
                        "span": hex(&record.span_id),
                    })
                })
                .collect();
            json!({"scope": scope.scope.as_ref().map(|scope| scope.name.clone()), "records": records})
        })
        .collect();
    json!({"resource": logs.resource.as_ref().map(|resource| attributes(&resource.attributes)), "scopes": scopes})
}

fn attributes(pairs: &[KeyValue]) -> BTreeMap<String, Value> {
    let all: BTreeMap<String, Value> = pairs
        .iter()
        .map(|pair| {
            (
                pair.key.clone(),
                pair.value.as_ref().map_or(json!("nothing"), any),
            )
        })
        .collect();
    assert_eq!(all.len(), pairs.len(), "keys are unique: {pairs:?}");
    all
}

/// The type is part of what is read: `{"int": 1}` is not `{"string": "1"}`.
fn any(value: &AnyValue) -> Value {
    match &value.value {
        None => json!("empty"),
        Some(Any::StringValue(text)) => json!({ "string": text }),
        Some(Any::BoolValue(flag)) => json!({ "bool": flag }),
        Some(Any::IntValue(number)) => json!({ "int": number }),
        Some(Any::DoubleValue(number)) => json!({ "double": number }),
        Some(Any::ArrayValue(list)) => {
            json!({ "list": list.values.iter().map(any).collect::<Vec<_>>() })
        }
        Some(Any::KvlistValue(map)) => json!({ "map": attributes(&map.values) }),
        Some(other) => panic!("{other:?} is never sent"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn each_field_of_the_dart_batch_arrives_where_the_table_says() {
    let logs = arrived(include_str!("dart-batch.json"), 4).await;
    insta::assert_json_snapshot!(logs);
}

#[tokio::test]
async fn each_field_of_the_courier_batch_arrives_where_the_table_says() {
    // As if sent just now: a sample's clock is months off, which is another test's business.
    let now = jiff::Timestamp::now().to_string();
    let body = include_str!("courier-batch.json").replace("2026-02-06T12:00:05.000Z", &now);
    let logs = arrived(&body, 2).await;
    insta::assert_json_snapshot!(logs);
}

#[tokio::test]
async fn what_is_good_in_the_hostile_batch_arrives_where_the_table_says() {
    let logs = arrived(include_str!("hostile-batch.json"), 7).await;
    insta::assert_json_snapshot!(logs);
}
