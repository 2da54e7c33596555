//! Turns a batch into OTLP, by the mapping table of the contract.
//!
//! Three promises:
//!
//! 1. what the client said arrives, typed; what had to be changed or cut says so beside it;
//! 2. names that only the relay may give (`logfire.*`, `courier.*`, `client.*`, `server.received_at`, `error.fingerprint`,
//!    `error.group_id`, `log.record.uid`, and what it derives from the record's own fields) can't be forged: a client's attribute of such a
//!    name, or of one that reads like it, gets `client.` put before it;
//! 3. keys are unique.
//!
//! What it does not do: keep times within what an upstream takes. That depends on when it is sent; see `export`.

mod event;
mod name;
mod protobuf;
mod value;

use std::borrow::Cow;
use std::collections::HashMap;

use jiff::Timestamp;
use tracing_courier::Level;

use protobuf::{bytes, fixed64, integer, message};
use value::{Budget, int_pair, pair, text, text_pair};

use tracing_courier::session::SupportCode;

use crate::fingerprint::{fingerprint, hex};
use crate::wire::json::Value;
use crate::wire::{Batch, Claim, Context, Dropped, Record};
use crate::wire::{error_type, uid};

/// What the relay knows about a batch by itself.
#[derive(Clone, Debug)]
pub struct Arrival<'a> {
    /// The token's `sub`; empty for what was carried by hand.
    pub subject: &'a str,
    /// When it came.
    pub received: Timestamp,
    /// A hash over subject and body: what names the records without a place in a queue. Without it those have no
    /// `log.record.uid`.
    pub body: Option<[u8; 32]>,
}

/// A batch as OTLP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapped {
    /// The encoded `ResourceLogs`.
    pub body: Vec<u8>,
    /// The earliest time of a record in it, in Unix nanoseconds.
    pub oldest: u64,
    /// The latest time of a record in it, in Unix nanoseconds.
    pub newest: u64,
    /// The seq of each record in its order, where it has one.
    pub seqs: Vec<Option<u64>>,
}

/// The records of `batch` that are to be kept, as one OTLP message; those of one logger stand together.
#[must_use]
pub fn to_otlp(batch: &Batch<'_>, records: &[Record<'_>], arrival: &Arrival<'_>) -> Mapped {
    let shared = Shared::of(batch, arrival);
    let mut scratch = Scratch::default();
    let (mut oldest, mut newest) = (u64::MAX, 0);
    let mut seqs = Vec::with_capacity(records.len());
    let first_install = || records.iter().find_map(|record| record.install.as_deref());
    let install = batch.context.install.as_deref().or_else(first_install);

    let mut body = Vec::with_capacity((records.len() + 1) * RECORD_BYTES);
    message(&mut body, RESOURCE, RECORD_BYTES, |out| {
        resource(out, batch, install)
    });
    for (logger, records) in by_logger(records) {
        message(&mut body, SCOPE_LOGS, records.len() * RECORD_BYTES, |out| {
            message(out, SCOPE, 0, |out| {
                if !logger.is_empty() {
                    bytes(out, SCOPE_NAME, logger.as_bytes());
                }
            });
            for record in records {
                let uid = shared.uid(record, arrival);
                let time = message(out, LOG_RECORDS, RECORD_BYTES, |out| {
                    shared.log_record(out, record, uid, &mut scratch)
                });
                oldest = time.min(oldest);
                newest = time.max(newest);
                seqs.push(record.seq);
            }
        });
    }
    Mapped {
        body,
        oldest: oldest.min(newest),
        newest,
        seqs,
    }
}

/// The records of each logger, in the order in which the loggers come first.
fn by_logger<'r, 'a>(records: &'r [Record<'a>]) -> Vec<(&'r str, Vec<&'r Record<'a>>)> {
    let mut scopes: Vec<(&str, Vec<&Record<'_>>)> = Vec::new();
    let mut scope_of: HashMap<&str, usize> = HashMap::new();
    let mut last = 0;
    for record in records {
        let logger = record.logger.as_ref();
        if scopes.get(last).is_none_or(|scope| scope.0 != logger) {
            last = *scope_of.entry(logger).or_insert_with(|| {
                scopes.push((logger, Vec::new()));
                scopes.len() - 1
            });
        }
        if let Some((_, scope)) = scopes.get_mut(last) {
            scope.push(record);
        }
    }
    scopes
}

/// What holds for every record of a batch.
struct Shared<'b> {
    context: &'b Context<'b>,
    /// What the relay says of every record.
    always: Encoded,
    /// Whose a record is that says nothing else.
    ids: Encoded,
    observed: u64,
    skew: Option<Skew>,
}

