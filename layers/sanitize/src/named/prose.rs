//! Text that speaks of a secret and holds none: `token: unexpected end of input`, `password: must be 8 characters`.
//!
//! Only for names without quotes: what stands behind a quoted name is data, whatever it says.

use crate::named::code::is_code;
use crate::named::extent::{Extent, Form};
use crate::named::harmless_words::{AUTH_MODES, FORMS, MASKS, STATES, TALK};
use crate::named::opaque::looks_opaque;
use crate::named::pair::Pair;
use crate::named::secret_words::Sort;
use crate::named::separator::Separator;
use crate::text::{Text, ends_with_any_case, is_word};

/// Is the value of `pair` only talk, a placeholder, or code?
pub(crate) fn is_talk(text: Text<'_>, pair: Pair, extent: Extent) -> bool {
    let is_closed = matches!(text.back(extent.end, 1), b'}' | b']' | b')' | b'>');
    let is_long = extent.end - extent.start > MAX_TALK_BYTES;
    if extent.form == Form::Structure {
        let value = text.slice(extent.start, extent.end);
        return is_closed
            && (!is_long && is_placeholder(value) || is_harmless_structure(text, pair, value));
    }
    // Nobody talks so long without a space, and what is left alone is walked over again from its next name.
    if is_long {
        return false;
    }
    let value = text.slice(extent.start, extent.end);
    // What stands behind a quoted name is data, but in a program's source or a template.
    if pair.quote.is_some() {
        return is_filled_in(value)
            || extent.form == Form::Ticked && !is_mixed(value)
            || extent.form == Form::Bare && is_code(text, pair, value);
    }
    if is_placeholder(value) {
        return true;
    }
    match extent.form {
        Form::Quoted if pair.separator == Separator::Call => {
            // `Auth("bad password: x")` is an error's text, and scanned as such.
            let is_sentence = value.contains(&b' ') && pair.sort != Some(Sort::Password);
            text.slice(pair.start, pair.end) != b"PASSWORD" && (is_sentence || !is_mixed(value))
        }
        Form::Quoted => {
            is_quoted_mode(pair.sort, value) || is_complaint(text, pair) && !looks_opaque(value)
        }
        // In backticks a parser sets the word that it complains of, and a manual an example.
        Form::Ticked => {
            is_complaint(text, pair)
                || !is_mixed(value)
                || value.contains(&b' ') && !is_password(pair)
        }
        Form::Structure => false,
        Form::Bare => is_bare_talk(text, pair, value),
    }
}

/// Longest value that may be talk.
const MAX_TALK_BYTES: usize = 256;

/// `unexpected token: "foo"`: what a parser calls a token is none of ours.
fn is_complaint(text: Text<'_>, pair: Pair) -> bool {
    const BEFORE: [&[u8]; 14] = [
        b"unexpected ",
        b"expected ",
        b"unknown ",
        b"illegal ",
        b"unrecognized ",
        b"unrecognised ",
        b"unmatched ",
        b"stray ",
        b"next ",
        b"near ",
        b"at ",
        b"bad ",
        b"invalid ",
        b"offending ",
    ];
    matches!(pair.sort, Some(Sort::Token | Sort::Tokens))
        && BEFORE
            .iter()
            .any(|before| text.ends_any_case(pair.start, before))
}

fn is_password(pair: Pair) -> bool {
    matches!(pair.sort, Some(Sort::Password | Sort::Pass))
}

/// `auth: "basic"`, `credentials: 'include'`: a mode, not a secret.
fn is_quoted_mode(sort: Option<Sort>, value: &[u8]) -> bool {
    matches!(sort, Some(Sort::Auth | Sort::Token | Sort::Cookie))
        && (AUTH_MODES.has(value) || STATES.has(value))
}

