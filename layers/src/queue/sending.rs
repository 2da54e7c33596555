//! A send that is written down, and how many deaths it takes to blame a record.

use std::thread::ThreadId;

/// A send that is written down as an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sending {
    pub(super) by: ThreadId,
    pub(super) age: Age,
}

/// How long ago something was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// Since the housekeeping's last round.
    New,
    /// Longer.
    Seen,
}

/// After three deaths in one batch: twice may be bad luck.
pub const ALONE_AFTER: u64 = 3;

/// Two more, alone: the record is the reason.
pub const PUT_ASIDE_AFTER: u64 = 5;