/// Room that each record uses again.
#[derive(Default)]
struct Scratch<'r> {
    names: Names,
    fingerprints: Fingerprints<'r>,
    support_codes: SupportCodes<'r>,
}

impl<'b> Shared<'b> {
    fn of(batch: &'b Batch<'_>, arrival: &Arrival<'_>) -> Self {
        let (mut always, mut ids) = (Encoded::default(), Encoded::default());
        let mut own = always.own();
        own.text("server.received_at", &arrival.received.to_string());
        if !arrival.subject.is_empty() {
            own.text("courier.sender", arrival.subject);
        }
        let context = &batch.context;
        let said = [&context.install, &context.session, &context.user].map(Option::as_deref);
        ids.own().ids(said, &mut SupportCodes::default());
        Self {
            context,
            always,
            ids,
            observed: u64::try_from(arrival.received.as_nanosecond()).unwrap_or_default(),
            skew: Skew::between(batch.sent_at, arrival.received),
        }
    }

    /// Writes a `LogRecord`; its time.
    fn log_record<'r>(
        &'r self,
        out: &mut Vec<u8>,
        record: &'r Record<'_>,
        uid: Option<[u8; 16]>,
        scratch: &mut Scratch<'r>,
    ) -> u64 {
        let time = self.time(record);
        let (severity_number, severity_text) = severity(record.level);
        if time > 0 {
            fixed64(out, TIME, time);
        }
        fixed64(out, OBSERVED_TIME, self.observed);
        integer(out, SEVERITY_NUMBER, severity_number);
        bytes(out, SEVERITY_TEXT, severity_text.as_bytes());
        text(out, BODY, &record.message);
        if let Some(event) = event::name(record) {
            bytes(out, EVENT_NAME, event.as_bytes());
        }

        let Scratch {
            names,
            fingerprints,
            support_codes,
        } = scratch;
        names.clear();
        let mut own = Own { out, names };
        own.all(&self.always);
        if let Some(uid) = uid {
            own.text("log.record.uid", &hex(&uid));
        }
        if i128::from(time) != record.unix_nanos {
            own.text("client.timestamp", &record.timestamp);
        }
        if let Some(skew) = &self.skew {
            own.int("client.clock_skew_ms", skew.millis);
        }
        self.identity(record, &mut own, support_codes);
        own.id::<16>(TRACE_ID, "client.trace_id", record.trace_id.as_deref());
        own.id::<8>(SPAN_ID, "client.span_id", record.span_id.as_deref());
        error(record, &mut own, fingerprints);
        origin(record, &mut own);

        if record.dropped.members > 0 {
            let members = i64::try_from(record.dropped.members).unwrap_or(i64::MAX);
            own.int("courier.dropped_members", members);
        }
        let dropped = client_attributes(out, ATTRIBUTES, &record.attributes, names);
        let dropped = sum(dropped, record.dropped);
        if dropped > 0 {
            integer(out, DROPPED_ATTRIBUTES_COUNT, i64::from(dropped));
        }
        time
    }

    /// What names the record for everybody.
    fn uid(&self, record: &Record<'_>, arrival: &Arrival<'_>) -> Option<[u8; 16]> {
        match (&self.context.queue, record.seq) {
            (Some(queue), Some(seq)) => Some(uid::queued(arrival.subject, queue, seq)),
            _ => arrival.body.map(|body| uid::in_body(&body, record.index)),
        }
    }

    /// The record's time, corrected when the client's clock is off.
    fn time(&self, record: &Record<'_>) -> u64 {
        let corrected = record.unix_nanos + self.skew.as_ref().map_or(0, |skew| skew.nanos);
        u64::try_from(corrected.max(0)).unwrap_or(u64::MAX)
    }

    fn identity<'r>(
        &'r self,
        record: &'r Record<'_>,
        own: &mut Own<'_>,
        support_codes: &mut SupportCodes<'r>,
    ) {
        if record.install.is_none() && record.session.is_none() && record.user == Claim::Silent {
            own.all(&self.ids);
            return;
        }
        let Context {
            install,
            session,
            user,
            ..
        } = self.context;
        let user = match &record.user {
            Claim::Is(user) => Some(user.as_ref()),
            Claim::Nobody => None,
            Claim::Silent => user.as_deref(),
        };
        let install = record.install.as_deref().or(install.as_deref());
        let session = record.session.as_deref().or(session.as_deref());
        own.ids([install, session, user], support_codes);
    }
}

