//! A timeline as text, for a terminal.

use std::fmt::Write;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};

use crate::index::{Found, Kind, text_of};
use crate::text::escape;
use crate::when::Zone;

use super::gap::Gap;
use super::in_short::{clock, clock_millis};
use super::row::Row;
use super::session::Session;
use super::story::Story;
use super::told::{Told, day};

/// A timeline, line by line. Nothing in it but line ends moves a cursor, and nothing but its own colours, if it
/// `has_colour`, paints.
#[must_use]
pub fn text(told: &Told, has_colour: bool) -> String {
    let mut out = String::new();
    if let Some(story) = &told.story {
        head(&mut out, story);
        let mut today = String::new();
        for row in &story.rows {
            let date: String = day(row.time(), &story.zone).chars().take(10).collect();
            if date != today {
                line(&mut out, &date);
                today = date;
            }
            match row {
                Row::Record(record) => self::record(&mut out, &story.zone, record, has_colour),
                Row::Gap(gap) => self::gap(&mut out, story, gap),
            }
        }
        for left_out in &story.left_out {
            line(&mut out, &format!("not looked into: {left_out}"));
        }
    }
    if told.is_found() {
        out.push('\n');
        foot(&mut out, told);
    } else {
        for why in told.nothing() {
            line(&mut out, &why);
        }
        ways(&mut out, told);
    }
    out
}

fn foot(out: &mut String, told: &Told) {
    ways(out, told);
    let later = told
        .story
        .as_ref()
        .map_or(0, |story| story.newer_than_as_of);
    if later > 0 {
        line(out, &format!("later    {later} more came since"));
    }
    if let Some(reach) = told.reach() {
        line(out, &format!("index    {reach}"));
    }
    line(out, &format!("link     {}", told.link()));
}

/// How to what is before and behind.
fn ways(out: &mut String, told: &Told) {
    let Some(story) = &told.story else { return };
    for (name, at) in [("older", story.older), ("newer", story.newer)] {
        if let Some(at) = at {
            line(out, &format!("{name:<8} {}", told.command(at)));
        }
    }
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
    let newest = session.newest_version.as_ref();
    if let Some(newest) = newest.filter(|newest| session.version.as_ref() != Some(*newest)) {
        said.push(format!("newest heard of {newest}"));
    }
    said.extend(session.device.clone());
    said.extend(session.os.clone());
    said.push(format!("from {}", clock(session.started, &story.zone)));
    said.push(match session.ended {
        Some(ended) => format!("{} at {}", session.end.as_str(), clock(ended, &story.zone)),
        None => session.end.as_str().to_owned(),
    });
    if session.queue_delay_seconds >= WORTH_SAYING {
        said.push(format!(
            "came up to {} late",
            long(session.queue_delay_seconds)
        ));
    }
    if session.clock_skew_seconds != 0.0 {
        let side = match session.clock_skew_seconds > 0.0 {
            true => "behind",
            false => "ahead",
        };
        let off = long(session.clock_skew_seconds.abs());
        said.push(format!("clock {off} {side}"));
    }
    line(out, &format!("{:<8} {}", "session", said.join(" \u{b7} ")));
}

/// A duration as people say it: `1h 2m 3s`.
fn long(seconds: f64) -> String {
    let whole = jiff::SignedDuration::try_from_secs_f64(seconds.round()).unwrap_or_default();
    format!("{whole:#}")
}

/// A record as a row; its time as it is read in `zone`.
pub fn record(out: &mut String, zone: &Zone, record: &Found, has_colour: bool) {
    let logger = record.name(Kind::Logger).unwrap_or_default();
    let word = level(record.level);
    let at = clock_millis(record.place.time, zone);
    let attributes = &record.rest.attributes;
    let named = named(attributes);
    let mut said = format!("{logger}  {}", record.message);
    // What is short stands on the same line.
    let is_short = named.chars().count() + said.chars().count() <= LINE;
    if is_short && !named.is_empty() {
        said = format!("{said}  {named}");
    }
    let (on, off) = match colour(record.level).filter(|_| has_colour) {
        Some(on) => (on, "\u{1b}[0m"),
        None => ("", ""),
    };
    let said = escape(&said);
    // Writing to a string does not fail.
    let _ = writeln!(out, "{at}  {on}{word:<7}{off}  {}", said.trim_end());
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
    if let Some(previous) = previous(attributes, zone) {
        line(out, &format!("{INDENT}{previous}"));
    }
    if !is_short && !named.is_empty() {
        line(out, &format!("{INDENT}{named}"));
    }
    for crumb in breadcrumbs(attributes) {
        let said = |name| text_of(crumb, name).unwrap_or_default();
        let at = said("timestamp");
        let at = match at.parse::<jiff::Timestamp>().map(nanos) {
            Ok(Some(at)) => clock_millis(at, zone),
            _ => at.to_owned(),
        };
        line(
            out,
            &format!("{INDENT}< {at}  {}  {}", said("logger"), said("message")),
        );
    }
}

fn nanos(at: jiff::Timestamp) -> Option<u64> {
    u64::try_from(at.as_nanosecond()).ok()
}

/// The attributes that have no place of their own, in one line.
fn named(attributes: &[KeyValue]) -> String {
    let named = attributes
        .iter()
        .filter(|pair| !is_shown_elsewhere(&pair.key) && !pair.key.starts_with(PREVIOUS));
    let named: Vec<String> = named
        .map(|pair| format!("{}={}", pair.key, shown(pair.value.as_ref())))
        .collect();
    named.join(" ")
}

/// What a start says of the run before it.
fn previous(attributes: &[KeyValue], zone: &Zone) -> Option<String> {
    let session = text_of(attributes, "previous.session_id")?;
    let last = text_of(attributes, "previous.last_record_at");
    let last = last.and_then(|at| at.parse::<jiff::Timestamp>().ok());
    let last = last.and_then(nanos);
    let last = last.map_or_else(String::new, |at| {
        format!(", whose last record is of {}", clock_millis(at, zone))
    });
    Some(format!("about the run before, {session}{last}"))
}

fn gap(out: &mut String, story: &Story, gap: &Gap) {
    let records = if gap.count == 1 { "record" } else { "records" };
    let why = gap.reason.as_deref().unwrap_or("nobody said why");
    let (from, until) = (
        clock_millis(gap.time, &story.zone),
        clock(gap.until, &story.zone),
    );
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

/// What a terminal paints a level with; nothing for what is usual.
fn colour(number: i32) -> Option<&'static str> {
    match number {
        i32::MIN..=8 => Some("\u{1b}[2m"),
        9..=12 => None,
        13..=16 => Some("\u{1b}[33m"),
        17.. => Some("\u{1b}[1;31m"),
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

/// A value in short.
pub fn shown(value: Option<&AnyValue>) -> String {
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

/// A line, fit to be shown.
pub fn line(out: &mut String, text: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "{}", escape(text).trim_end());
}

const INDENT: &str = "              ";

/// Logger, message and attributes of a row stand on one line up to so many characters.
const LINE: usize = 100;

/// How the attributes begin that tell of the run before.
const PREVIOUS: &str = "previous.";

/// Every record comes some seconds late: more is worth saying.
const WORTH_SAYING: f64 = 60.0;
