//! A secret that follows its name without a sign: `password is Kittens4Ever`, `api key 7c4a8d09…`, `PASSWORD 'x'`.
//!
//! Most text that goes on behind such a word is prose, so here the value itself must look like a secret.

use super::bearer::looks_opaque;
use super::extent::{self, Around, Extent, Form};
use super::prose;
use super::quote;
use super::secret_words::Sort;
use super::text::Text;

/// Shortest run of letters and digits that is a secret behind nothing but a name.
const MIN_OPAQUE_BYTES: usize = 16;

/// Is there anything behind the name at `end` that may be a value? A quick look, since most often there is not.
pub(super) fn may_follow(text: Text<'_>, end: usize) -> bool {
    if !is_blank(text.at(end)) {
        return false;
    }
    let mut before = b' ';
    text.slice(end, end + MAX_LOOK_BYTES).iter().any(|&byte| {
        let is_hump = before.is_ascii_lowercase() && byte.is_ascii_uppercase();
        before = byte;
        is_hump || byte.is_ascii_digit() || matches!(byte, b'"' | b'\'' | b'!'..=b'&' | b'@' | b'^')
    })
}

/// Room for the longest filler and the first half of a value.
const MAX_LOOK_BYTES: usize = 32;

/// The value behind the secret name `start..end`.
pub(super) fn value(
    text: Text<'_>,
    start: usize,
    end: usize,
    sort: Option<Sort>,
) -> Option<Extent> {
    let gap = text.run_most(end, 4, is_blank);
    // A scheme's word is no name; that rule knows what follows it.
    if gap == end || text.slice(start, end).eq_ignore_ascii_case(b"bearer") {
        return None;
    }
    let (at, has_filler) = behind_filler(text, gap);
    let is_password = matches!(sort, Some(Sort::Password) | None);
    if let Some((quote, inner)) = quote::open(text, at) {
        let (close, is_closed) = quote.close(text, inner);
        let inside = text.slice(inner, close);
        let is_statement = text.slice(start, end) == b"PASSWORD" || text.back(start, 1) == b':';
        let is_secret = is_statement
            || (is_password && has_filler)
            || if is_password {
                is_mixed(inside)
            } else {
                looks_opaque(inside)
            };
        let is_secret = is_secret || (sort == Some(Sort::Cookie) && inside.contains(&b'='));
        let is_one_word =
            is_password && has_filler || !inside.contains(&b' ') && close - inner >= 4;
        return (is_closed && is_secret && is_one_word && !prose::is_placeholder(inside))
            .then_some(Extent {
                start: inner,
                end: close,
                form: Form::Quoted,
            });
    }
    let at = at + usize::from(text.at(at) == b'(');
    // `AUTH PLAIN x`: behind the mechanism.
    let at = if (text.has(at, b"PLAIN ") || text.has(at, b"LOGIN ")) && text.has(start, b"AUTH ") {
        at + b"PLAIN ".len()
    } else {
        at
    };
    let value_end = extent::bare_end(text, at, Around::Text);
    let value_end = value_end - usize::from(matches!(text.back(value_end, 1), b',' | b'!' | b'?'));
    let value = text.slice(at, value_end);
    if prose::is_placeholder(value)
        || prose::names_form(value)
        || value.first().is_none_or(|byte| !byte.is_ascii_graphic())
    {
        return None;
    }
    let is_opaque = value.len() >= MIN_OPAQUE_BYTES
        && has_digit_and_letter(value)
        && value
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_+/=.".contains(byte))
        && !value.contains(&b'/');
    let is_secret = is_opaque
        || (has_filler && is_mixed(value) && value.len() >= 4)
        || (is_password && is_mixed(value) && has_digit_and_letter(value) && value.len() >= 5)
        || (is_directive(text, start, end) && has_digit_and_letter(value) && value.len() >= 6)
        || is_command(text, start, end, value_end, value);
    is_secret.then_some(Extent {
        start: at,
        end: value_end,
        form: Form::Bare,
    })
}

/// Behind `is`, `was:`, `to`, `of`, `set to`, and whether one of them stood there.
fn behind_filler(text: Text<'_>, at: usize) -> (usize, bool) {
    const FILLERS: [&[u8]; 9] = [
        b"is: ",
        b"is set to ",
        b"set to ",
        b"changed to ",
        b"is ",
        b"was: ",
        b"was ",
        b"to ",
        b"value ",
    ];
    match FILLERS.iter().find(|filler| text.has_any_case(at, filler)) {
        Some(filler) => (at + filler.len(), true),
        None => behind_owner(text, at).map_or((at, false), |value| (value, true)),
    }
}

/// Behind `for ann: `, `for user ann is `.
fn behind_owner(text: Text<'_>, at: usize) -> Option<usize> {
    if !text.has_any_case(at, b"for ") {
        return None;
    }
    let mut end = at + b"for ".len();
    for _ in 0..2 {
        end = text.run_most(end, 64, |byte| byte > b' ' && byte != b':');
        if text.has(end, b": ") {
            return Some(end + 2);
        }
        if text.has(end, b" is ") {
            return Some(end + 4);
        }
        end += 1;
    }
    None
}

/// Letters with digits or signs among them, or an upper-case letter inside: no word of a language.
fn is_mixed(value: &[u8]) -> bool {
    let value = value.strip_suffix(b".").unwrap_or(value);
    let has_letter = value.iter().any(u8::is_ascii_alphabetic);
    let has_digit = value.iter().any(u8::is_ascii_digit);
    let has_sign = value.iter().any(|byte| b"!@#$%^&*+=~?".contains(byte));
    has_letter && (has_digit || has_sign || has_hump(value))
}

/// An upper-case letter right behind a lower-case one.
fn has_hump(value: &[u8]) -> bool {
    value
        .windows(2)
        .any(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()))
}

fn has_digit_and_letter(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic)
}

/// A name of several words in one, as settings are called: `requirepass`, `aws_secret_access_key`, `SECRET_TOKEN`.
fn is_directive(text: Text<'_>, start: usize, end: usize) -> bool {
    let name = text.slice(start, end);
    let is_joined = name.contains(&b'_');
    let is_known = [&b"requirepass"[..], b"masterauth", b"rootpw", b"bindpw"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known));
    is_joined || is_known
}

/// `PASS x` and `AUTH x` as a line of a protocol, `login ann password x` of a .netrc.
fn is_command(text: Text<'_>, start: usize, end: usize, value_end: usize, value: &[u8]) -> bool {
    let is_verb = matches!(text.slice(start, end), b"PASS" | b"AUTH");
    let is_first = matches!(text.back(start, 1), 0 | b'\n' | b'"' | b'\'')
        || text.back(start, 1) == b' ' && matches!(text.back(start, 2), b':' | b'>');
    let is_last = matches!(text.at(value_end), 0 | b'\r' | b'\n' | b'"' | b'\'' | b'\\');
    let is_plain = !value
        .iter()
        .any(|byte| matches!(byte, b'/' | b'.' | b'_' | b'('));
    if is_verb {
        return is_first && is_last && is_plain && is_mixed(value) && !value.starts_with(b"test");
    }
    let user = text.run_back(start.saturating_sub(1), 64, |byte| byte > b' ');
    text.slice(start, end) == b"password" && text.ends_any_case(user.saturating_sub(1), b"login")
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}