/// Attributes that many records have, written once.
#[derive(Default)]
struct Encoded {
    attributes: Vec<u8>,
    names: Names,
}

impl Encoded {
    fn own(&mut self) -> Own<'_> {
        Own {
            out: &mut self.attributes,
            names: &mut self.names,
        }
    }
}

/// The names of attributes that the relay gives a record.
#[derive(Default)]
struct Names {
    names: Vec<&'static str>,
    /// A bit for each length among them: most other names are of another.
    lengths: u64,
}

impl Names {
    fn push(&mut self, name: &'static str) {
        self.names.push(name);
        self.lengths |= Self::length(name);
    }

    fn has(&self, name: &str) -> bool {
        self.lengths & Self::length(name) != 0 && self.names.contains(&name)
    }

    fn clear(&mut self) {
        self.names.clear();
        self.lengths = 0;
    }

    fn length(name: &str) -> u64 {
        1 << name.len().min(63)
    }
}

/// The attributes that the relay gives a record, and their names.
struct Own<'o> {
    out: &'o mut Vec<u8>,
    names: &'o mut Names,
}

impl Own<'_> {
    fn all(&mut self, encoded: &Encoded) {
        self.out.extend_from_slice(&encoded.attributes);
        self.names.names.extend_from_slice(&encoded.names.names);
        self.names.lengths |= encoded.names.lengths;
    }

    /// Which installation, which run of it, who.
    fn ids<'i>(&mut self, ids: [Option<&'i str>; 3], support_codes: &mut SupportCodes<'i>) {
        for (name, id) in ["install.id", "session.id", "user.id"].into_iter().zip(ids) {
            if let Some(id) = id {
                self.text(name, id);
            }
        }
        if let [Some(install), ..] = ids {
            self.text("app.installation.id", install);
            self.text("courier.support_code", support_codes.of(install));
        }
    }

    fn text(&mut self, name: &'static str, text: &str) {
        text_pair(self.out, ATTRIBUTES, name, text);
        self.names.push(name);
    }

    fn int(&mut self, name: &'static str, number: i64) {
        int_pair(self.out, ATTRIBUTES, name, number);
        self.names.push(name);
    }

    fn value(&mut self, name: &'static str, value: &Value<'_>) {
        pair(
            self.out,
            ATTRIBUTES,
            name,
            value,
            &mut Budget::bytes(usize::MAX),
        );
        self.names.push(name);
    }

    /// A trace or span id's bytes; an invalid one is left empty and kept as text.
    fn id<const BYTES: usize>(&mut self, field: u8, kept_as: &'static str, hex: Option<&str>) {
        let Some(hex) = hex else { return };
        match id_bytes::<BYTES>(hex) {
            Some(id) => bytes(self.out, field, &id),
            None => self.text(kept_as, hex),
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

/// What a record's time is corrected by, in nanoseconds, when its batch was sent at `sent_at` by the client's clock.
pub fn correction(sent_at: Option<i128>, received: Timestamp) -> i128 {
    Skew::between(sent_at, received).map_or(0, |skew| skew.nanos)
}

fn resource(out: &mut Vec<u8>, batch: &Batch<'_>, install: Option<&str>) {
    let said = &batch.resource;
    let dropped = client_attributes(out, RESOURCE_ATTRIBUTES, said, &Names::default());
    let dropped = sum(dropped, batch.resource_dropped);
    let has_instance = said.iter().any(|(key, _)| key == "service.instance.id");
    if let Some(install) = install.filter(|_| !has_instance) {
        text_pair(out, RESOURCE_ATTRIBUTES, "service.instance.id", install);
    }
    if dropped > 0 {
        integer(out, RESOURCE_DROPPED, i64::from(dropped));
    }
}

/// Writes what the client gave, capped, under names that are not the relay's `own`; how many were dropped or cut.
fn client_attributes(
    out: &mut Vec<u8>,
    field: u8,
    said: &[(Cow<'_, str>, Value<'_>)],
    own: &Names,
) -> u32 {
    let over = said.len().saturating_sub(MAX_ATTRIBUTES);
    let said = said.get(..MAX_ATTRIBUTES).unwrap_or(said);
    let mut dropped = over;
    for (name, value) in said {
        let mut name = Cow::Borrowed(name.as_ref());
        let read = name::as_read(&name);
        if name::is_reserved(&read) || own.has(&read) {
            // Unique without a look: a name that begins like this is renamed itself.
            name = Cow::Owned(format!("client.{name}"));
        }
        let mut budget = Budget::bytes(MAX_VALUE_BYTES);
        pair(out, field, &name, value, &mut budget);
        dropped += usize::from(budget.is_cut());
    }
    u32::try_from(dropped).unwrap_or(u32::MAX)
}

/// Attributes dropped, with those that were over the cap on members.
fn sum(dropped: u32, over: Dropped) -> u32 {
    dropped.saturating_add(u32::try_from(over.attributes).unwrap_or(u32::MAX))
}

fn id_bytes<const BYTES: usize>(hex: &str) -> Option<[u8; BYTES]> {
    if hex.len() != 2 * BYTES {
        return None;
    }
    let mut id = [0; BYTES];
    for (byte, digits) in id.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        for &digit in digits {
            let digit = char::from(digit).to_digit(16)?;
            *byte = *byte << 4 | u8::try_from(digit).ok()?;
        }
    }
    (id != [0; BYTES]).then_some(id)
}

fn error<'r>(record: &'r Record<'_>, own: &mut Own<'_>, fingerprints: &mut Fingerprints<'r>) {
    let (kind, message) = match (record.error_type.as_deref(), record.error.as_deref()) {
        (None, Some(error)) => {
            let (kind, message) = error_type::split(error);
            (kind, Some(message))
        }
        (Some(""), error) => (None, error),
        (kind, error) => {
            let of = |error| kind.map_or(error, |kind| error_type::message(error, kind));
            (kind, error.map(of))
        }
    };
    if let Some(kind) = kind {
        own.text("exception.type", kind);
        own.text("error.type", kind);
    }
    if let Some(message) = message {
        own.text("exception.message", message);
    }
    let kind = kind.unwrap_or_default();
    let stack = record.stack_trace.as_deref();
    if let Some(stack) = stack {
        own.text("exception.stacktrace", stack);
    }
    if record.level >= Level::Error {
        let fingerprint = fingerprints.of(kind, stack.unwrap_or_default());
        own.text("error.fingerprint", fingerprint);
    }
}

