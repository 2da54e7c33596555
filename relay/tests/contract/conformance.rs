//! The same records through `opentelemetry-otlp`'s exporter and through a relay: what arrives is equal in every field that
//! the SDK can express.
//!
//! What it can't: null, dropped counts, and what only a relay knows (`server.received_at`, `courier.sender`, its observed
//! time). What our table calls by other names than JSON does (`exception.type`, `code.file.path` …) the SDK gets by the
//! names of the semantic conventions.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use opentelemetry::logs::{AnyValue, LogRecord as _, Logger, LoggerProvider, Severity};
use opentelemetry::{Key, KeyValue, SpanId, TraceId};
use opentelemetry_otlp::{Compression, LogExporter, Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_proto::tonic::common::v1 as otlp;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use serde_json::{Value, json};

use crate::relay::Relay;
use crate::upstream::{Say, Upstream};

/// What both sides are told, and by which names the SDK has to be told it.
struct Sample {
    record: Value,
    beside: &'static [(&'static str, &'static str)],
}

fn resource() -> Value {
    json!({
        "service.name": "field-app", "service.version": "1.4.2", "service.instance.id": "i-1",
        "os.name": "linux", "build": 42, "is_kiosk": true, "load": 0.25, "tags": ["a", "b"],
    })
}

fn samples() -> Vec<Sample> {
    let level = |n: u64, level: &str, logger: &str, more: Value| {
        let mut record = json!({
            "timestamp": format!("2026-02-06T12:00:0{n}.123456789Z"), "level": level, "logger": logger,
            "message": format!("{level} {n} é 日本 🦀"), "installId": "i-1", "sessionId": "s-1", "userId": "u-1",
        });
        for (name, value) in more.as_object().expect("an object") {
            record[name] = value.clone();
        }
        record
    };
    let ids: &[(&str, &str)] = &[];
    vec![
        Sample {
            record: level(0, "trace", "app::net", json!({})),
            beside: ids,
        },
        Sample {
            record: level(
                1,
                "debug",
                "app",
                json!({"attributes": {
                    "zero": 0, "least": i64::MIN, "most": i64::MAX, "half": -0.5, "tiny": 5e-324, "huge": 1.7976931348623157e308,
                    "yes": true, "no": false, "empty": "", "text": "a\nb\t\"c\"\\", "spaces in name": 1,
                }}),
            ),
            beside: ids,
        },
        Sample {
            record: level(
                2,
                "info",
                "app::net",
                json!({"attributes": {
                    "list": [1, "two", 3.5, true, []],
                    "map": {"a": {"b": {"c": [{"d": 1}, {"d": -2}]}}, "e": {}},
                }, "traceId": "2858b245789667e5f284d6f014f510ec", "spanId": "a1b2c3d4e5f67890"}),
            ),
            beside: ids,
        },
        Sample {
            record: level(3, "warning", "", json!({})),
            beside: ids,
        },
        Sample {
            record: level(
                4,
                "error",
                "app::sync",
                json!({"error": "Timeout: no answer: 5 s", "stackTrace": "   0: app::sync::upload\n             at src/sync.rs:41:9",
                       "location": {"file": "src/sync.rs", "line": 41}, "spans": ["request", "upload"]}),
            ),
            beside: &[
                ("error.type", "Timeout"),
                ("exception.type", "Timeout"),
                ("exception.message", "no answer: 5 s"),
                (
                    "exception.stacktrace",
                    "   0: app::sync::upload\n             at src/sync.rs:41:9",
                ),
                ("code.file.path", "src/sync.rs"),
            ],
        },
        Sample {
            record: level(5, "fatal", "app::sync", json!({"error": "out of luck"})),
            beside: &[("exception.message", "out of luck")],
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_is_what_the_sdks_own_exporter_sends() {
    let theirs = Upstream::start([], Say::Ok);
    let endpoint = theirs.endpoint.clone();
    // The SDK's blocking client must not be made on a thread of tokio's.
    std::thread::spawn(move || by_sdk(&endpoint))
        .join()
        .expect("it exports");
    let theirs = comparable(&theirs.delivered(samples().len()).await);

    let ours = Upstream::start([], Say::Ok);
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(
        dir.path(),
        &["--otlp-endpoint", &ours.endpoint, "--sanitize", "off"],
    );
    let records: Vec<Value> = samples().into_iter().map(|sample| sample.record).collect();
    let body = json!({"resource": resource(), "logs": records});
    assert_eq!(
        relay.accept(body.to_string()).await["accepted"],
        records.len()
    );
    let ours = comparable(&ours.delivered(records.len()).await);

    assert_eq!(ours.resource, theirs.resource);
    assert_eq!(ours.records.len(), records.len());
    for (body, ours) in &ours.records {
        assert_eq!(Some(ours), theirs.records.get(body), "{body}");
    }
}

/// Sends the samples as a program that uses the SDK would.
fn by_sdk(endpoint: &str) {
    let client = reqwest::blocking::Client::builder()
        .tls_backend_preconfigured(crate::relay::no_tls())
        .no_proxy()
        .build()
        .expect("a client");
    let exporter = LogExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_compression(Compression::Gzip)
        .with_endpoint(format!("{endpoint}/v1/logs"))
        .build()
        .expect("an exporter");
    let said = resource();
    let attributes = said
        .as_object()
        .expect("an object")
        .iter()
        .map(|(name, value)| {
            let value: opentelemetry::Value = match value {
                Value::Bool(flag) => (*flag).into(),
                Value::Number(number) => match number.as_i64() {
                    Some(number) => number.into(),
                    None => number.as_f64().expect("a double").into(),
                },
                Value::Array(texts) => {
                    let texts = texts
                        .iter()
                        .map(|text| text.as_str().expect("text").to_owned().into());
                    opentelemetry::Value::Array(opentelemetry::Array::String(texts.collect()))
                }
                text => text.as_str().expect("text").to_owned().into(),
            };
            KeyValue::new(name.clone(), value)
        });
    let provider = SdkLoggerProvider::builder()
        .with_resource(
            Resource::builder_empty()
                .with_attributes(attributes)
                .build(),
        )
        .with_batch_exporter(exporter)
        .build();
    for Sample { record, beside } in samples() {
        let text = |name: &str| record[name].as_str().expect("text").to_owned();
        let logger = provider.logger(text("logger"));
        let mut log = logger.create_log_record();
        let time: jiff::Timestamp = text("timestamp").parse().expect("a timestamp");
        let time = UNIX_EPOCH
            + Duration::from_nanos(u64::try_from(time.as_nanosecond()).expect("it fits"));
        log.set_timestamp(time);
        log.set_observed_timestamp(time);
        let (number, name) = match record["level"].as_str().expect("text") {
            "trace" => (Severity::Trace, "TRACE"),
            "debug" => (Severity::Debug, "DEBUG"),
            "info" => (Severity::Info, "INFO"),
            "warning" => (Severity::Warn, "WARN"),
            "error" => (Severity::Error, "ERROR"),
            _ => (Severity::Fatal, "FATAL"),
        };
        log.set_severity_number(number);
        log.set_severity_text(name);
        log.set_body(text("message").into());
        if record["traceId"].is_string() {
            let trace = TraceId::from_hex(&text("traceId")).expect("an id");
            let span = SpanId::from_hex(&text("spanId")).expect("an id");
            log.set_trace_context(trace, span, None);
        }
        for (name, value) in record["attributes"].as_object().into_iter().flatten() {
            log.add_attribute(name.clone(), any(value));
        }
        for (name, from) in [
            ("install.id", "installId"),
            ("session.id", "sessionId"),
            ("user.id", "userId"),
        ] {
            log.add_attribute(name, text(from));
        }
        for &(name, value) in beside {
            log.add_attribute(name, value);
        }
        if let Some(line) = record["location"]["line"].as_i64() {
            log.add_attribute("code.line.number", line);
        }
        if record["spans"].is_array() {
            log.add_attribute("spans", any(&record["spans"]));
        }
        logger.emit(log);
    }
    provider.shutdown().expect("everything is sent");
}

fn any(value: &Value) -> AnyValue {
    match value {
        Value::Bool(flag) => AnyValue::Boolean(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(number) => AnyValue::Int(number),
            None => AnyValue::Double(number.as_f64().expect("a double")),
        },
        Value::String(text) => AnyValue::String(text.clone().into()),
        Value::Array(values) => AnyValue::ListAny(Box::new(values.iter().map(any).collect())),
        Value::Object(members) => AnyValue::Map(Box::new(
            members
                .iter()
                .map(|(name, value)| (Key::from(name.clone()), any(value)))
                .collect(),
        )),
        Value::Null => panic!("the SDK has no null"),
    }
}

/// What can be compared: lists of named things in the order of their names, records by their texts.
#[derive(Debug, Default)]
struct Comparable {
    resource: BTreeMap<String, otlp::AnyValue>,
    records: BTreeMap<String, (otlp::InstrumentationScope, LogRecord)>,
}

fn comparable(logs: &[ResourceLogs]) -> Comparable {
    let mut all = Comparable::default();
    for logs in logs {
        assert_eq!(logs.schema_url, "");
        let resource = logs.resource.clone().unwrap_or_default();
        assert_eq!(resource.dropped_attributes_count, 0);
        all.resource = resource
            .attributes
            .into_iter()
            .map(|pair| (pair.key, sorted(pair.value.unwrap_or_default())))
            .collect();
        for scope in &logs.scope_logs {
            assert_eq!(scope.schema_url, "");
            for log in &scope.log_records {
                let mut log = log.clone();
                assert!(log.observed_time_unix_nano >= log.time_unix_nano);
                log.observed_time_unix_nano = 0;
                log.attributes
                    .retain(|pair| !RELAYS_OWN.contains(&pair.key.as_str()));
                log.attributes = sorted_pairs(std::mem::take(&mut log.attributes));
                let body = crate::upstream::message(&log);
                let before = all
                    .records
                    .insert(body, (scope.scope.clone().unwrap_or_default(), log));
                assert_eq!(before, None, "each text once");
            }
        }
    }
    all
}

fn sorted_pairs(mut pairs: Vec<otlp::KeyValue>) -> Vec<otlp::KeyValue> {
    for pair in &mut pairs {
        pair.value = pair.value.take().map(sorted);
    }
    pairs.sort_by(|one, other| one.key.cmp(&other.key));
    pairs
}

fn sorted(value: otlp::AnyValue) -> otlp::AnyValue {
    let value = value.value.map(|value| match value {
        Any::KvlistValue(map) => Any::KvlistValue(otlp::KeyValueList {
            values: sorted_pairs(map.values),
        }),
        Any::ArrayValue(list) => Any::ArrayValue(otlp::ArrayValue {
            values: list.values.into_iter().map(sorted).collect(),
        }),
        other => other,
    });
    otlp::AnyValue { value }
}

/// What no client can say.
const RELAYS_OWN: [&str; 6] = [
    "server.received_at",
    "app.installation.id",
    "log.record.uid",
    "courier.sender",
    "courier.support_code",
    "error.fingerprint",
];
