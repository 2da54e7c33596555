//! For call sites that know what they log.

use std::fmt;

use crate::marker::REDACTED;

/// A value that never prints: `Debug` and `Display` write the marker, and there is no `Serialize`.
///
/// ```
/// let password = courier_sanitize::Sensitive("hunter2");
/// assert_eq!(format!("{password} {password:?}"), "[REDACTED] [REDACTED]");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sensitive<T>(pub T);

impl<T> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl<T> fmt::Display for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl<T> From<T> for Sensitive<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}