/// The last fingerprint: what fails is tried again, and fails in the same way.
#[derive(Default)]
struct Fingerprints<'r> {
    of: (&'r str, &'r str),
    last: String,
}

impl<'r> Fingerprints<'r> {
    fn of(&mut self, kind: &'r str, stack: &'r str) -> &str {
        if self.last.is_empty() || self.of != (kind, stack) {
            self.of = (kind, stack);
            self.last = fingerprint(kind, stack);
        }
        &self.last
    }
}

/// The last support code: most records of a batch are of one installation.
#[derive(Default)]
struct SupportCodes<'i> {
    of: &'i str,
    last: String,
}

impl<'i> SupportCodes<'i> {
    fn of(&mut self, install: &'i str) -> &str {
        if self.last.is_empty() || self.of != install {
            self.of = install;
            self.last = SupportCode::of(install).to_string();
        }
        &self.last
    }
}

/// Where the record was logged, and what happened before.
fn origin(record: &Record<'_>, own: &mut Own<'_>) {
    if let Some(spans) = &record.spans {
        own.value("spans", spans);
    }
    if let Some(file) = &record.file {
        own.text("code.file.path", file);
    }
    if let Some(line) = record.line {
        own.int("code.line.number", line);
    }
    if let Some(breadcrumbs) = &record.breadcrumbs {
        own.value("breadcrumbs", breadcrumbs);
    }
}

fn severity(level: Level) -> (i64, &'static str) {
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

/// About what a record takes; more costs nothing but a move.
const RECORD_BYTES: usize = 768;

// Fields of `ResourceLogs`, `Resource`, `ScopeLogs`, `InstrumentationScope` and `LogRecord`, by opentelemetry-proto 1.x.
const RESOURCE: u8 = 1;
const RESOURCE_ATTRIBUTES: u8 = 1;
const RESOURCE_DROPPED: u8 = 2;
const SCOPE_LOGS: u8 = 2;
const SCOPE: u8 = 1;
const SCOPE_NAME: u8 = 1;
const LOG_RECORDS: u8 = 2;
const TIME: u8 = 1;
const SEVERITY_NUMBER: u8 = 2;
const SEVERITY_TEXT: u8 = 3;
const BODY: u8 = 5;
const ATTRIBUTES: u8 = 6;
const DROPPED_ATTRIBUTES_COUNT: u8 = 7;
const TRACE_ID: u8 = 9;
const SPAN_ID: u8 = 10;
const OBSERVED_TIME: u8 = 11;
const EVENT_NAME: u8 = 12;

#[cfg(test)]
mod tests;