/// A structure that holds no secret: `Secret { .. }`, and under a token's name counts, handles and what a parser makes.
fn is_harmless_structure(text: Text<'_>, pair: Pair, value: &[u8]) -> bool {
    // What is nested in a harmless one is looked at again, so a long one is not looked at so closely.
    if value.len() > MAX_HARMLESS_BYTES {
        let is_list = pair.sort == Some(Sort::Tokens) && value.len() < MAX_COUNTS_BYTES;
        return is_list && is_counts(value);
    }
    let inside = value
        .iter()
        .position(|byte| matches!(byte, b'(' | b'[' | b'{'))
        .and_then(|open| value.get(open..))
        .unwrap_or(value);
    let is_empty = !inside.iter().any(u8::is_ascii_alphanumeric);
    let has = |part: &[u8]| value.windows(part.len()).any(|window| window == part);
    // What a schema says of a property.
    let is_schema = (has(br#""type":"string""#) || has(br#""type": "string""#))
        && !["default", "example", "const", "enum", "value"]
            .iter()
            .any(|field| has(field.as_bytes()));
    let is_token = text.ends_any_case(pair.end, b"token") && pair.quote.is_none();
    is_empty
        || is_schema
        || match pair.sort {
            Some(Sort::Tokens) => is_counts(value) || (pair.quote.is_none() && is_lexed(value)),
            Some(Sort::Token) => is_token && !value.contains(&b'"') && is_handle(value),
            _ => false,
        }
}

/// How long a structure may be that is looked through for signs of its harmlessness, and a list of counts.
const MAX_HARMLESS_BYTES: usize = 256;
const MAX_COUNTS_BYTES: usize = 4096;

/// `Token(3)`, `Token { kind: Ident, span: 12..17 }`: types, fields and small numbers, as an event loop's handle or a
/// parser's token prints.
fn is_handle(value: &[u8]) -> bool {
    value.first().is_some_and(u8::is_ascii_uppercase)
        && words(value).all(|word| {
            is_number(word, 8)
                || word.first().is_some_and(u8::is_ascii_uppercase) && is_name(word)
                || [
                    "kind", "span", "start", "end", "len", "pos", "line", "column",
                ]
                .iter()
                .any(|field| word == field.as_bytes())
        })
}

/// `{"input": 12, "output": 31}`, `[101, 2054]`: names and small numbers.
fn is_counts(value: &[u8]) -> bool {
    let mut numbers = 0;
    let is_plain = words(value).all(|word| {
        let is_count = is_number(word, 8);
        numbers += usize::from(is_count);
        is_count || (is_name(word) && word.len() < 16 && !word.iter().any(u8::is_ascii_digit))
    });
    let pairs = value.iter().filter(|byte| matches!(byte, b':' | b'='));
    let names = words(value).filter(|word| !is_number(word, 8)).count();
    // Each name has its number; that of a type may stand in front.
    is_plain && numbers > 0 && names <= pairs.count() + 1 && numbers * 3 >= names
}

/// `[Ident("let"), Eq, Number(4)]`: what a parser calls tokens.
fn is_lexed(list: &[u8]) -> bool {
    matches!(list, [b'[', b'A'..=b'Z', b'a'..=b'z', ..])
        && words(list).all(|word| {
            word.len() < 16
                && !(word.len() >= 6 && word.iter().any(u8::is_ascii_digit))
                && !["token", "secret", "key"]
                    .iter()
                    .any(|tail| ends_with_any_case(word, tail.as_bytes()))
        })
}

fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|byte| !byte.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
}

fn is_name(word: &[u8]) -> bool {
    word.len() < 24 && word.iter().all(u8::is_ascii_alphabetic)
}

fn is_bare_talk(text: Text<'_>, pair: Pair, value: &[u8]) -> bool {
    let names_header = ends_with_any_case(text.slice(pair.start, pair.end), b"header")
        && value
            .iter()
            .all(|byte| byte.is_ascii_alphabetic() || *byte == b'-');
    if names_header
        || STATES.has(value)
        || is_code(text, pair, value)
        || is_key_file(text, pair, value)
    {
        return true;
    }
    let is_password = matches!(
        pair.sort,
        Some(Sort::Password | Sort::Pass | Sort::Number) | None
    );
    let is_word = is_lower_words(value);
    match pair.separator {
        Separator::Equals => pair.sort == Some(Sort::Auth) && AUTH_MODES.has(value),
        Separator::Flag => {
            TALK.has(value)
                || is_metavariable(value)
                || AUTH_MODES.has(value) && pair.sort == Some(Sort::Auth)
                || value.starts_with(b"-")
                || is_punctuation(value)
        }
        Separator::Colon if is_password => {
            TALK.has(value) || is_progress(value) || is_sentence(text, value, pair.value)
        }
        Separator::Colon => {
            names_form(value)
                || is_progress(value)
                || (is_word && (!is_setting(text, pair) || is_change(text, pair)))
                || TALK.has(value)
                || is_number(value, 5)
                || value.windows(3).any(|part| part == b"://")
                || holds_pair(value)
                || value.starts_with(b"(")
        }
        Separator::TightColon => {
            !is_password
                && (is_word
                    || is_number(value, 5)
                    || is_version(value)
                    || value.starts_with(b"v") && value.get(1).is_some_and(u8::is_ascii_digit)
                    || value.starts_with(b"//"))
        }
        Separator::Tag | Separator::Item | Separator::Call => false,
    }
}

/// `--private-key /etc/tls/site.pem`, `ssh_key=id.pem`: where a key lies.
fn is_key_file(text: Text<'_>, pair: Pair, value: &[u8]) -> bool {
    let is_key = text.ends_any_case(pair.end, b"key");
    let is_path = matches!(value, [b'/', ..] | [b'.', b'/', ..] | [b'~', b'/', ..])
        && !value.split(|&byte| byte == b'/').any(is_coined_part);
    let is_file = [
        ".pem", ".key", ".der", ".p12", ".pfx", ".json", ".txt", ".pub", ".crt",
    ]
    .iter()
    .any(|tail| ends_with_any_case(value, tail.as_bytes()));
    is_key && (is_path || is_file)
}

/// A part of a path that no directory is called: base64 has bars in it too.
fn is_coined_part(part: &[u8]) -> bool {
    let is_mixed = part.iter().any(u8::is_ascii_digit) && has_hump(part);
    part.iter().any(|byte| matches!(byte, b'+' | b'=')) || is_mixed && !part.contains(&b'.')
}

/// `${PORTAL_SECRET}` and nothing else: what a template puts there comes later.
fn is_filled_in(value: &[u8]) -> bool {
    matches!(value, [b'$', b'{', b'A'..=b'Z' | b'a'..=b'z' | b'_', name @ .., b'}']
        if name.iter().all(|&byte| is_word(byte) || matches!(byte, b'.' | b'-')))
}

/// `$TOKEN`, `${token}`, `<token>`, `****`, `%s`, `?`, `:password`: a place for a secret, or one that is masked already.
pub(crate) fn is_placeholder(value: &[u8]) -> bool {
    let is_variable = match value {
        [b'$', b'{' | b'(', ..] => true,
        [b'$', b'A'..=b'Z' | b'a'..=b'z' | b'_', name @ ..] => name
            .iter()
            .all(|&byte| is_word(byte) || matches!(byte, b':' | b'.' | b'[' | b']' | b'>' | b'-')),
        _ => false,
    };
    let is_numbered =
        matches!(value, [b'$' | b'@' | b'?', rest @ ..] if rest.iter().all(u8::is_ascii_digit));
    let is_template = value.starts_with(b"{{")
        || value.starts_with(b"<%")
        || matches!(value, [b'{', .., b'}'] if value.len() <= 3)
        || matches!(
            value,
            [b'%', b's' | b'd' | b'v' | b'q' | b'r' | b'('] | [b'%', b'(', ..]
        );
    let is_named = matches!(value, [b'<', name @ ..] if !name.iter().any(u8::is_ascii_digit))
        || matches!(value, [b'%', name @ .., b'%'] if name.iter().all(|&byte| is_word(byte)) && !name.is_empty());
    let is_parameter = matches!(value, [b':', name @ ..] if !name.is_empty() && name.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'_'));
    // `(sensitive value)`, `(not set)`.
    let is_remark = matches!(value, [b'(', word @ .., b')'] | [b'(', word @ ..] if word.len() > 1 && word.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b' '));
    is_variable
        || is_remark
        || is_numbered
        || is_template
        || is_named
        || is_parameter
        || is_punctuation(value)
        || MASKS.has(value)
}

