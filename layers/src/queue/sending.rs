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

/// A FATAL record came from outside of the sender, not long ago: should the program die now, it dies of that.
#[derive(Debug, Default)]
pub(super) struct Dying(Option<Age>);

impl Dying {
    pub(super) fn begin(&mut self) {
        self.0 = Some(Age::New);
    }

    pub(super) fn is_likely(&self) -> bool {
        self.0.is_some()
    }

    /// A round of the housekeeping has passed.
    pub(super) fn age(&mut self) {
        self.0.take_if(|age| *age == Age::Seen);
        if let Some(age) = &mut self.0 {
            *age = Age::Seen;
        }
    }
}

/// After three deaths in one batch: twice may be bad luck.
pub const ALONE_AFTER: u64 = 3;

/// Two more, alone: the record is the reason.
pub const PUT_ASIDE_AFTER: u64 = 5;
