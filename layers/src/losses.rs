//! Losses, counted by reason: nothing is lost in silence.

use std::cmp::Ordering as Order;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Serialize, Serializer};

/// Why a record was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Loss {
    /// A layer saw an event that no gate had cleaned; it recorded nothing.
    NoGate,
    /// The cap of the queue was reached; the oldest segment made room.
    Overflow,
    /// The disk refused it and the memory ring was full.
    Disk,
    /// Bytes on disk were no longer the record that was written.
    Damaged,
    /// The relay refused the record for its content; it lies in `rejected.jsonl`.
    Rejected,
    /// The user's right to forget: removed by `clear()`.
    Cleared,
    /// The program's [`before_record`](crate::CourierBuilder::before_record) panicked over it.
    Hook,
}

impl Loss {
    /// Every reason, in the order of declaration.
    pub const ALL: &'static [Self] = &[
        Self::NoGate,
        Self::Overflow,
        Self::Disk,
        Self::Damaged,
        Self::Rejected,
        Self::Cleared,
        Self::Hook,
    ];

    /// The name on the wire and in reports: `overflow`, `no_gate`, …
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoGate => "no_gate",
            Self::Overflow => "overflow",
            Self::Disk => "disk",
            Self::Damaged => "damaged",
            Self::Rejected => "rejected",
            Self::Cleared => "cleared",
            Self::Hook => "hook",
        }
    }
}

/// By name, as lists of them are read.
impl Ord for Loss {
    fn cmp(&self, other: &Self) -> Order {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for Loss {
    fn partial_cmp(&self, other: &Self) -> Option<Order> {
        Some(self.cmp(other))
    }
}

/// As its name.
impl Serialize for Loss {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Counters of lost records, one for each [`Loss`].
#[derive(Debug, Default)]
pub struct Losses([AtomicU64; Loss::ALL.len()]);

impl Losses {
    /// Counts `records` lost for `reason`.
    pub fn add(&self, reason: Loss, records: u64) {
        if let Some(counter) = self.0.get(reason as usize) {
            counter.fetch_add(records, Ordering::Relaxed);
        }
    }

    /// Records lost for `reason` since the program started.
    #[must_use]
    pub fn count(&self, reason: Loss) -> u64 {
        self.0
            .get(reason as usize)
            .map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    /// The reasons that have lost anything, with their counts.
    #[must_use]
    pub fn by_reason(&self) -> BTreeMap<Loss, u64> {
        let reasons = Loss::ALL.iter().copied();
        reasons
            .map(|reason| (reason, self.count(reason)))
            .filter(|&(_, records)| records > 0)
            .collect()
    }
}
