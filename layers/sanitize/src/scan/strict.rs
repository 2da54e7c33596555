//! Pass three, in the strict profile only: what is often harmless, looked for at the beginning of each word.

use crate::rule::account;
use crate::rule::device;
use crate::rule::location;
use crate::rule::phone;
use crate::rule_names::Rule;
use crate::text::span::Span;
use crate::text::{Text, begins_word, is_word};

/// Calls `found` with what the strict rules take.
pub(crate) fn scan(text: Text<'_>, mut found: impl FnMut(Span)) {
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
    let is_digit = byte.is_ascii_digit();
    let is_open = is_digit || matches!(byte, b'+' | b'-' | b'(');
    if !(is_open || byte.is_ascii_alphabetic()) || !begins_word(text, at) {
        return None;
    }
    let before = text.back(at, 1);
    let is_item = before == b',' && is_word(text.back(at, 2));
    let is_number = is_open && !is_item && !matches!(before, b'.' | b'-' | b'+' | b'/');
    let is_group = byte.is_ascii_hexdigit() && !matches!(before, b':' | b'-');
    let digits = if is_digit {
        text.run_most(at, 17, |byte| byte.is_ascii_digit()) - at
    } else {
        0
    };
    // Only what may begin like this: most words end here.
    let find = |rule: Rule, may_begin: bool, end: fn(Text<'_>, usize) -> Option<usize>| {
        let end = may_begin.then(|| end(text, at)).flatten();
        end.map(|end| (rule, end))
    };
    find(Rule::Mac, is_group, device::mac_end)
        .or_else(|| find(Rule::Iban, byte.is_ascii_uppercase(), account::iban_end))
        .or_else(|| find(Rule::Imei, digits == 15, device::imei_end))
        .or_else(|| find(Rule::Edipi, digits == 10, account::edipi_end))
        .or_else(|| find(Rule::Location, is_number && digits < 4, location::end))
        .or_else(|| find(Rule::Phone, is_number, phone::end))
}
