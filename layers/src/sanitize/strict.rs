//! Pass three, in the strict profile only: what is often harmless, looked for at the beginning of each word.

use super::rule::Rule;
use super::span::Span;
use super::text::{Text, begins_word, is_word};
use super::{account, device, location, phone};

/// Calls `found` with what the strict rules take.
pub(super) fn scan(text: Text<'_>, mut found: impl FnMut(Span)) {
    let mut at = 0;
    while at < text.len() {
        at = match look(text, at) {
            Some((rule, end)) => {
                found(Span {
                    start: at,
                    end,
                    rule,
                    pattern: 0,
                });
                end
            }
            None => at + 1,
        };
    }
}

fn look(text: Text<'_>, at: usize) -> Option<(Rule, usize)> {
    let byte = text.at(at);
    let is_start = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'(');
    if !is_start || !begins_word(text, at) {
        return None;
    }
    let before = text.back(at, 1);
    let is_item = before == b',' && is_word(text.back(at, 2));
    let is_number = !is_item && !matches!(before, b'.' | b'-' | b'+' | b'/');
    let by = |rule: Rule, end: Option<usize>| end.map(|end| (rule, end));
    let is_open = byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'(');
    None.or_else(|| {
        by(
            Rule::Mac,
            device::mac_end(text, at).filter(|_| before != b':' && before != b'-'),
        )
    })
    .or_else(|| by(Rule::Iban, account::iban_end(text, at)))
    .or_else(|| by(Rule::Imei, device::imei_end(text, at)))
    .or_else(|| by(Rule::Edipi, account::edipi_end(text, at)))
    .or_else(|| {
        by(
            Rule::Location,
            location::end(text, at).filter(|_| is_open && is_number),
        )
    })
    .or_else(|| {
        by(
            Rule::Phone,
            phone::end(text, at).filter(|_| is_open && is_number),
        )
    })
}
