//! Phone numbers (strict): with a country's code, in the American form, or behind a word that says what they are.

use crate::rule::scanner::{Samples, Scanner};
use crate::rule_names::{Place, Rule};
use crate::text::{Text, is_word};

/// Digits of the shortest number.
const MIN_DIGITS: usize = 7;

/// Where the number ends that begins at `start`.
pub(crate) fn end(text: Text<'_>, start: usize) -> Option<usize> {
    let is_international = text.at(start) == b'+' && text.at(start + 1).is_ascii_digit();
    let end = text.run_most(start, 24, |byte| {
        byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b'.' | b'(' | b')' | b'+' | b'/')
    });
    if end - start < MIN_DIGITS {
        return None;
    }
    let end = text.run_back(end, end - start, |byte| !byte.is_ascii_digit());
    let goes_on = matches!(text.at(end), b':' | b'%') && text.at(end + 1).is_ascii_digit();
    if goes_on || is_word(text.at(end)) {
        return None;
    }
    let number = text.slice(start, end);
    let digits = number.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_phone = (is_international
        && (8..=15).contains(&digits)
        && number.iter().filter(|&&byte| byte == b'+').count() == 1)
        || is_american(number)
        || ((MIN_DIGITS..=15).contains(&digits) && is_named(text, start));
    is_phone.then_some(end)
}

/// `(555) 123-4567`, `555-123-4567`, `555.123.4567`.
fn is_american(number: &[u8]) -> bool {
    let groups = number
        .split(|byte| !byte.is_ascii_digit())
        .filter(|group| !group.is_empty());
    let mut lengths = groups.map(<[u8]>::len);
    let is_shape = lengths.next() == Some(3)
        && lengths.next() == Some(3)
        && lengths.next() == Some(4)
        && lengths.next().is_none();
    is_shape && number.iter().any(|byte| matches!(byte, b'-' | b'.' | b')'))
}

/// `phone: …`, `call …`, `tel=…` right before it.
fn is_named(text: Text<'_>, start: usize) -> bool {
    const WORDS: [&[u8]; 10] = [
        b"phone",
        b"tel",
        b"mobile",
        b"cell",
        b"fax",
        b"call",
        b"sms",
        b"whatsapp",
        b"msisdn",
        b"number",
    ];
    let at = text.run_back(start, 6, |byte| {
        matches!(byte, b' ' | b':' | b'=' | b'"' | b'\'' | b'.' | b'#')
    });
    at < start && WORDS.iter().any(|word| text.ends_any_case(at, word))
}

pub(crate) static SCANNER: Scanner = Scanner::without_literals(Rule::Phone, &SAMPLES);

const SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        ("ring +1 415 555 2671 now", "ring [REDACTED:phone] now"),
        ("(555) 123-4567", "[REDACTED:phone]"),
        ("555-123-4567", "[REDACTED:phone]"),
        ("call 5551234", "call [REDACTED:phone]"),
        ("+49 (0)30 901820", "[REDACTED:phone]"),
    ],
    kept: &[
        "2026-02-06 12:00",
        "took 5551234 ns",
        "+1 more",
        "1-2-3",
        "part 555-1234-567",
        "offset +0200",
    ],
};
