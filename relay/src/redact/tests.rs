use proptest::prelude::*;
use serde_json::json;
use tracing_courier::sanitize::{Mode, Policy};

use super::*;
use crate::wire;
use crate::wire::json::Reader;

#[test]
fn nothing_secret_is_left_in_any_field_and_the_rest_stays() {
    let body = r#"{"resource":{"service.name":"app","api_key":"hunter2hunter2"},
        "context":{"installId":"i-1","userId":"ann@example.com"},
        "logs":[{"timestamp":"2026-02-06T12:00:00Z","level":"info","logger":"app","message":"mail ann@example.com now",
        "attributes":{"password":"hunter2hunter2","retries":3,"ok":true,"nested":{"token":["hunter2hunter2"],"n":1.50},
        "app_version":"1.2.3.4","host":"203.0.113.7","card":4111111111111111},
        "error":"Http: for bob@example.com","stackTrace":"0: app::main\n at /home/ann/app/src/main.rs:1:2",
        "traceId":"not an id but bob@example.com","spans":["login password=hunter2hunter2"],
        "breadcrumbs":[{"message":"to ann@example.com","level":"info"}],"secret":"hunter2hunter2"}]}"#;
    let mut batch = wire::parse(body.as_bytes(), 1).expect("a batch");
    let sanitizer = Sanitizer::new(&Policy::new());
    let mut redaction = Redaction::by(&sanitizer);
    redaction.batch(&mut batch);
    let record = &batch.records[0];

    let seen = format!("{:?} {record:?}", batch.resource);
    for secret in ["hunter2", "ann@", "bob@", "203.0.113", "4111", "/home/ann"] {
        assert!(!seen.contains(secret), "{secret} in {seen}");
    }
    assert_eq!(
        batch.context.user.as_deref(),
        Some("ann@example.com"),
        "ids are never scanned"
    );
    assert_eq!(record.message, "mail [REDACTED:email] now");
    let get = |name: &str| {
        &record
            .attributes
            .iter()
            .find(|(key, _)| key == name)
            .expect("it is there")
            .1
    };
    assert_eq!(*get("password"), Value::Text("[REDACTED]".into()));
    assert_eq!(
        (get("retries"), get("ok")),
        (&Value::Int(3), &Value::Bool(true))
    );
    assert_eq!(*get("app_version"), Value::Text("1.2.3.4".into()));
    assert!(redaction.changes() > 8);
    assert!(
        sanitizer.counts().by_rule()["key"] >= 4,
        "{:?}",
        sanitizer.counts().by_rule()
    );
}

#[test]
fn what_comes_again_in_a_batch_is_redacted_again_and_reported_again() {
    let record = r#"{"timestamp":"2026-02-06T12:00:00Z","level":"info","message":"mail ann@example.com",
        "attributes":{"route":"/surveys","who":"bob@example.com","for cid@example.com":1}}"#;
    let body = format!("[{record},{record},{record}]");
    let seen_by = |policy: &Policy| {
        let sanitizer = Sanitizer::new(policy);
        let mut batch = wire::parse(body.as_bytes(), 3).expect("a batch");
        Redaction::by(&sanitizer).batch(&mut batch);
        let counted = sanitizer.counts().by_rule()["email"];
        (format!("{:?}", batch.records), counted)
    };
    let (clean, counted) = seen_by(&Policy::new());
    assert!(!clean.contains("example.com"), "{clean}");
    assert_eq!(clean.matches("/surveys").count(), 3);
    assert_eq!(counted, 9);

    let (left, counted) = seen_by(&Policy::new().mode(Mode::Report));
    assert_eq!(left.matches("example.com").count(), 9, "{left}");
    assert_eq!(counted, 9);
}

