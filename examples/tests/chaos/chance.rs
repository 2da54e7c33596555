//! A number that differs in each run. Trials print what they drew.

use std::hash::{BuildHasher as _, RandomState};
use std::ops::Range;

/// Somewhere in `range`.
pub fn within(range: Range<u64>) -> u64 {
    range.start + anything() % (range.end - range.start)
}

/// A word that nobody has written before.
pub fn word() -> String {
    format!("zq{:012x}", anything() & 0xffff_ffff_ffff)
}

fn anything() -> u64 {
    RandomState::new().hash_one("chance")
}
