//! Records on their way out, and the token that says how far they go.

use std::sync::Arc;

use super::context;
use super::head::Position;
use super::id::QueueId;
use super::line::parse_hex;

/// Consecutive records of one queue under one context, verbatim as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub(super) joined: Vec<u8>,
    pub(super) starts: Vec<usize>,
    pub(super) context: Arc<str>,
    pub(super) token: Token,
}

/// A place in a queue. Confirming it says that everything before it is delivered, or put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub(super) queue: QueueId,
    pub(super) position: Position,
    /// The context in force at the position; nothing when its line is lost.
    pub(super) context: Option<Arc<str>>,
    /// Seqs before the position, first and last, that were not there to be read.
    pub(super) gaps: Vec<(u64, u64)>,
}

impl Batch {
    /// What to confirm once these records are delivered.
    #[must_use]
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// The queue that the records were written to, which is another one for those that a dead process left.
    #[must_use]
    pub fn queue(&self) -> QueueId {
        self.token.queue
    }

    /// The queue that their names begin with: the one whose directory a later run goes on in.
    pub(super) fn named_by(&self) -> QueueId {
        context::queue_of(&self.context).unwrap_or(self.token.queue)
    }

    /// Number of records, never 0.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "an empty batch is never made")]
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Members for the request body, verbatim, without braces around: `"context":{…},"resource":{…}`.
    #[must_use]
    pub fn context(&self) -> &str {
        &self.context
    }

    /// All records, verbatim as stored with their `q`, with a comma between.
    #[must_use]
    pub fn joined(&self) -> &[u8] {
        &self.joined
    }

    /// One record, verbatim as stored with its `q`; empty past the end.
    #[must_use]
    pub fn record(&self, index: usize) -> &[u8] {
        let Some(&start) = self.starts.get(index) else {
            return &[];
        };
        let end = match self.starts.get(index + 1) {
            Some(next) => next - 1,
            None => self.joined.len(),
        };
        self.joined.get(start..end).unwrap_or_default()
    }

    /// Seq of one record; nothing past the end.
    #[must_use]
    pub fn seq(&self, index: usize) -> Option<u64> {
        parse_hex(self.record(index).get(6..22)?)
    }

    /// Seq of the first record.
    #[must_use]
    pub fn first_seq(&self) -> u64 {
        self.seq(0).unwrap_or_default()
    }

    /// Seq of the last record.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        self.token.position.seq.saturating_sub(1)
    }
}

impl Token {
    /// The queue that it belongs to.
    #[must_use]
    pub fn queue(&self) -> QueueId {
        self.queue
    }
}
