//! A dead letter, on its way in, as it is kept, and on its way back.

use super::super::consumer::Consumer;
use super::super::frame::Frame;

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

/// Which dead letters to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// Dead letters with these numbers.
    Ids(Vec<i64>),
    /// Dead letters that were put aside before this time, in Unix nanoseconds.
    Before(u64),
}

/// How many dead letters are kept, and about what they take on disk; this counts towards the spool's cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dead {
    /// How many.
    pub letters: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many went for their age, or because they took more than their share, since the relay started.
    pub expired: u64,
}

/// A dead letter on its way back.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// Its number.
    pub id: i64,
    /// To whom it goes.
    pub of: Option<Consumer>,
    /// What it is there.
    pub frame: Frame,
}

/// What became of a few that were to be replayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// How many went.
    pub replayed: u64,
    /// Whether there was no room for the next one.
    pub is_full: bool,
}
