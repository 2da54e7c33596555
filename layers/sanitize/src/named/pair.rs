//! A secret name and what parts it from its value: `name=`, `"name": `, `--name `, `<name>`.

use crate::named::item::{argument, inside_type, is_setter, item, tuple, yaml_item};
use crate::named::secret_words::Sort;
use crate::named::separator::Separator;
use crate::text::quote::{self, Quote};
use crate::text::{Text, is_blank, is_word, skip_sgr};

const MAX_SPACES: usize = 40;
const MAX_INDENT: usize = 160;

/// A name, what stood around it, and where its value begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    /// The name itself.
    pub start: usize,
    pub end: usize,
    pub value: usize,
    pub separator: Separator,
    /// How often the sign was percent-encoded.
    pub encoded: u8,
    pub quote: Option<Quote>,
    pub sort: Option<Sort>,
}

/// A word stands behind the name, as in prose, and nothing makes a flag or a tag of it.
#[inline]
pub(crate) fn is_before_word(text: Text<'_>, start: usize, end: usize) -> bool {
    is_blank(text.at(end)) && {
        let mut word = end + 1;
        if is_blank(text.at(word)) {
            word = text.run_most(end, MAX_SPACES, is_blank);
        }
        text.at(word).is_ascii_alphabetic()
            && !matches!(text.back(start, 1), b'<' | b':')
            && text.at(start) != b'-'
    }
}

/// The name `start..end` with what parts it from its value; its sort is not known yet.
pub(crate) fn separated(text: Text<'_>, start: usize, end: usize) -> Option<Pair> {
    if is_before_word(text, start, end) {
        return None;
    }
    let pair = |separator, value, quote| Pair {
        start,
        end,
        value,
        separator,
        encoded: 0,
        quote,
        sort: None,
    };
    let mut at = skip_sgr(text, end);
    let mut closing = None;
    if let Some((quote, inner)) = quote::behind_name(text, start, at) {
        closing = Some((quote, at));
        at = inner;
    }
    // `password[0]=`, `passwords[admin]=`.
    if text.at(at) == b'[' {
        let index = text.run_most(at + 1, 32, is_word);
        at = if text.at(index) == b']' { index } else { at };
    }
    at = text.run_most(at, 3, |byte| matches!(byte, b']' | b'*' | b')'));
    if text.has_any_case(at, b"%5d") {
        at += 3;
    }
    let spaced = skip_sgr(
        text,
        text.run_most(skip_sgr(text, at), MAX_SPACES, is_blank),
    );
    let quote = closing.map(|(quote, _)| quote);
    if let Some((is_colon, after, encoded)) = sign(text, spaced) {
        // PHP and pretty JSON may go on in the next line.
        let is_arrow = text.back(after, 1) == b'>' && text.back(after, 2) == b'=';
        let after = if is_arrow || quote.is_some() {
            text.run_most(after, MAX_SPACES, |byte| byte.is_ascii_whitespace())
        } else {
            after
        };
        let mut value = skip_sgr(
            text,
            text.run_most(skip_sgr(text, after), MAX_SPACES, is_blank),
        );
        // **Password:** in Markdown.
        value = text.run_most(value, 2, |byte| byte == b'*');
        value = text.run_most(value, MAX_SPACES, is_blank);
        value = behind_type(text, value);
        let separator = match is_colon {
            false => Separator::Equals,
            true if value > after => Separator::Colon,
            true => Separator::TightColon,
        };
        return Some(Pair {
            encoded,
            ..pair(separator, value, quote)
        });
    }
    if let Some((_, close)) = closing {
        return item(text, start, close).map(|(separator, value)| pair(separator, value, quote));
    }
    if text.at(at) == b','
        && at == end
        && let Some(value) = tuple(text, start, at).or_else(|| argument(text, start, at))
    {
        return Some(pair(Separator::Item, value, None));
    }
    if at == end
        && (text.at(start).is_ascii_uppercase() || is_setter(text.slice(start, end)))
        && let Some(value) = inside_type(text, at)
    {
        return Some(pair(Separator::Call, value, None));
    }
    if text.at(start) == b'-' && spaced > at && at == end {
        return Some(pair(Separator::Flag, spaced, None));
    }
    if let Some(value) = yaml_item(text, start, at) {
        return Some(pair(Separator::Item, value, None));
    }
    tag(text, start, at).map(|value| pair(Separator::Tag, value, None))
}

