//! A record has one name: upstream, in look-ups, each time it comes, and by another implementation.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use serde_json::{Value, json};

use crate::relay::{Relay, token};
use crate::upstream::{Say, Upstream, message, records_of};
use crate::{ask, indexed, out};

/// Of two loggers, one record with a place in a queue and two without.
fn body() -> String {
    let at = "2026-11-30T12:00:00Z";
    json!({
        "context": {"queue": "9f86d081884c7d65", "installId": "i-1"},
        "logs": [
            {"timestamp": at, "level": "info", "logger": "b", "message": "second without",
             "attributes": {"log.record.uid": "forged"}},
            {"q": "000000000000002a-00000001-00000000", "timestamp": at, "level": "info", "logger": "a", "message": "with"},
            {"timestamp": at, "level": "info", "logger": "b", "message": "third without"},
        ],
    })
    .to_string()
}

/// What Python's hashlib makes of them, by message.
fn by_python(subject: &str, body: &str) -> Option<BTreeMap<String, String>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lookups/uid.py");
    let mut python = Command::new("python3")
        .args([script, subject, "9f86d081884c7d65", "42"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut stdin = python.stdin.take().expect("it is piped");
    stdin.write_all(body.as_bytes()).expect("it reads");
    drop(stdin);
    let output = python.wait_with_output().expect("it ends");
    assert!(output.status.success());
    let names = out(&output);
    let messages = ["with", "second without", "third without"].map(str::to_owned);
    let names = names.lines().map(str::to_owned);
    Some(messages.into_iter().zip(names).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_has_the_same_name_upstream_in_look_ups_and_by_pythons_hashlib() {
    let upstream = Upstream::start([], Say::Ok);
    let dir = tempfile::tempdir().expect("a directory");
    let mut relay = Relay::start(dir.path(), &["--otlp-endpoint", &upstream.endpoint]);
    relay.accept(body()).await;
    // The same again, from the same and from somebody else.
    relay.accept(body()).await;
    let own = relay.token.clone();
    relay.token = token(dir.path(), "mallory");
    relay.accept(body()).await;
    relay.token = own;
    indexed(dir.path(), 6);

    let mut exported: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in upstream.delivered(6).await.iter().flat_map(records_of) {
        let said = record
            .attributes
            .iter()
            .find(|pair| pair.key == "log.record.uid");
        let said = said.and_then(|pair| pair.value.clone()?.value);
        let Some(Any::StringValue(uid)) = said else {
            panic!("{record:?}");
        };
        exported.entry(message(record)).or_default().push(uid);
    }
    let mut looked_up: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for subject in ["user-abc", "mallory"] {
        let query = format!("sender:{subject}");
        let from = "2026-11-30T00:00:00Z";
        let answer = ask(
            dir.path(),
            &["search", &query, "--from", from, "--format", "json"],
        );
        for row in out(&answer).lines() {
            let row: Value = serde_json::from_str(row).expect("JSON");
            let text = |name: &str| row[name].as_str().expect("text").to_owned();
            let of = looked_up.entry(text("message")).or_default();
            of.push(text("record"));
            // And it is found by it.
            let asked = ask(
                dir.path(),
                &[
                    "search",
                    &format!("record:{}", text("record")),
                    "--from",
                    from,
                    "--format",
                    "json",
                ],
            );
            assert_eq!(out(&asked).lines().count(), 1, "{row}");
        }
    }
    assert_eq!(exported, looked_up);
    for (message, uids) in &exported {
        assert_eq!(uids.len(), 2, "{message}: once for each sender");
        assert_ne!(uids[0], uids[1], "{message}: nobody can name another's");
    }
    let Some(first) = by_python("user-abc", &body()) else {
        eprintln!("not compared: python3 is not installed");
        return;
    };
    let second = by_python("mallory", &body()).expect("it ran");
    for (message, uids) in &exported {
        assert_eq!(uids, &[first[message].clone(), second[message].clone()]);
    }
}
