//! Records whose callers wait for a sync, at hand to be written once more when that fails.
//!
//! After a failed sync nobody can say what of a segment will survive. So it is sealed, and these go into a fresh one
//! before anything newer, under the seqs that they have: a reader that finds both takes the first.

use super::memory::Kept;

/// A record that its caller wants durable.
#[derive(Debug)]
pub(super) struct InHand {
    pub(super) record: Kept,
    /// Its ticket in a fresh segment, after a sync failed.
    pub(super) again: Option<u64>,
}

impl InHand {
    pub(super) fn new(record: Kept) -> Self {
        Self {
            record,
            again: None,
        }
    }
}