/// The sign itself at `at`: is it a colon, what stands behind it, and how often was it percent-encoded?
fn sign(text: Text<'_>, at: usize) -> Option<(bool, usize, u8)> {
    let next = text.at(at + 1);
    let plain = |is_colon, len| Some((is_colon, at + len, 0));
    match text.at(at) {
        b'=' if matches!(next, b'>' | b'=') => plain(false, 2),
        b'=' if next == b'~' => None,
        b'=' => plain(false, 1),
        b':' if next == b'=' => plain(false, 2),
        // LDIF writes base64 behind two.
        b':' if next == b':' && text.at(at + 2) == b' ' => plain(true, 2),
        b':' if next == b':' || text.has(at + 1, b"//") => None,
        b':' => plain(true, 1),
        b'-' if next == b'>' && text.at(at + 2) == b' ' => plain(true, 2),
        0xef if text.has(at, "＝".as_bytes()) => plain(false, "＝".len()),
        0xe2 if text.has(at, "⇒".as_bytes()) => plain(true, "⇒".len()),
        0xef if text.has(at, "：".as_bytes()) => plain(true, "：".len()),
        0xe2 if text.has(at, "→".as_bytes()) => plain(true, "→".len()),
        b'%' => encoded_sign(text, at),
        b'\\' if text.has_any_case(at, b"\\u003d") => plain(false, 6),
        _ => None,
    }
}

/// `%3D` and `%3A`, encoded again too: `%253D`.
fn encoded_sign(text: Text<'_>, at: usize) -> Option<(bool, usize, u8)> {
    let mut code = at + 1;
    let mut times = 1;
    while text.has(code, b"25") && times < MAX_ENCODED {
        code += 2;
        times += 1;
    }
    match (text.at(code), text.at(code + 1)) {
        (b'3', b'D' | b'd') => Some((false, code + 2, times)),
        (b'3', b'A' | b'a') => Some((true, code + 2, times)),
        _ => None,
    }
}

/// How often a text is encoded at most.
const MAX_ENCODED: u8 = 4;

/// Behind what says the type of a value: `!!str x`, `string(8) "x"`, `Some(x)`.
fn behind_type(text: Text<'_>, value: usize) -> usize {
    if text.at(value) == b'!' {
        let tag = text.run_most(value, 16, |byte| byte > b' ');
        return text.run_most(tag, 4, is_blank);
    }
    if text.has(value, b"Some(") {
        // `{:#?}` goes on in the next line.
        let inner = value + b"Some(".len();
        let inner = text.run_most(inner, MAX_INDENT, |byte| byte.is_ascii_whitespace());
        return behind_type(text, inner);
    }
    // Go's `%#v` of a header: `[]string{"x"}`.
    if text.has(value, b"[]string{\"") {
        let inner = value + b"[]string{".len();
        let is_alone = quote::open(text, inner).is_some_and(|(quote, start)| {
            let (end, is_closed) = quote.close(text, start);
            is_closed && text.at(end + quote.len()) == b'}'
        });
        return if is_alone { inner } else { value };
    }
    // R's `chr "x"`.
    if text.has(value, b"chr \"") {
        return value + b"chr ".len();
    }
    if text.has(value, b"string(") {
        let close = text.run_most(value + b"string(".len(), 8, |byte| byte.is_ascii_digit());
        if text.has(close, b") \"") {
            return close + 2;
        }
    }
    value
}

/// Where the text of an XML element begins whose name is `start..end`: `<password>x</password>`.
fn tag(text: Text<'_>, start: usize, end: usize) -> Option<usize> {
    let open = text.run_back(start, 32, |byte| is_word(byte) || byte == b':');
    if text.ends_any_case(open, b"&lt;") && text.has(end, b"&gt;") {
        return Some(end + b"&gt;".len());
    }
    if text.ends_any_case(start, b"\\u003c") && text.has_any_case(end, b"\\u003e") {
        return Some(end + b"\\u003e".len());
    }
    if text.back(start, 1) == b'>' {
        return next_element(text, start, end);
    }
    if text.back(open, 1) != b'<' {
        return None;
    }
    let close = text.run_most(end, 256, |byte| !matches!(byte, b'>' | b'<' | b'\n'));
    let is_open = text.at(close) == b'>'
        && text.back(close, 1) != b'/'
        && (close == end || is_blank(text.at(end)));
    is_open.then_some(close + 1)
}

/// Where the text of the element begins that follows the one whose text is the name: `<key>token</key><string>x`,
/// `<name>token</name> <value>x`.
fn next_element(text: Text<'_>, start: usize, end: usize) -> Option<usize> {
    let tag = [&b"key>"[..], b"name>"]
        .into_iter()
        .find(|tag| text.ends_any_case(start, tag))?;
    let closed = end + b"</".len() + tag.len();
    if !text.has(end, b"</") || !text.has_any_case(end + b"</".len(), tag) {
        return None;
    }
    let open = text.run_most(closed, MAX_INDENT, |byte| byte.is_ascii_whitespace());
    let inner = text.run_most(open + 1, 16, is_word);
    (text.at(open) == b'<' && text.at(inner) == b'>').then_some(inner + 1)
}
