//! Pass two: what digits, colons and at signs stand in. Addresses of both kinds, social security numbers, cards.
//!
//! The digits and the colon are neighbours in ASCII, so two comparisons a byte find every place to look at.

use super::span::{Seen, Span};
use super::text::Text;
use super::{card, email, ip, ssn};

/// What stays although it looks like an address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    /// The whole text is a version.
    pub versions: bool,
    /// Loopback and unspecified addresses.
    pub loopback: bool,
}

/// Calls the scanners at each place where digits begin, a colon or an at sign stands, and hands on what they find.
pub(super) fn scan(text: Text<'_>, kept: Kept, mut found: impl FnMut(Span)) {
    let mut at = 0;
    while let Some(next) = next_place(text, at) {
        let seen;
        (seen, at) = look(text, next, kept);
        if let Seen::Found(span) = seen {
            found(span);
        }
    }
}

/// What stands at `at`, and where to go on.
fn look(text: Text<'_>, at: usize, kept: Kept) -> (Seen, usize) {
    if text.at(at) == b'@' {
        return go_on(email::scan(text, at, at + 1), at + 1);
    }
    if text.at(at) == b':' {
        let next = text.at(at + 1);
        if !(next == b':' || next.is_ascii_hexdigit()) {
            return (Seen::Nothing, at + 1);
        }
        return go_on(ip::scan_v6(text, kept.loopback, at), at + 1);
    }
    let end = text.run(at, |byte| byte.is_ascii_digit());
    match (end - at, text.at(end)) {
        (1..=3, b'.') if !kept.versions && text.at(end + 1).is_ascii_digit() => {
            go_on(ip::scan_v4(text, kept.loopback, at), end)
        }
        (3, b'-' | 0xe2) => go_on(ssn::scan(text, at), end),
        (12.., _) | (4, b' ' | b'-' | b'.') => go_on(card::scan(text, at), end),
        _ => (Seen::Nothing, end),
    }
}

fn go_on(seen: Seen, least: usize) -> (Seen, usize) {
    let next = match seen {
        Seen::Nothing => least,
        Seen::NothingBefore(next) => next.max(least),
        Seen::Found(span) => span.end.max(least),
    };
    (seen, next)
}

/// The first digit, colon or at sign at or behind `from`.
fn next_place(text: Text<'_>, from: usize) -> Option<usize> {
    let is_place = |byte: u8| byte.wrapping_sub(b'0') <= b':' - b'0' || byte == b'@';
    let rest = text.0.get(from..)?;
    let mut skipped = 0;
    for chunk in rest.chunks(CHUNK_BYTES) {
        // Without an early exit the compiler looks at the whole chunk at once.
        if chunk.iter().fold(false, |any, &byte| any | is_place(byte)) {
            break;
        }
        skipped += chunk.len();
    }
    let place = rest
        .get(skipped..)?
        .iter()
        .position(|&byte| is_place(byte))?;
    Some(from + skipped + place)
}

const CHUNK_BYTES: usize = 16;
