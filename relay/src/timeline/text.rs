//! A timeline as text, for a terminal.

use std::fmt::Write;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};

use crate::index::{Found, Kind, text_of};
use crate::text::escape;

use super::gap::Gap;
use super::in_short::clock;
use super::row::Row;
use super::session::Session;
use super::story::Story;

/// A timeline, line by line. Nothing in it but line ends moves a cursor.
#[must_use]
pub fn text(story: &Story) -> String {
    let mut out = String::new();
    head(&mut out, story);
    for row in &story.rows {
        match row {
            Row::Record(record) => self::record(&mut out, story, record),
            Row::Gap(gap) => self::gap(&mut out, story, gap),
        }
    }
    if story.rows.is_empty() {
        out.push_str("nothing was found in this range\n");
    }
    for left_out in &story.left_out {
        line(&mut out, &format!("not looked into: {left_out}"));
    }
    out
}

fn head(out: &mut String, story: &Story) {
    let list = |names: &std::collections::BTreeSet<String>| {
        names.iter().cloned().collect::<Vec<_>>().join(", ")
    };
    for (name, names) in [("user", &story.who.users), ("install", &story.who.installs)] {
        if !names.is_empty() {
            line(out, &format!("{name:<8} {}", list(names)));
        }
    }
    if story.who.senders != story.who.users && !story.who.senders.is_empty() {
        line(
            out,
            &format!("{:<8} {}", "sender", list(&story.who.senders)),
        );
    }
    for session in &story.sessions {
        self::session(out, story, session);
    }
    line(out, &format!("{:<8} {}", "zone", story.zone.name));
    for sentence in &story.in_short {
        line(out, &format!("- {}", sentence.text));
    }
    out.push('\n');
}

fn session(out: &mut String, story: &Story, session: &Session) {
    let mut said = vec![session.session.clone()];
    let program = [&session.service, &session.version]
        .into_iter()
        .flatten()
        .cloned()
        .collect::<Vec<_>>();
    said.extend((!program.is_empty()).then(|| program.join(" ")));
    said.extend(session.device.clone());
    said.extend(session.os.clone());
    said.push(format!("from {}", clock(session.started, &story.zone)));
    said.push(match session.ended {
        Some(ended) => format!("{} at {}", session.end.as_str(), clock(ended, &story.zone)),
        None => session.end.as_str().to_owned(),
    });
    if session.queue_delay_seconds >= WORTH_SAYING {
        said.push(format!(
            "came up to {:.0} s late",
            session.queue_delay_seconds
        ));
    }
    if session.clock_skew_seconds != 0.0 {
        said.push(format!("clock off by {:.0} s", session.clock_skew_seconds));
    }
    line(out, &format!("{:<8} {}", "session", said.join(" \u{b7} ")));
}

fn record(out: &mut String, story: &Story, record: &Found) {
    let logger = record.name(Kind::Logger).unwrap_or_default();
    let level = level(record.level);
    let first = format!(
        "{}  {level:<7}  {logger}  {}",
        clock(record.place.time, &story.zone),
        record.message
    );
    line(out, &first);
    let attributes = &record.rest.attributes;
    let error = [
        text_of(attributes, "exception.type"),
        text_of(attributes, "exception.message"),
    ];
    let error: Vec<&str> = error.into_iter().flatten().collect();
    if !error.is_empty() {
        line(out, &format!("{INDENT}{}", error.join(": ")));
    }
    if let Some(claimed) = text_of(attributes, "client.timestamp") {
        line(out, &format!("{INDENT}the device's clock said {claimed}"));
    }
    let plain = attributes
        .iter()
        .filter(|pair| !is_shown_elsewhere(&pair.key));
    let plain: Vec<String> = plain
        .map(|pair| format!("{}={}", pair.key, shown(pair.value.as_ref())))
        .collect();
    if !plain.is_empty() {
        line(out, &format!("{INDENT}{}", plain.join(" ")));
    }
    for crumb in breadcrumbs(attributes) {
        let said = |name| text_of(crumb, name).unwrap_or_default();
        line(
            out,
            &format!(
                "{INDENT}< {}  {}  {}",
                said("timestamp"),
                said("logger"),
                said("message")
            ),
        );
    }
}

fn gap(out: &mut String, story: &Story, gap: &Gap) {
    let records = if gap.count == 1 { "record" } else { "records" };
    let why = gap.reason.as_deref().unwrap_or("nobody said why");
    let (from, until) = (clock(gap.time, &story.zone), clock(gap.until, &story.zone));
    line(
        out,
        &format!(
            "{from}  ------   {} {records} missing until {until}: {why} (queue {}, {} to {})",
            gap.count, gap.queue, gap.first_seq, gap.last_seq
        ),
    );
}

/// The breadcrumbs of a record, each as its fields.
pub fn breadcrumbs(attributes: &[KeyValue]) -> Vec<&[KeyValue]> {
    let pair = attributes.iter().find(|pair| pair.key == "breadcrumbs");
    let value = pair.and_then(|pair| pair.value.as_ref()?.value.as_ref());
    let Some(Value::ArrayValue(list)) = value else {
        return Vec::new();
    };
    list.values
        .iter()
        .filter_map(|value| match value.value.as_ref()? {
            Value::KvlistValue(fields) => Some(&fields.values[..]),
            _ => None,
        })
        .collect()
}

/// The word for a severity number.
pub fn level(number: i32) -> &'static str {
    match number {
        i32::MIN..=4 => "trace",
        5..=8 => "debug",
        9..=12 => "info",
        13..=16 => "warning",
        17..=20 => "error",
        21.. => "fatal",
    }
}

/// Attributes that have a place of their own in a row.
pub fn is_shown_elsewhere(name: &str) -> bool {
    name.starts_with("exception.")
        || name.starts_with("client.timestamp")
        || matches!(
            name,
            "breadcrumbs" | "error.type" | "spans" | "client.clock_skew_ms"
        )
        || name.starts_with("code.")
}

fn shown(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(Value::BoolValue(is)) => is.to_string(),
        Some(Value::ArrayValue(_)) => "[\u{2026}]".to_owned(),
        Some(Value::KvlistValue(_)) => "{\u{2026}}".to_owned(),
        _ => String::new(),
    }
}

fn line(out: &mut String, text: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "{}", escape(text).trim_end());
}

const INDENT: &str = "          ";

/// Every record comes some seconds late: more is worth saying.
const WORTH_SAYING: f64 = 60.0;
