//! A frame: some records as they lie in the spool, on their way in and out.

use super::consumer::Position;
use super::integer::signed;
use super::names::Names;
use super::packed::Packed;

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
    /// What its records are called; of none where that is not known.
    pub names: Names,
}

/// What is in a frame, so that who is after that only unpacks the frames that have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// A record with an error or a stack trace.
    pub has_exception: bool,
    /// A message, an error or a stack trace that some backend finds too long.
    pub has_long_text: bool,
}

impl Traits {
    /// As it is kept.
    pub(super) fn to_stored(self) -> i64 {
        signed(u64::from(self.has_exception) | u64::from(self.has_long_text) << 1)
    }

    /// From how it is kept.
    pub(super) fn stored(bits: u64) -> Self {
        Self {
            has_exception: bits & 1 != 0,
            has_long_text: bits & 2 != 0,
        }
    }
}

/// A frame on its way out.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Its number; they ascend.
    pub id: i64,
    /// What is in it; nothing when it is damaged, or not for this consumer.
    pub frame: Frame,
    /// Whether it is for another consumer alone.
    pub is_for_another: bool,
    /// How many records of it were erased: they lay between `from` and what is left, as far as positions go.
    pub erased: u64,
    /// Whose token it came with; empty for what was carried by hand.
    pub subject: String,
    /// The disk queue that its named records come from.
    pub queue: Option<String>,
    /// Where it begins and ends, counted since the database was made.
    pub from: Position,
    /// See `from`.
    pub to: Position,
}
