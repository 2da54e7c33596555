//! The name of a queue: random, made at each start, never used again.

use std::fmt;
#[cfg(test)]
use std::sync::Arc;
#[cfg(test)]
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

/// Where new ids come from: chance, or a hand that a test moves, so that a history can be replayed.
#[derive(Clone, Debug, Default)]
pub(super) enum Ids {
    #[default]
    Random,
    /// How many were given.
    #[cfg(test)]
    Counted(Arc<AtomicU64>),
}

impl Ids {
    pub(super) fn next(&self) -> QueueId {
        match self {
            Self::Random => QueueId::random(),
            #[cfg(test)]
            Self::Counted(given) => {
                // Multiplied by an odd number: distinct, and in no order of time.
                let count = given.fetch_add(1, Ordering::Relaxed) + 1;
                QueueId(count.wrapping_mul(0x9e37_79b9_7f4a_7c15))
            }
        }
    }
}

/// Names one queue for ever; with a seq it names one record for ever. Shown as 16 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId(u64);

impl QueueId {
    /// A new random id.
    pub(super) fn random() -> Self {
        let (high, low) = Uuid::new_v4().as_u64_pair();
        // Folded, so that the fixed version and variant bits of a UUID meet random ones.
        Self(high ^ low)
    }

    /// The id in 16 lower-case hex digits, or nothing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        super::line::parse_hex(text.as_bytes().first_chunk::<16>()?)
            .filter(|_| text.len() == 16)
            .map(Self)
    }

    /// The id in a directory's name, `q-<id>`.
    pub(super) fn from_dir_name(name: &str) -> Option<Self> {
        name.strip_prefix("q-").and_then(Self::parse)
    }

    /// The directory's name, `q-<id>`.
    pub(crate) fn dir_name(self) -> String {
        format!("q-{self}")
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QueueId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_from_its_own_directory_name_and_from_nothing_else() {
        let id = QueueId::random();
        assert_eq!(QueueId::from_dir_name(&id.dir_name()), Some(id));
        for name in [
            "q-",
            "q-0123",
            "q-0123456789ABCDEF",
            "q-0123456789abcdef0",
            "x-0123456789abcdef",
        ] {
            assert_eq!(QueueId::from_dir_name(name), None, "{name}");
        }
    }

    #[test]
    fn two_ids_are_two() {
        assert_ne!(QueueId::random(), QueueId::random());
    }
}
