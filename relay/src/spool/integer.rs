//! Numbers as SQLite keeps them: its integers have 64 bits and a sign.

/// A number from the database; a negative one, which only damage can make, is 0.
pub fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// A number for the database; what is too large for it is its largest.
pub fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A seq as it is kept: flipping the top bit keeps the order.
pub fn stored_seq(seq: u64) -> i64 {
    (seq ^ 1 << 63).cast_signed()
}

/// A seq from how it is kept.
pub fn read_seq(stored: i64) -> u64 {
    stored.cast_unsigned() ^ 1 << 63
}
