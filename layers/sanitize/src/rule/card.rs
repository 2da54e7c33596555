//! Payment cards: 12 to 19 digits of a known issuer, with a valid check digit.

use crate::rule::scanner::{Samples, Scanner};
use crate::rule_names::{Place, Rule};
use crate::text::Text;
use crate::text::span::Seen;

const MIN_DIGITS: usize = 12;
const MAX_DIGITS: usize = 19;

/// `start` is the first digit of a run. May it be a card's? A quick look: times and most ids begin otherwise.
#[inline]
pub(crate) fn may_begin(text: Text<'_>, start: usize) -> bool {
    matches!(text.at(start), b'2'..=b'6')
        && !joins(text.back(start, 1), text.back(start, 2))
        && !is_in_table(text, start)
}

/// `start` is the first digit of a run of digits that nothing but digits and one kind of separator parts.
pub(crate) fn scan(text: Text<'_>, start: usize) -> Seen {
    let first = text.run_most(start, MAX_DIGITS + 1, |byte| byte.is_ascii_digit());
    let separator = text.at(first);
    let is_grouped = first - start == 4 && matches!(separator, b' ' | b'-' | b'.');
    let mut digits = [0_u8; MAX_DIGITS];
    let mut len = 0;
    let mut at = start;
    let mut found = None;
    loop {
        let group_end = text.run_most(at, MAX_DIGITS + 1, |byte| byte.is_ascii_digit());
        if group_end == at || len + (group_end - at) > MAX_DIGITS {
            break;
        }
        for (slot, byte) in digits.iter_mut().skip(len).zip(text.slice(at, group_end)) {
            *slot = byte - b'0';
        }
        len += group_end - at;
        let end = group_end;
        let number = digits.get(..len).unwrap_or_default();
        // Behind the last group a code may follow that reads like one more.
        if len >= MIN_DIGITS
            && !joins(text.at(end), text.at(end + 1))
            && has_issuer(number)
            && has_check_digit(number)
        {
            found = Some(end);
        }
        if !is_grouped || text.at(group_end) != separator {
            break;
        }
        at = group_end + 1;
    }
    match found {
        Some(end) => Seen::found(Rule::Card, start, end),
        None => Seen::Nothing,
    }
}

/// A group of four right before it, of digits or hex: a table or a dump.
fn is_in_table(text: Text<'_>, start: usize) -> bool {
    if text.back(start, 1) != b' ' || text.back(start, 6).is_ascii_alphanumeric() {
        return false;
    }
    let group = text.slice(start.saturating_sub(5), start - 1);
    group.len() == 4
        && group.iter().all(u8::is_ascii_hexdigit)
        && group.iter().any(u8::is_ascii_digit)
}

/// Does `byte` make the number a part of something longer: an identifier, a fraction, a hash?
fn joins(byte: u8, next: u8) -> bool {
    byte.is_ascii_alphanumeric() && !matches!(byte, b'n' | b't' | b'r')
        || byte == b'_'
        || (byte == b'.' && next.is_ascii_digit())
        || (byte == b'-' && next.is_ascii_alphabetic())
}

/// Is it a number that one of the card organisations gives out, in its length?
fn has_issuer(digits: &[u8]) -> bool {
    let prefix = |places: usize| {
        digits
            .iter()
            .take(places)
            .fold(0_u32, |number, &digit| number * 10 + u32::from(digit))
    };
    let len = digits.len();
    let (two, three, four) = (prefix(2), prefix(3), prefix(4));
    match two {
        40..=49 => matches!(len, 13 | 16 | 19),
        51..=55 => len == 16,
        22..=27 => (2221..=2720).contains(&four) && len == 16,
        34 | 37 => len == 15,
        35 => (3528..=3589).contains(&four) && (16..=19).contains(&len),
        36 | 38 | 39 => (14..=19).contains(&len),
        30 => (matches!(three, 300..=305) || three == 309) && (14..=19).contains(&len),
        60 | 64 | 65 => {
            (four == 6011 || matches!(three, 644..=649) || two == 65 || len == 16)
                && (16..=19).contains(&len)
        }
        62 => (16..=19).contains(&len),
        50 | 56..=59 | 61 | 63 | 66..=69 => (12..=19).contains(&len) && len >= 16,
        _ => false,
    }
}

/// The Luhn sum.
pub(crate) fn has_check_digit(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| {
            let digit = u32::from(digit) << (place % 2);
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    let is_monotone = digits
        .windows(2)
        .all(|pair| matches!(pair, [a, b] if a == b));
    sum.is_multiple_of(10) && !is_monotone
}

pub(crate) static SCANNER: Scanner = Scanner::without_literals(Rule::Card, &SAMPLES);

const SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        (
            "paid with 4111 1111 1111 1111 ok",
            "paid with [REDACTED:card] ok",
        ),
        ("4111-1111-1111-1111", "[REDACTED:card]"),
        ("card 5555555555554444", "card [REDACTED:card]"),
        ("amex 3782 822463 10005", "amex [REDACTED:card]"),
        (
            r#""number":6011111111111117,"#,
            r#""number":"[REDACTED:card]","#,
        ),
    ],
    kept: &[
        "4111111111111112",
        "1718900000000",
        "id 1718900000000000000",
        "0.4111111111111111",
        "sha 4111111111111111ab",
        "4444444444444444",
        "req-4111111111111111",
        "573C 573D 5740 5741 5742 5743",
        "5420 5421 5422 5423 5424 5425",
    ],
};
