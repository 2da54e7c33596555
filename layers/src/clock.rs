//! The one place where wall-clock time comes in.
//!
//! Time stamps a record; it never decides an order, so a clock that jumps changes nothing but the stamps.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// Where "now" comes from: the system, or a hand that a test moves.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Clock {
    /// The system's wall clock.
    #[default]
    System,
    /// Unix nanoseconds, set by whoever holds the other handle.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The time now, in UTC.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Manual(unix_nanos) => {
                let nanos = unix_nanos.load(Ordering::Relaxed);
                Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or(Timestamp::UNIX_EPOCH)
            }
        }
    }
}
