//! Turns a batch into OTLP, by the mapping table of the contract.
//!
//! Three promises:
//!
//! 1. what the client said arrives, typed; what had to be changed or cut says so beside it;
//! 2. names that only the relay may give (`logfire.*`, `courier.*`, `server.received_at`, and what it derives from the
//!    record's own fields) can't be forged: a client's attribute of such a name gets `client.` put before it;
//! 3. keys are unique.
//!
//! What it does not do: keep times within what an upstream takes. That depends on when it is sent; see `export`.

mod value;

use std::borrow::Cow;
use std::collections::HashMap;

use jiff::Timestamp;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use tracing_courier::Level;

use value::{Budget, any, int, pair, text};

use crate::fingerprint::fingerprint;
use crate::wire::json::Value;
use crate::wire::{Batch, Claim, Context, Record};

/// What the relay knows about a batch by itself.
#[derive(Clone, Debug)]
pub struct Arrival<'a> {
    /// The token's `sub`; empty for what was carried by hand.
    pub subject: &'a str,
    /// When it came.
    pub received: Timestamp,
}

/// The records of `batch` that are to be kept, as one OTLP message.
#[must_use]
pub fn to_otlp<'r, 'a: 'r>(
    batch: &Batch<'a>,
    records: impl IntoIterator<Item = &'r Record<'a>> + Clone,
    arrival: &Arrival<'_>,
) -> ResourceLogs {
    let first_install = || {
        records
            .clone()
            .into_iter()
            .find_map(|record| record.install.as_deref())
    };
    let install = batch.context.install.as_deref().or_else(first_install);
    let resource = resource(&batch.resource, install);

    let shared = Shared {
        context: &batch.context,
        subject: arrival.subject,
        observed: u64::try_from(arrival.received.as_nanosecond()).unwrap_or_default(),
        received_at: arrival.received.to_string(),
        skew: Skew::between(batch.sent_at, arrival.received),
    };
    let mut scopes: Vec<ScopeLogs> = Vec::new();
    let mut scope_of: HashMap<&str, usize> = HashMap::new();
    for record in records {
        let logger = record.logger.as_ref();
        let place = *scope_of.entry(logger).or_insert_with(|| {
            let scope = InstrumentationScope {
                name: logger.to_owned(),
                ..InstrumentationScope::default()
            };
            scopes.push(ScopeLogs {
                scope: Some(scope),
                ..ScopeLogs::default()
            });
            scopes.len() - 1
        });
        if let Some(scope) = scopes.get_mut(place) {
            scope.log_records.push(shared.log_record(record));
        }
    }
    ResourceLogs {
        resource: Some(resource),
        scope_logs: scopes,
        ..ResourceLogs::default()
    }
}

/// What holds for every record of a batch.
struct Shared<'b> {
    context: &'b Context<'b>,
    subject: &'b str,
    observed: u64,
    received_at: String,
    skew: Option<Skew>,
}

impl Shared<'_> {
    fn log_record(&self, record: &Record<'_>) -> LogRecord {
        let mut own = Vec::with_capacity(12);
        let time = self.time(record, &mut own);
        own.push(pair("server.received_at", text(self.received_at.as_str())));
        if !self.subject.is_empty() {
            own.push(pair("courier.sender", text(self.subject)));
        }
        self.identity(record, &mut own);
        let trace_id = id_bytes::<16>("client.trace_id", record.trace_id.as_deref(), &mut own);
        let span_id = id_bytes::<8>("client.span_id", record.span_id.as_deref(), &mut own);
        error(record, &mut own);
        origin(record, &mut own);

        let (mut attributes, dropped) = client_attributes(&record.attributes, &own);
        attributes.append(&mut own);
        let (severity_number, severity_text) = severity(record.level);
        LogRecord {
            time_unix_nano: time,
            observed_time_unix_nano: self.observed,
            severity_number,
            severity_text: severity_text.to_owned(),
            body: Some(text(record.message.as_ref())),
            attributes,
            dropped_attributes_count: dropped,
            trace_id,
            span_id,
            ..LogRecord::default()
        }
    }

    /// The record's time, corrected when the client's clock is off.
    fn time(&self, record: &Record<'_>, own: &mut Vec<KeyValue>) -> u64 {
        let said = record.unix_nanos;
        let corrected = said + self.skew.as_ref().map_or(0, |skew| skew.nanos);
        let time = u64::try_from(corrected.max(0)).unwrap_or(u64::MAX);
        if i128::from(time) != said {
            own.push(pair("client.timestamp", text(record.timestamp.as_ref())));
        }
        if let Some(skew) = &self.skew {
            own.push(pair("client.clock_skew_ms", int(skew.millis)));
        }
        time
    }

    fn identity(&self, record: &Record<'_>, own: &mut Vec<KeyValue>) {
        let install = record
            .install
            .as_deref()
            .or(self.context.install.as_deref());
        let session = record
            .session
            .as_deref()
            .or(self.context.session.as_deref());
        let user = match &record.user {
            Claim::Is(user) => Some(user.as_ref()),
            Claim::Nobody => None,
            Claim::Silent => self.context.user.as_deref(),
        };
        for (key, id) in [
            ("install.id", install),
            ("session.id", session),
            ("user.id", user),
        ] {
            own.extend(id.map(|id| pair(key, text(id))));
        }
    }
}

