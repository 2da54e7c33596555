//! Times as a segment keeps them.

/// Nanoseconds since 1970 as milliseconds since `base` (also milliseconds since 1970), and the nanoseconds that remain.
#[must_use]
pub fn split(unix_nanos: u64, base: i64) -> (i64, i64) {
    let millis = i64::try_from(unix_nanos / 1_000_000).unwrap_or(i64::MAX);
    let rest = i64::try_from(unix_nanos % 1_000_000).unwrap_or_default();
    (millis.saturating_sub(base), rest)
}

/// The way back.
#[must_use]
pub fn join(at: i64, ns: i64, base: i64) -> u64 {
    let millis = u64::try_from(at.saturating_add(base)).unwrap_or_default();
    millis
        .saturating_mul(1_000_000)
        .saturating_add(u64::try_from(ns).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_comes_back_as_it_was_whichever_base_it_is_kept_by() {
        for base in [0, 1_700_000_000_000, 4_000_000_000_000] {
            for nanos in [
                0,
                1,
                999_999,
                1_000_000,
                1_700_000_000_123_456_789,
                u64::MAX,
            ] {
                let (at, ns) = split(nanos, base);
                assert_eq!(join(at, ns, base), nanos, "{nanos} by {base}");
            }
        }
    }
}
