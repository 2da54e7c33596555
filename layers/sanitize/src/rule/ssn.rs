//! US social security numbers: `123-45-6789`, with one separator throughout.
//!
//! Spaces and dots part many harmless numbers, and nine digits in a row are no number in particular: those count only
//! behind a word that says what they are.

use crate::rule::scanner::{Samples, Scanner};
use crate::rule_names::{Place, Rule};
use crate::text::span::Seen;
use crate::text::{Text, is_word};

/// How far behind the word a number may stand.
const MAX_GAP_BYTES: usize = 24;

/// `start` is the first digit of three. May the rest follow? A quick look: dates and ids end here.
#[inline]
pub(crate) fn may_begin(text: Text<'_>, start: usize) -> bool {
    match text.at(start + 3) {
        b'-' => text.at(start + 6) == b'-' && text.at(start + 10).is_ascii_digit(),
        byte => byte == 0xe2,
    }
}

/// `start` is the first digit of a run of digits.
pub(crate) fn scan(text: Text<'_>, start: usize) -> Seen {
    match formatted(text, start, is_issued) {
        Some(end) => Seen::found(Rule::Ssn, start, end),
        None => Seen::Nothing,
    }
}

/// `end` is behind `ssn` or `social security`: the number after it, in any form.
fn scan_named(text: Text<'_>, _start: usize, end: usize) -> Seen {
    if is_word(text.at(end)) && !text.at(end).is_ascii_digit() && text.at(end) != b'_' {
        return Seen::Nothing;
    }
    let number = text.run_most(end, MAX_GAP_BYTES, |byte| {
        !byte.is_ascii_digit() && !matches!(byte, b'\n' | b';')
    });
    if !text.at(number).is_ascii_digit() {
        return Seen::NothingBefore(end);
    }
    let nine = text.run_most(number, 10, |byte| byte.is_ascii_digit());
    if nine - number == 9 && is_not_empty(text.slice(number, nine)) {
        return Seen::found(Rule::Ssn, number, nine);
    }
    match formatted(text, number, is_not_empty) {
        Some(end) => Seen::found(Rule::Ssn, number, end),
        None => Seen::Nothing,
    }
}

/// Where a number in the form `ddd?dd?dddd` that begins at `start` ends.
fn formatted(text: Text<'_>, start: usize, is_number: impl Fn(&[u8]) -> bool) -> Option<usize> {
    let separator = separator(text, start + 3)?;
    let group = start + 3 + separator.len();
    let serial = group + 2 + separator.len();
    let end = serial + 4;
    let mut digits = [0; 9];
    let parts = text.slice(start, start + 3).iter();
    let parts = parts
        .chain(text.slice(group, group + 2))
        .chain(text.slice(serial, end));
    for (slot, byte) in digits.iter_mut().zip(parts) {
        *slot = *byte;
    }
    let is_whole = text.has(group + 2, separator)
        && end <= text.len()
        && !joins(text.back(start, 1), text.back(start, 2))
        && !joins(text.at(end), text.at(end + 1));
    (is_whole && is_number(&digits)).then_some(end)
}

fn separator(text: Text<'_>, at: usize) -> Option<&'static [u8]> {
    const SEPARATORS: [&[u8]; 6] = [
        b"-",
        b" ",
        b".",
        b"\xe2\x80\x93",
        b"\xe2\x80\x91",
        b"\xe2\x80\x90",
    ];
    SEPARATORS
        .into_iter()
        .find(|separator| text.has(at, separator))
}

/// Does `byte` join the number to a longer run? `next` is the byte behind it, seen from the number.
fn joins(byte: u8, next: u8) -> bool {
    match byte {
        b'.' | b'/' => next.is_ascii_digit(),
        b'-' | b'_' => next.is_ascii_alphanumeric(),
        // The letter of an escape may stand before it.
        b'n' | b't' | b'T' => false,
        byte => byte.is_ascii_alphanumeric(),
    }
}

/// A number that may have been given out.
fn is_issued(digits: &[u8]) -> bool {
    let part = |start: usize, end: usize| digits.get(start..end).unwrap_or_default();
    digits.iter().all(u8::is_ascii_digit)
        && digits.len() == 9
        && !matches!(part(0, 3), b"000" | b"666" | [b'9', ..])
        && part(3, 5) != b"00"
        && part(5, 9) != b"0000"
}

/// Nine digits, not all alike: behind its name any number counts, those for taxpayers too, which begin with 9.
fn is_not_empty(digits: &[u8]) -> bool {
    digits.iter().all(u8::is_ascii_digit)
        && digits.len() == 9
        && digits.iter().any(|digit| digits.first() != Some(digit))
}

/// By name; numbers of the form are met among the numbers.
pub(crate) static NAMED: Scanner = Scanner {
    rule: Rule::Ssn,
    literals: &["ssn", "social security"],
    is_exact: false,
    find: |cx, hit| scan_named(cx.text, hit.start, hit.end),
    samples: Some(&SAMPLES),
};

const SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        ("id 123-45-6789 given", "id [REDACTED:ssn] given"),
        ("SSN 123456789", "SSN [REDACTED:ssn]"),
        ("his ssn is 123 45 6789.", "his ssn is [REDACTED:ssn]."),
        ("123–45–6789", "[REDACTED:ssn]"),
        (
            "Social Security number 123.45.6789",
            "Social Security number [REDACTED:ssn]",
        ),
    ],
    kept: &[
        "000-12-3456",
        "666-12-3456",
        "123-00-4567",
        "order 1-123-45-6789",
        "part 123-45-67890",
        "123-45-6789-1",
        "took 123456789 ns",
        "2026-02-06",
        "ssn lookup took 12 ms",
    ],
};
