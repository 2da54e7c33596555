//! A timeline as JSON, in the shape of the contract.

use jiff::Timestamp;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value as Otlp};
use serde_json::{Map, Value, json};

use crate::index::{Found, Kind, text_of};

use super::gap::Gap;
use super::row::Row;
use super::session::Session;
use super::story::Story;
use super::text::{breadcrumbs, is_shown_elsewhere, level};
use super::told::Told;

/// A timeline as JSON, with what it says of itself.
#[must_use]
pub fn told_json(told: &Told) -> Value {
    let cursor = |at: Option<u64>| at.map(|at| told.cursor(at));
    let mut answer = told.story.as_ref().map_or_else(nobody, json);
    let of = |name: &str, value: Value, answer: &mut Value| {
        if let Some(answer) = answer.as_object_mut() {
            answer.insert(name.to_owned(), value);
        }
    };
    let story = told.story.as_ref();
    for (name, value) in [
        ("zone", json!(told.ask.zone.name)),
        ("at", json!(told.ask.at.and_then(time))),
        ("link", json!(told.link())),
        ("as_of", json!(millis(told.as_of))),
        ("indexed_until", json!(millis(told.indexed_until))),
        ("kept_since", json!(told.kept_since.and_then(millis))),
        ("older", json!(cursor(story.and_then(|story| story.older)))),
        ("newer", json!(cursor(story.and_then(|story| story.newer)))),
        (
            "newer_than_as_of",
            json!(story.map_or(0, |story| story.newer_than_as_of)),
        ),
    ] {
        of(name, value, &mut answer);
    }
    if !told.is_found() {
        let why = told.nothing().into_iter();
        let why: Vec<Value> = why
            .map(|text| json!({"text": text, "record": null}))
            .collect();
        of("in_short", json!(why), &mut answer);
    }
    answer
}

/// Of somebody of whom there is nothing.
fn nobody() -> Value {
    json!({
        "from": null,
        "to": null,
        "who": {"users": [], "installs": [], "senders": [], "last_heard": null},
        "sessions": [],
        "rows": [],
        "left_out": [],
    })
}

/// A timeline as JSON. What nothing fills yet (groups, spans, metrics, attachments) is null or empty.
#[must_use]
pub fn json(story: &Story) -> Value {
    let in_short = story.in_short.iter();
    let in_short = in_short.map(|said| json!({"text": said.text, "record": said.record}));
    let rows = story.rows.iter().map(|row| match row {
        Row::Record(found) => record(found),
        Row::Gap(found) => gap(found),
    });
    json!({
        "zone": story.zone.name,
        "from": time(story.from),
        "to": time(story.to),
        "in_short": in_short.collect::<Vec<_>>(),
        "who": {
            "users": story.who.users,
            "installs": story.who.installs,
            "senders": story.who.senders,
            "last_heard": story.who.last_heard.map(millis),
        },
        "sessions": story.sessions.iter().map(session).collect::<Vec<_>>(),
        "rows": rows.collect::<Vec<_>>(),
        "left_out": story.left_out,
    })
}

fn session(session: &Session) -> Value {
    json!({
        "session": session.session,
        "install": session.install,
        "service": session.service,
        "version": session.version,
        "newest_version": session.newest_version,
        "os": session.os,
        "device": session.device,
        "started": time(session.started),
        "ended": session.ended.map(time),
        "end": session.end.as_str(),
        "queue_delay_seconds": session.queue_delay_seconds,
        "clock_skew_seconds": session.clock_skew_seconds,
    })
}

/// A record as a row; also what `search` and `tail` print.
#[must_use]
pub fn record(found: &Found) -> Value {
    let attributes = &found.rest.attributes;
    let said = |name| text_of(attributes, name);
    let error = match (said("exception.type"), said("exception.message")) {
        (Some(kind), Some(message)) => Some(format!("{kind}: {message}")),
        (kind, message) => kind.or(message).map(str::to_owned),
    };
    let plain = attributes
        .iter()
        .filter(|pair| !is_shown_elsewhere(&pair.key));
    let plain: Map<String, Value> = plain
        .map(|pair| (pair.key.clone(), value(pair.value.as_ref())))
        .collect();
    let crumbs = breadcrumbs(attributes)
        .into_iter()
        .map(map)
        .collect::<Vec<_>>();
    let group = found.name(Kind::Group).map(|id| json!({"id": id}));
    json!({
        "kind": "log",
        "time": time(found.place.time),
        "client_time": said("client.timestamp"),
        "received": millis(found.received),
        "level": level(found.level),
        "logger": found.name(Kind::Logger),
        "message": found.message,
        "record": found.record(),
        "queue": found.name(Kind::Queue),
        "seq": found.seq,
        "session": found.name(Kind::Session),
        "event": found.name(Kind::Event),
        "error": error,
        "error_type": said("exception.type"),
        "attributes": plain,
        "breadcrumbs": crumbs,
        "trace": hex(&found.rest.trace_id),
        "span": hex(&found.rest.span_id),
        "parent": null,
        "duration_ns": null,
        "status": null,
        "metric": null,
        "attachments": [],
        "group": group,
    })
}

fn gap(gap: &Gap) -> Value {
    json!({
        "kind": "gap",
        "time": time(gap.time),
        "until": time(gap.until),
        "queue": gap.queue,
        "first_seq": gap.first_seq,
        "last_seq": gap.last_seq,
        "count": gap.count,
        "reason": gap.reason,
    })
}

fn value(any: Option<&AnyValue>) -> Value {
    match any.and_then(|any| any.value.as_ref()) {
        Some(Otlp::StringValue(text)) => json!(text),
        Some(Otlp::IntValue(number)) => json!(number),
        Some(Otlp::DoubleValue(number)) => json!(number),
        Some(Otlp::BoolValue(is)) => json!(is),
        Some(Otlp::ArrayValue(list)) => list.values.iter().map(|any| value(Some(any))).collect(),
        Some(Otlp::KvlistValue(list)) => map(&list.values),
        _ => Value::Null,
    }
}

fn map(pairs: &[KeyValue]) -> Value {
    let pairs = pairs
        .iter()
        .map(|pair| (pair.key.clone(), value(pair.value.as_ref())));
    Value::Object(pairs.collect())
}

fn time(unix_nanos: u64) -> Option<String> {
    let at = Timestamp::from_nanosecond(i128::from(unix_nanos)).ok()?;
    Some(at.to_string())
}

fn millis(unix_millis: i64) -> Option<String> {
    let at = Timestamp::from_millisecond(unix_millis).ok()?;
    Some(at.to_string())
}

fn hex(bytes: &[u8]) -> Option<String> {
    (!bytes.is_empty()).then(|| bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