/// A tree as the sanitizer leaves it, and as this does; the counts of both.
fn both(tree: &serde_json::Value) -> [(serde_json::Value, String); 2] {
    let counted = |sanitizer: &Sanitizer| format!("{:?}", sanitizer.counts().by_rule());
    let ours = {
        let sanitizer = Sanitizer::default();
        let text = tree.to_string();
        let mut value = Reader::new(&text).value(16).expect("JSON");
        Redaction::by(&sanitizer).value(Place::Attribute, &mut value);
        (shown(&value), counted(&sanitizer))
    };
    let sanitizer = Sanitizer::default();
    let mut theirs = tree.clone();
    sanitizer.value(Place::Attribute, &mut theirs);
    [ours, (theirs, counted(&sanitizer))]
}

fn shown(value: &Value<'_>) -> serde_json::Value {
    match value {
        Value::Null => json!(null),
        Value::Bool(flag) => json!(flag),
        Value::Int(number) => json!(number),
        Value::Float(number, _) => json!(number),
        Value::Text(text) => json!(text),
        Value::Number(text) | Value::Deep(text) => json!(text),
        Value::List(values) => values.iter().map(shown).collect(),
        Value::Map(members) => {
            let members = members.iter();
            let members = members.map(|(name, value)| (name.to_string(), shown(value)));
            serde_json::Value::Object(members.collect())
        }
    }
}

#[test]
fn trees_lose_here_what_they_lose_in_the_program() {
    for tree in [
        json!({"password": "x", "password_hint": null, "token": true, "tokens": 12, "pin": 1234}),
        json!({"tokens": {"input": 12, "output": 31}, "secrets": [1, 2], "keys": [], "token": {}}),
        json!({"tokens": [101, 2054], "token": [1, 2.5], "api_key": [1, "x"], "pass": 100_000_000}),
        json!({"name": "token", "value": "x", "val": 7, "values": ["y", {"a": 1}], "Value": null}),
        json!([{"key": "password", "value": {"token": "y"}}, {"key": "colour", "value": "red"}]),
        json!(["--token", "x1", "--verbose", "y"]),
        json!(["Authorization", "X9"]),
        json!(["--token", "[REDACTED]"]),
        json!({"app_version": "1.2.3.4", "host": "203.0.113.7", "versions": ["1.2.3.4"]}),
        json!({"card": 4_111_111_111_111_111_u64, "near": 411_111_111_111_u64, "at": "to ann@example.com"}),
        json!({"password": "[REDACTED]", "nested": {"password": ["[REDACTED]"]}}),
        json!({"of ann@example.com": 1, "to bob@example.com": {"at": "cid@example.com"}}),
        json!([[["--password", "x1"]], [], {}, "", null]),
    ] {
        let [ours, theirs] = both(&tree);
        assert_eq!(ours, theirs, "{tree}");
    }
}

#[test]
fn a_secret_name_with_an_address_in_it_is_counted_once() {
    let tree = json!({"password for ann@example.com": "x"});
    let [ours, theirs] = both(&tree);
    assert_eq!(ours, theirs);
    assert!(ours.1.contains("\"email\": 1"), "{}", ours.1);
    assert!(ours.1.contains("\"key\": 1"), "{}", ours.1);
}

fn trees() -> impl Strategy<Value = serde_json::Value> {
    let words = [
        "token",
        "tokens",
        "password",
        "name",
        "value",
        "key",
        "values",
        "--token",
        "Cookie",
        "version",
        "colour",
        "x1",
        "1.2.3.4",
        "ann@example.com",
        "[REDACTED]",
        "4111111111111111",
        "",
    ];
    let word = proptest::sample::select(words.to_vec());
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|flag| json!(flag)),
        (0..200_000_000_i64).prop_map(|number| json!(number)),
        Just(json!(4_111_111_111_111_111_i64)),
        Just(json!(2.5)),
        word.clone().prop_map(|word| json!(word)),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::Array),
            prop::collection::vec((word.clone(), inner), 0..5).prop_map(|members| {
                let members = members.into_iter();
                serde_json::Value::Object(
                    members
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_tree_loses_here_what_it_loses_in_the_program(tree in trees()) {
        let [ours, theirs] = both(&tree);
        prop_assert_eq!(ours.0, theirs.0);
    }
}
