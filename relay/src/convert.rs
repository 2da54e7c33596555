//! From a body to an encoded `ResourceLogs`, without a relay around it.
//!
//! The same steps that an accepted batch goes through, for whoever wants to see what arrives upstream: a bench, a fuzzer, a
//! client's own tests.

use jiff::Timestamp;
use tracing_courier::sanitize::Sanitizer;
use tracing_courier::wire::Rejected;

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
    /// Records that can't be taken.
    pub rejected: Vec<Rejected>,
}

/// The body is no batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct NotABatch(#[from] wire::Error);

/// Converts `body`, sent by `subject` and received at `received`.
///
/// # Errors
///
/// When it is no batch.
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
    let mapped = map::to_otlp(&batch, &batch.records, &Arrival { subject, received });
    Ok(Converted {
        frame: mapped.body,
        records: batch.records.len(),
        rejected: in_words(&batch.rejected),
    })
}

/// Rejects as the receipt lists them.
pub(crate) fn in_words(rejects: &[(usize, Reject)]) -> Vec<Rejected> {
    let in_words = |&(index, reject): &(usize, Reject)| Rejected {
        index,
        reason: reject.to_string(),
    };
    rejects.iter().map(in_words).collect()
}