fn is_punctuation(value: &[u8]) -> bool {
    value.iter().all(|byte| byte.is_ascii_punctuation())
        || value
            .chunks_exact(3)
            .all(|sign| sign == "•".as_bytes() || sign == "…".as_bytes())
            && value.len().is_multiple_of(3)
}
/// Words of plain letters, parted by hyphens, bars or dots: never made by a machine.
fn is_lower_words(value: &[u8]) -> bool {
    let value = value.strip_suffix(b"...").unwrap_or(value);
    let is_capitalised = value.iter().skip(1).all(|byte| !byte.is_ascii_uppercase());
    let is_letters = value.iter().all(|byte| {
        byte.is_ascii_alphabetic()
            || matches!(byte, b'-' | b'_' | b'/' | b'.' | b'\'' | b',' | b'!' | b'?')
    });
    is_letters
        && value.len() < 32
        && (is_capitalised || value.iter().all(u8::is_ascii_uppercase) && value.len() < 12)
}

/// `TOKEN`, `FILE]`: what a usage text calls a flag's value.
fn is_metavariable(value: &[u8]) -> bool {
    value
        .iter()
        .all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b']' | b'|'))
}

/// Letters with digits or signs among them, or an upper-case letter inside: no word of a language.
pub(crate) fn is_mixed(value: &[u8]) -> bool {
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

/// The name of an encoding or a hash, which has letters and digits like a secret.
pub(crate) fn names_form(value: &[u8]) -> bool {
    let value = value.strip_suffix(b".").unwrap_or(value);
    let is_version = matches!(value, [b'v' | b'V', rest @ ..] if rest.first().is_some_and(u8::is_ascii_digit) && rest.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.'));
    is_version || FORMS.has(value)
}

/// `Refreshing`, `creating...`: something goes on.
fn is_progress(value: &[u8]) -> bool {
    let word = value.strip_suffix(b"...").unwrap_or(value);
    let is_word = is_name(word) && !has_hump(word);
    is_word
        && (word.len() < value.len()
            || word.len() > 6
                && word.first().is_some_and(u8::is_ascii_uppercase)
                && word.ends_with(b"ing"))
}

/// `password: Path x is required.`: a word of a sentence about it.
fn is_sentence(text: Text<'_>, value: &[u8], start: usize) -> bool {
    const VERBS: [&[u8]; 9] = [
        b" is ",
        b" are ",
        b" was ",
        b" must ",
        b" should ",
        b" cannot ",
        b" may ",
        b" has ",
        b" does ",
    ];
    let end = text.run_most(start, 80, |byte| !matches!(byte, b'\n' | b'"' | b','));
    let rest = text.slice(start, end);
    value.first().is_some_and(u8::is_ascii_uppercase)
        && is_lower_words(value)
        && VERBS
            .iter()
            .any(|verb| rest.windows(verb.len()).any(|part| part == *verb))
}

/// `1.2.3`, `1.27-alpine`: the tag of an image.
fn is_version(value: &[u8]) -> bool {
    let number = value
        .split(|byte| matches!(byte, b'-' | b'+'))
        .next()
        .unwrap_or_default();
    number.contains(&b'.')
        && number.first().is_some_and(u8::is_ascii_digit)
        && number
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

fn is_number(value: &[u8], most: usize) -> bool {
    value.len() <= most && value.iter().all(u8::is_ascii_digit)
}

/// A name of several words in one, as settings and headers have: `consumer_secret`, `x-api-key`. What stands behind it
/// is a value even when it is a plain word.
fn is_setting(text: Text<'_>, pair: Pair) -> bool {
    text.slice(pair.start, pair.end)
        .iter()
        .any(|byte| matches!(byte, b'_' | b'-'))
}

/// `need-auth -> prepare`: from one state to the next.
fn is_change(text: Text<'_>, pair: Pair) -> bool {
    text.ends_any_case(pair.value, b"-> ") || text.ends_any_case(pair.value, "→ ".as_bytes())
}

/// `user=bob`: the text behind a target or a prefix, with pairs of its own.
pub(crate) fn holds_pair(value: &[u8]) -> bool {
    value
        .iter()
        .position(|&byte| byte == b'=')
        .is_some_and(|at| {
            at > 0
                && at + 1 < value.len()
                && value
                    .iter()
                    .take(at)
                    .all(|&byte| is_word(byte) || byte == b'.')
        })
}
