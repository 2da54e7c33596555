//! A row of a timeline.

use crate::index::{Found, Kind};

use super::gap::Gap;

/// A row.
#[derive(Clone, Debug)]
pub enum Row {
    /// A record.
    Record(Box<Found>),
    /// Records that are not there.
    Gap(Gap),
}

impl Row {
    /// When, in Unix nanoseconds.
    #[must_use]
    pub fn time(&self) -> u64 {
        match self {
            Self::Record(record) => record.place.time,
            Self::Gap(gap) => gap.time,
        }
    }

    /// In event order: by time, then queue and seq; a gap stands behind the record before it.
    pub(super) fn order(&self) -> (u64, &str, u64) {
        match self {
            Self::Record(record) => (
                record.place.time,
                record.name(Kind::Queue).unwrap_or_default(),
                record.seq.unwrap_or_default(),
            ),
            Self::Gap(gap) => (gap.time, &gap.queue, gap.first_seq),
        }
    }
}
