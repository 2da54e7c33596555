//! Pass two: what digits, colons and at signs stand in. Addresses of both kinds, social security numbers, cards.
//!
//! The digits and the colon are neighbours in ASCII, so a few operations find every place to look at in eight bytes.

use crate::rule::card;
use crate::rule::email;
use crate::rule::ip;
use crate::rule::ssn;
use crate::text::span::{Seen, Span};
use crate::text::window;
use crate::text::{Text, WINDOW, between};

/// What stays although it looks like an address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    /// The whole text is a version.
    pub versions: bool,
    /// Loopback and unspecified addresses.
    pub loopback: bool,
}

/// Calls the scanners at each place where digits begin, a colon or an at sign stands, and hands on what they find.
#[inline(always)]
pub(crate) fn scan(text: Text<'_>, kept: Kept, mut found: impl FnMut(Span)) {
    let bytes = text.pass();
    let mut start = 0;
    while start < bytes.len() {
        let mut places = places(window(bytes, start));
        let mut next = start + WINDOW;
        while places != 0 {
            let at = start + places.trailing_zeros() as usize / 8;
            let resume = look(text, bytes, at, kept, &mut found);
            // What lies before the place to go on at needs no look.
            places = match resume - start {
                skipped @ ..WINDOW => places & u64::MAX << (8 * skipped),
                _ => 0,
            };
            next = next.max(resume);
        }
        start = next;
    }
}

/// Looks at what stands at `at`. Gives the place to go on at.
#[inline]
fn look(
    text: Text<'_>,
    bytes: &[u8],
    at: usize,
    kept: Kept,
    found: &mut impl FnMut(Span),
) -> usize {
    let (next, seen) = match bytes.get(at) {
        Some(b'@') if email::may_follow(text, at + 1) => (at + 1, email::scan(text, at, at + 1)),
        Some(b':') if ip::may_follow(text, at) => (at + 1, ip::scan_v6(text, kept.loopback, at)),
        Some(b'@' | b':') | None => return at + 1,
        Some(_) => {
            // Nothing behind it is looked at again: all runs together are one walk over the text.
            let rest = bytes.get(at..).unwrap_or_default();
            let digits = rest.iter().position(|byte| !byte.is_ascii_digit());
            let end = at + digits.unwrap_or(rest.len());
            let seen = match (end - at, text.at(end)) {
                (1..=3, b'.') if !kept.versions && text.at(end + 1).is_ascii_digit() => {
                    ip::scan_v4(text, kept.loopback, at)
                }
                (3, b'-' | 0xe2) if ssn::may_begin(text, at) => ssn::scan(text, at),
                (12.., _) | (4, b' ' | b'-' | b'.') if card::may_begin(text, at) => {
                    card::scan(text, at)
                }
                _ => return end,
            };
            (end, seen)
        }
    };
    match seen {
        Seen::Nothing => next,
        Seen::NothingBefore(later) => later.max(next),
        // No number is one side of a change.
        Seen::Found(span) | Seen::Both(span, _) => {
            found(span);
            span.end.max(next)
        }
    }
}

/// The highest bit of each byte of `window` that is a digit, a colon or an at sign.
#[inline]
fn places(window: u64) -> u64 {
    between(window, b'0', b':') | between(window, b'@', b'@')
}
