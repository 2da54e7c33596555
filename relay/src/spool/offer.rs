//! What is offered to the spool.

use super::frame::Frame;

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
