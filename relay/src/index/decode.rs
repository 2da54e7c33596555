//! A frame's records as rows of a segment, and a row's blob as the record's rest again.

use std::cell::RefCell;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;
use zstd::bulk::Compressor;

use super::arrival::{Arrival, Kind};
use crate::wire::uid;

/// A record on its way into a segment.
#[derive(Debug)]
pub struct Row {
    /// The corrected time, in Unix nanoseconds.
    pub time: u64,
    /// The OTLP severity number.
    pub level: i32,
    /// Its names, in the order of [`Kind::ALL`].
    pub names: [Option<String>; Kind::ALL.len()],
    pub seq: Option<u64>,
    pub uid: [u8; 16],
    pub message: String,
    pub error: String,
    pub rest: Vec<u8>,
}

/// The rows of a frame, in its order.
pub fn rows(arrival: &mut Arrival) -> (Vec<u8>, Vec<Row>) {
    let Some(logs) = arrival.logs.take() else {
        return (Vec::new(), Vec::new());
    };
    let resource = logs.resource.unwrap_or_default();
    let said = |name: &str| text_of(&resource.attributes, name).map(str::to_owned);
    let (service, version) = (said("service.name"), said("service.version"));
    let mut rows = Vec::new();
    let mut unnamed = 0;
    for scope in logs.scope_logs {
        let logger = scope
            .scope
            .map(|scope| scope.name)
            .filter(|name| !name.is_empty());
        for record in scope.log_records {
            let seq = arrival.seqs.get(rows.len()).copied().flatten();
            let seq = seq.filter(|_| arrival.queue.is_some());
            let said = text_of(&record.attributes, "log.record.uid").and_then(uid::read);
            let uid = uid(arrival, seq, said, unnamed);
            unnamed += u64::from(seq.is_none());
            let mut row = row(record, uid);
            row.seq = seq;
            row.set(Kind::Logger, logger.clone());
            row.set(Kind::Service, service.clone());
            row.set(Kind::Version, version.clone());
            row.set(Kind::Queue, arrival.queue.clone().filter(|_| seq.is_some()));
            rows.push(row);
        }
    }
    (resource.encode_to_vec(), rows)
}

/// A record's name for everybody; of one that has none by itself, for this index. `said` is what it was called when it came:
/// what waited for the index since an earlier version says nothing.
fn uid(arrival: &Arrival, seq: Option<u64>, said: Option<[u8; 16]>, unnamed: u64) -> [u8; 16] {
    match (&arrival.queue, seq, &arrival.hash, said) {
        (Some(queue), Some(seq), _, _) => uid::queued(&arrival.subject, queue, seq),
        (_, _, Some(_), Some(said)) => said,
        (_, _, Some(body), None) => uid::in_body(body, unnamed),
        _ => uid::hash([
            b"frame",
            &arrival.frame.to_be_bytes(),
            &arrival.received.to_be_bytes(),
            &unnamed.to_be_bytes(),
        ]),
    }
}

impl Row {
    fn set(&mut self, kind: Kind, name: Option<String>) {
        if let Some(place) = self.names.get_mut(kind.place()) {
            *place = name;
        }
    }
}