/// How far the client's clock is off, when that is enough to matter.
struct Skew {
    nanos: i128,
    millis: i64,
}

impl Skew {
    fn between(sent_at: Option<i128>, received: Timestamp) -> Option<Self> {
        let nanos = received.as_nanosecond() - sent_at?;
        let millis = i64::try_from(nanos / 1_000_000).ok()?;
        (nanos.abs() > MAX_SKEW_NANOS).then_some(Self { nanos, millis })
    }
}

fn resource(said: &[(Cow<'_, str>, Value<'_>)], install: Option<&str>) -> Resource {
    let (mut attributes, dropped) = client_attributes(said, &[]);
    let has_instance = said.iter().any(|(key, _)| key == "service.instance.id");
    if let Some(install) = install.filter(|_| !has_instance) {
        attributes.push(pair("service.instance.id", text(install)));
    }
    Resource {
        attributes,
        dropped_attributes_count: dropped,
        ..Resource::default()
    }
}

/// What the client gave, capped, under names that are not the relay's `own`; and how many were dropped or cut.
fn client_attributes(said: &[(Cow<'_, str>, Value<'_>)], own: &[KeyValue]) -> (Vec<KeyValue>, u32) {
    let mut attributes = Vec::with_capacity(said.len().min(MAX_ATTRIBUTES) + own.len());
    let mut dropped = said.len().saturating_sub(MAX_ATTRIBUTES);
    for (key, value) in said.iter().take(MAX_ATTRIBUTES) {
        let key = if is_reserved(key) || own.iter().any(|own| own.key == key.as_ref()) {
            let renamed = format!("client.{key}");
            if said.iter().any(|(other, _)| *other == renamed)
                || own.iter().any(|own| own.key == renamed)
            {
                dropped += 1;
                continue;
            }
            renamed
        } else {
            key.clone().into_owned()
        };
        let mut budget = Budget::bytes(MAX_VALUE_BYTES);
        attributes.push(pair(key, any(value, &mut budget)));
        dropped += usize::from(budget.is_cut());
    }
    (attributes, u32::try_from(dropped).unwrap_or(u32::MAX))
}

fn is_reserved(key: &str) -> bool {
    key.starts_with("logfire.") || key.starts_with("courier.") || key == "server.received_at"
}

/// The id's bytes; an invalid one is left empty and kept as text.
fn id_bytes<const BYTES: usize>(
    kept_as: &str,
    hex: Option<&str>,
    own: &mut Vec<KeyValue>,
) -> Vec<u8> {
    let Some(hex) = hex else { return Vec::new() };
    let digits: Option<Vec<u8>> = hex
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect();
    let bytes: Vec<u8> = digits
        .filter(|digits| digits.len() == 2 * BYTES)
        .map(|digits| {
            digits
                .chunks(2)
                .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
                .collect()
        })
        .unwrap_or_default();
    if bytes.iter().all(|&byte| byte == 0) {
        own.push(pair(kept_as, text(hex)));
        return Vec::new();
    }
    bytes
}

fn error(record: &Record<'_>, own: &mut Vec<KeyValue>) {
    let mut kind = "";
    if let Some(error) = record.error.as_deref() {
        let (of, message) = error.split_once(": ").unwrap_or(("", error));
        kind = of;
        if !kind.is_empty() {
            own.push(pair("exception.type", text(kind)));
        }
        own.push(pair("exception.message", text(message)));
    }
    let stack = record.stack_trace.as_deref();
    own.extend(stack.map(|stack| pair("exception.stacktrace", text(stack))));
    if record.level >= Level::Error {
        own.push(pair(
            "error.fingerprint",
            text(fingerprint(kind, stack.unwrap_or_default())),
        ));
    }
}

/// Where the record was logged, and what happened before.
fn origin(record: &Record<'_>, own: &mut Vec<KeyValue>) {
    let mut whole = Budget::bytes(usize::MAX);
    own.extend(
        record
            .spans
            .as_ref()
            .map(|spans| pair("spans", any(spans, &mut whole))),
    );
    own.extend(
        record
            .file
            .as_deref()
            .map(|file| pair("code.file.path", text(file))),
    );
    own.extend(record.line.map(|line| pair("code.line.number", int(line))));
    own.extend(
        record
            .breadcrumbs
            .as_ref()
            .map(|crumbs| pair("breadcrumbs", any(crumbs, &mut whole))),
    );
}

fn severity(level: Level) -> (i32, &'static str) {
    match level {
        Level::Trace => (1, "TRACE"),
        Level::Debug => (5, "DEBUG"),
        Level::Info => (9, "INFO"),
        Level::Warning => (13, "WARN"),
        Level::Error => (17, "ERROR"),
        Level::Fatal => (21, "FATAL"),
    }
}

/// A client's clock may be this far off before its records are corrected.
const MAX_SKEW_NANOS: i128 = 60 * 1_000_000_000;

/// More attributes of one record, or of the resource, are dropped and counted.
const MAX_ATTRIBUTES: usize = 128;

/// A longer value of an attribute is cut and counted.
const MAX_VALUE_BYTES: usize = 32_000;

#[cfg(test)]
mod tests;
