//! The sessions that records belong to: what ran where, and how it ended.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};

use crate::index::{Found, Kind, text_of};

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It said so.
    Clean,
    /// The next start found that it had not.
    Unclean,
    /// The next start found that a panic had ended it.
    Crash,
    /// Nobody said anything yet.
    Open,
}

impl End {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Unclean => "unclean",
            Self::Crash => "crash",
            Self::Open => "open",
        }
    }
}

/// A session, as far as its records say.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// `session.id`.
    pub session: String,
    /// `install.id`.
    pub install: Option<String>,
    /// `service.name`.
    pub service: Option<String>,
    /// `service.version`.
    pub version: Option<String>,
    /// The newest version of that service that was heard of; `None` where nobody asked.
    pub newest_version: Option<String>,
    /// `os.name` with `os.version`.
    pub os: Option<String>,
    /// `device.model.name`, or its identifier.
    pub device: Option<String>,
    /// When it started; its first record where the start is not among them. In Unix nanoseconds.
    pub started: u64,
    /// When it ended.
    pub ended: Option<u64>,
    /// How it ended.
    pub end: End,
    /// From when a record was logged to when it came, at most.
    pub queue_delay_seconds: f64,
    /// How far its clock was off, at most.
    pub clock_skew_seconds: f64,
}

/// The sessions of records, in the order in which they started; `ends` are records of others that may tell how these ended.
#[must_use]
pub fn sessions(records: &[Found], ends: &[Found]) -> Vec<Session> {
    let mut sessions: BTreeMap<&str, Session> = BTreeMap::new();
    let mut told: BTreeMap<&str, (End, Option<u64>)> = BTreeMap::new();
    // The next start tells of the one before.
    for record in records.iter().chain(ends) {
        if let Some(end) = end_of_another(record)
            && let Some(previous) = text_of(&record.rest.attributes, "previous.session_id")
        {
            let at = text_of(&record.rest.attributes, "previous.last_record_at");
            let at = at.and_then(|at| at.parse::<jiff::Timestamp>().ok());
            let at = at.and_then(|at| u64::try_from(at.as_nanosecond()).ok());
            told.insert(previous, (end, at));
        }
    }
    for record in records {
        let Some(id) = record.name(Kind::Session) else {
            continue;
        };
        let time = record.place.time;
        let session = sessions.entry(id).or_insert_with(|| begin(id, record));
        session.started = session.started.min(time);
        let received = u64::try_from(record.received).unwrap_or_default();
        let delay = received.saturating_sub(time / 1_000_000);
        session.queue_delay_seconds = session.queue_delay_seconds.max(seconds(delay));
        if let Some(skew) = int_of(&record.rest.attributes, "client.clock_skew_ms") {
            let skew = seconds(skew.unsigned_abs()) * if skew < 0 { -1.0 } else { 1.0 };
            if skew.abs() > session.clock_skew_seconds.abs() {
                session.clock_skew_seconds = skew;
            }
        }
        if is_own(record) && record.message == "session_end" {
            (session.end, session.ended) = (End::Clean, Some(time));
        }
    }
    for (id, (end, at)) in told {
        if let Some(session) = sessions.get_mut(id)
            && session.end == End::Open
        {
            (session.end, session.ended) = (end, at);
        }
    }
    let mut sessions: Vec<Session> = sessions.into_values().collect();
    sessions
        .sort_by(|one, other| (one.started, &one.session).cmp(&(other.started, &other.session)));
    sessions
}

/// What a record says of how the session before ended.
#[must_use]
pub fn end_of_another(record: &Found) -> Option<End> {
    if !is_own(record) {
        return None;
    }
    match record.message.as_str() {
        "app.crash" => Some(End::Crash),
        "session_unclean_exit" => Some(End::Unclean),
        _ => None,
    }
}

/// Whether the library itself says it, not the program.
fn is_own(record: &Found) -> bool {
    record.name(Kind::Logger) == Some("courier")
}

fn begin(id: &str, record: &Found) -> Session {
    let resource = &record.resource.attributes;
    let said = |name| text_of(resource, name).map(str::to_owned);
    let os = said("os.name").map(|name| match said("os.version") {
        Some(version) => format!("{name} {version}"),
        None => name,
    });
    Session {
        session: id.to_owned(),
        install: record.name(Kind::Install).map(str::to_owned),
        service: record.name(Kind::Service).map(str::to_owned),
        version: record.name(Kind::Version).map(str::to_owned),
        newest_version: None,
        os,
        device: said("device.model.name").or_else(|| said("device.model.identifier")),
        started: record.place.time,
        ended: None,
        end: End::Open,
        queue_delay_seconds: 0.0,
        clock_skew_seconds: 0.0,
    }
}

#[allow(clippy::cast_precision_loss, reason = "no session is that long")]
fn seconds(millis: u64) -> f64 {
    millis as f64 / 1_000.0
}

fn int_of(attributes: &[KeyValue], name: &str) -> Option<i64> {
    let pair = attributes.iter().find(|pair| pair.key == name)?;
    match pair.value.as_ref()?.value.as_ref()? {
        Value::IntValue(number) => Some(*number),
        _ => None,
    }
}