fn row(mut record: LogRecord, uid: [u8; 16]) -> Row {
    let mut names: [Option<String>; Kind::ALL.len()] = Default::default();
    let mut sender = None;
    record.attributes.retain_mut(|pair| {
        let column = match pair.key.as_str() {
            "user.id" => Some(Kind::User),
            "install.id" => Some(Kind::Install),
            "session.id" => Some(Kind::Session),
            "error.fingerprint" => Some(Kind::Group),
            "courier.sender" => Some(Kind::Sender),
            // These can be told from what has a column, or a place of its own.
            "server.received_at" | "courier.support_code" | "log.record.uid" => return false,
            "app.installation.id" => {
                let install = names.get(Kind::Install.place());
                return install.is_none_or(Option::is_none);
            }
            _ => return true,
        };
        let Some(Value::StringValue(text)) = pair.value.as_mut().and_then(|any| any.value.as_mut())
        else {
            return true;
        };
        let text = Some(std::mem::take(text));
        match column {
            Some(Kind::Sender) => sender = text,
            Some(kind) => {
                if let Some(place) = names.get_mut(kind.place()) {
                    *place = text;
                }
            }
            None => {}
        }
        false
    });
    // Most records are sent by whom they are about: the sender is kept where it is somebody else, and "" where it is nobody.
    let user = names.get(Kind::User.place()).cloned().flatten();
    let sender = match (sender, user) {
        (Some(sender), Some(user)) if sender == user => None,
        (None, Some(_)) => Some(String::new()),
        (sender, _) => sender,
    };
    if let Some(place) = names.get_mut(Kind::Sender.place()) {
        *place = sender;
    }
    if let Some(place) = names.get_mut(Kind::Event.place()) {
        *place = Some(std::mem::take(&mut record.event_name)).filter(|name| !name.is_empty());
    }
    let message = match record.body.take().and_then(|body| body.value) {
        Some(Value::StringValue(text)) => text,
        Some(other) => {
            record.body = Some(AnyValue { value: Some(other) });
            String::new()
        }
        None => String::new(),
    };
    let error = error_of(&record);
    let (time, level) = (record.time_unix_nano, record.severity_number);
    record.time_unix_nano = 0;
    record.observed_time_unix_nano = 0;
    record.severity_number = 0;
    record.severity_text.clear();
    Row {
        time,
        level,
        names,
        seq: None,
        uid,
        message,
        error,
        rest: pack(uid, &record.encode_to_vec()),
    }
}

/// What full text finds of a record's error: its type and its message.
pub fn error_of(record: &LogRecord) -> String {
    let said = |name| text_of(&record.attributes, name).unwrap_or_default();
    let (kind, message) = (said("exception.type"), said("exception.message"));
    let between = if kind.is_empty() || message.is_empty() {
        ""
    } else {
        ": "
    };
    format!("{kind}{between}{message}")
}

/// The text of the attribute of that name.
pub fn text_of<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a str> {
    let pair = attributes.iter().find(|pair| pair.key == name)?;
    match pair.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

/// The blob of a row: a byte that says how it is packed, the record's name, the encoded rest.
fn pack(uid: [u8; 16], plain: &[u8]) -> Vec<u8> {
    let packed = if plain.len() < WORTH_PACKING {
        None
    } else {
        COMPRESSOR.with_borrow_mut(|compressor| compressor.as_mut()?.compress(plain).ok())
    };
    let (how, body) = match &packed {
        Some(packed) if packed.len() < plain.len() => (ZSTD, &packed[..]),
        _ => (PLAIN, plain),
    };
    let mut blob = Vec::with_capacity(1 + uid.len() + body.len());
    blob.push(how);
    blob.extend_from_slice(&uid);
    blob.extend_from_slice(body);
    blob
}

/// The record's name and its rest from a row's blob; `None` when it is not what was written.
#[must_use]
pub fn unpack(blob: &[u8]) -> Option<([u8; 16], LogRecord)> {
    let (how, behind) = blob.split_first()?;
    let (uid, body) = behind.split_first_chunk::<16>()?;
    let rest = match *how {
        PLAIN => LogRecord::decode(body),
        ZSTD => LogRecord::decode(&zstd::bulk::decompress(body, MAX_REST_BYTES).ok()?[..]),
        _ => return None,
    };
    Some((*uid, rest.ok()?))
}

thread_local! {
    /// A compressor is a quarter of a megabyte: made once for each thread that packs. Without one, blobs stay plain.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = RefCell::new(Compressor::new(ZSTD_LEVEL).ok());
}

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;

/// Below that zstd's own frame costs what it saves.
const WORTH_PACKING: usize = 96;

const ZSTD_LEVEL: i32 = 1;

/// No record of ours is larger.
const MAX_REST_BYTES: usize = 16 << 20;
