//! Eight bytes at once, in one number.

/// Bytes that are read at once.
pub(crate) const WINDOW: usize = 8;

/// Eight of `bytes` from `start` on as a number, the first of them lowest; NUL behind the end.
#[inline(always)]
pub(crate) fn window(bytes: &[u8], start: usize) -> u64 {
    match bytes.get(start..).and_then(|rest| rest.first_chunk()) {
        Some(&window) => u64::from_le_bytes(window),
        None => last_window(bytes, start),
    }
}

/// The same where fewer than eight bytes are left. No part of the loops that call it, which are shorter without.
#[inline(never)]
fn last_window(bytes: &[u8], start: usize) -> u64 {
    let rest = bytes.get(start..).unwrap_or_default();
    if let (Some(&first), Some(&last)) = (rest.first_chunk(), rest.last_chunk()) {
        let [first, last] = [first, last].map(|four| u64::from(u32::from_le_bytes(four)));
        // What both hold they hold alike.
        return first | last << (8 * (rest.len() - 4));
    }
    let bytes = rest.iter().rev();
    bytes.fold(0, |window, &byte| window << 8 | u64::from(byte))
}

/// The highest bit of each byte of `window` that lies in `first..=last`, both ASCII.
#[inline(always)]
pub(crate) const fn between(window: u64, first: u8, last: u8) -> u64 {
    let low = window & each(0x7f);
    // Seven bits added to seven never reach the next byte; the eighth tells whether the sum was too large for a place.
    let (from_first, behind_last) = (low + each(0x80 - first), low + each(0x7f - last));
    (from_first ^ behind_last) & !window & each(0x80)
}

const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; WINDOW])
}
