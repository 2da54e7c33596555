//! What goes into the spool, and what comes out of it.

use super::consumer::{Consumer, Position};
use crate::spool::Packed;

/// Records that one request wants to have kept, all or none.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    /// Whose token.
    pub subject: String,
    /// The encoded records; `None` when only their names are to be kept (`spool = none`).
    pub frame: Option<Frame>,
    /// The names of those that have one.
    pub named: Option<Named>,
    /// What stands for the name of those that have none: a hash of who and what.
    pub hash: Option<[u8; 32]>,
}

/// Records by their place in a disk queue.
#[derive(Clone, Debug)]
pub struct Named {
    /// The queue's id.
    pub queue: String,
    /// Their seqs, ascending, each once.
    pub seqs: Vec<u64>,
}

/// One encoded `ResourceLogs`.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// The encoded message, packed.
    pub packed: Packed,
    /// How many log records are in it.
    pub records: u64,
    /// When it came, in Unix nanoseconds.
    pub received: u64,
    /// The earliest time of a record in it, in Unix nanoseconds.
    pub oldest: u64,
    /// The latest time of a record in it, in Unix nanoseconds.
    pub newest: u64,
    /// What a consumer need not look inside for.
    pub traits: Traits,
}

/// What is in a frame, so that who is after that only unpacks the frames that have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// A record with an error or a stack trace.
    pub has_exception: bool,
    /// A message, an error or a stack trace that some backend finds too long.
    pub has_long_text: bool,
}

/// What became of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All of it is safe.
    Kept,
    /// Some of it had been accepted before. Nothing was kept: offer the rest.
    Known {
        /// The seqs that were there.
        seqs: Vec<u64>,
        /// Whether the hash was there.
        hash: bool,
    },
}

/// Why nothing of an offer was kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OfferError {
    /// The cap is reached. It ends when the upstream takes records again, or with a larger `--spool-max-bytes`.
    #[error("the spool is full")]
    Full,
    /// The database can't be written: a full or failing disk. The text is what it said.
    #[error("the spool is away: {0}")]
    Away(String),
    /// The relay stops.
    #[error("the relay is stopping")]
    Stopping,
}

/// A frame on its way out.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Its number; they ascend.
    pub id: i64,
    /// What is in it; nothing when it is damaged, or not for this consumer.
    pub frame: Frame,
    /// Where it begins and ends, counted since the database was made.
    pub from: Position,
    /// See `from`.
    pub to: Position,
}

/// A record that the upstream will never take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Whose it is: only that consumer gets it again.
    pub of: Consumer,
    /// What the upstream said.
    pub reason: String,
    /// The encoded `ResourceLogs` with that one record.
    pub body: Vec<u8>,
}

/// A dead letter as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLetter {
    /// Its number.
    pub id: i64,
    /// When it was put aside, in Unix nanoseconds.
    pub at: u64,
    /// What it is.
    pub letter: DeadLetter,
}

/// What waits for a consumer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Log records.
    pub records: u64,
    /// Bytes of frames, before they were packed.
    pub bytes: u64,
}
