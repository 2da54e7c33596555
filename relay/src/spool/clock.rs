//! Times as the database keeps them.

use jiff::Timestamp;

use super::integer::signed;

/// Nanoseconds since 1970.
pub fn now() -> i64 {
    signed(u64::try_from(Timestamp::now().as_nanosecond()).unwrap_or_default())
}

/// The hour since 1970 in which this nanosecond is.
pub fn hour(nanos: i64) -> i64 {
    nanos / (3600 * 1_000_000_000)
}
