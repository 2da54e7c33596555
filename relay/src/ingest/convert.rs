//! From a body to an encoded `ResourceLogs`, without a relay around it.
//!
//! The same steps that an accepted batch goes through, for code that wants to see what arrives upstream: a bench, a fuzzer, a
//! client's own tests.

use bytes::Bytes;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tracing_courier::sanitize::Sanitizer;
use tracing_courier::wire::Rejected;

use super::body::Received;
use super::once::once;
use crate::map::{self, Arrival};
use crate::redact::Redaction;
use crate::wire::{self, Reject};

/// What a body becomes.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// The encoded `ResourceLogs`.
    pub frame: Vec<u8>,
    /// Log records in it.
    pub records: usize,
    /// Records with the name of one before them in the same body.
    pub duplicates: usize,
    /// Records that can't be taken.
    pub rejected: Vec<Rejected>,
}

/// The body is no batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct NotABatch(#[from] wire::Error);

/// The body can't be unpacked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotUnpacked(String);

/// Unpacks `body`, which came under this `Content-Encoding`: at most `max_bytes`, and no bomb.
///
/// # Errors
///
/// When it is of another coding, too much, or no coding of ours.
pub fn unpack(content_encoding: &str, body: &[u8], max_bytes: usize) -> Result<Bytes, NotUnpacked> {
    Received::new(content_encoding, Bytes::copy_from_slice(body))
        .and_then(|received| received.unpack(max_bytes))
        .map_err(|error| NotUnpacked(error.to_string()))
}

/// Converts `body`, sent by `subject` and received at `received`.
///
/// # Errors
///
/// When `body` is no batch.
pub fn convert(
    body: &[u8],
    subject: &str,
    received: Timestamp,
    sanitizer: Option<&Sanitizer>,
) -> Result<Converted, NotABatch> {
    let mut batch = wire::parse(body, usize::MAX)?;
    if let Some(sanitizer) = sanitizer {
        Redaction::by(sanitizer).batch(&mut batch);
    }
    let mut records = std::mem::take(&mut batch.records);
    let whole = records.len();
    once(&mut records, &batch);
    let arrival = Arrival {
        subject,
        received,
        body: Some(hash(subject, body)),
    };
    let mapped = map::to_otlp(&batch, &records, &arrival);
    Ok(Converted {
        frame: mapped.body,
        records: records.len(),
        duplicates: whole - records.len(),
        rejected: in_words(&batch.rejected),
    })
}

/// What names the records of a body that have no place in a queue: nobody else can send the same.
pub(crate) fn hash(subject: &str, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(subject);
    hash.update([0]);
    hash.update(body);
    hash.finalize().into()
}

/// Rejects as the receipt lists them.
pub(crate) fn in_words(rejects: &[(usize, Reject)]) -> Vec<Rejected> {
    let in_words = |&(index, reject): &(usize, Reject)| Rejected::new(index, reject.to_string());
    rejects.iter().map(in_words).collect()
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
    use proptest::prelude::*;
    use prost::Message;
    use tracing_courier::record::Field;
    use tracing_courier::sanitize::Policy;

    use super::*;

    const SAMPLES: [&str; 3] = [
        include_str!("../../tests/contract/dart-batch.json"),
        include_str!("../../tests/contract/courier-batch.json"),
        include_str!("../../tests/contract/hostile-batch.json"),
    ];

    fn holds(body: &[u8]) {
        let sanitizer = Sanitizer::new(&Policy::new());
        let Ok(converted) = convert(body, "sub", Timestamp::UNIX_EPOCH, Some(&sanitizer)) else {
            return;
        };
        let logs = ResourceLogs::decode(&converted.frame[..]).expect("what is kept can be read");
        let records = logs
            .scope_logs
            .iter()
            .map(|scope| scope.log_records.len())
            .sum::<usize>();
        assert_eq!(records, converted.records);
        let sent = wire::parse(body, usize::MAX).expect("it was a batch").sent;
        assert_eq!(
            records + converted.duplicates + converted.rejected.len(),
            sent
        );
    }

    proptest! {
        /// Samples with a few bytes replaced, left out or doubled: most are no JSON, the others are odd.
        #[test]
        fn whatever_comes_is_counted_and_nothing_panics(
            sample in 0usize..3,
            edits in proptest::collection::vec((any::<prop::sample::Index>(), 0u8..3, r#"[\[\]{}":,\\0-9eu.a-z\x00 -]{0,6}"#), 0..6),
        ) {
            let mut body = SAMPLES[sample].as_bytes().to_vec();
            for (place, kind, text) in edits {
                let at = place.index(body.len());
                match kind {
                    0 => drop(body.splice(at..at, text.bytes())),
                    1 => drop(body.splice(at..(at + text.len()).min(body.len()), text.bytes())),
                    _ => drop(body.splice(at..(at + 9).min(body.len()), [])),
                }
            }
            holds(&body);
        }

        /// JSON that is well formed, with fields of every wrong type.
        #[test]
        fn every_field_may_have_every_type(fields in proptest::collection::vec((0..Field::COUNT + 2, 0usize..9), 0..12)) {
            let fields_and_others = || Field::ALL.iter().map(|field| field.name()).chain(["stack_trace", "logfire.x"]);
            let names: Vec<&str> = fields_and_others().collect();
            const VALUES: [&str; 9] = [
                "null", "true", "1e999", "-7", "\"2026-02-06T12:00:00Z\"", "\"error\"", "[[],{},null]",
                r#"{"file":1,"line":"x","a":{"b":"mail ann@example.com"}}"#, r#""\ud800 password=hunter2hunter2""#,
            ];
            let fields: Vec<String> = fields
                .into_iter()
                .map(|(name, value)| format!("\"{}\":{}", names[name], VALUES[value]))
                .collect();
            let whole = r#""timestamp":"2026-02-06T12:00:00Z","level":"fatal","message":"m""#;
            let body = format!("{{\"logs\":[{{{}}},{{{whole}{}{}}}]}}", fields.join(","), if fields.is_empty() { "" } else { "," }, fields.join(","));
            holds(body.as_bytes());
        }
    }
}
