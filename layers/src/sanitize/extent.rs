//! Where a value ends that begins behind a name: a quoted string, a structure, a bare word.

use super::quote;
use super::text::{Text, is_word};

/// A value's inside, without its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub start: usize,
    pub end: usize,
    pub form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Quoted,
    Structure,
    Bare,
}

/// The value stands in a URL's query or fragment, where `&` and `#` end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Around {
    Url,
    Text,
    /// A password, which may hold any sign.
    Password,
}

/// How far a structure may reach before its end is no longer looked for.
const MAX_STRUCTURE_BYTES: usize = 16 * 1024;
const MAX_INDENT: usize = 64;

/// The value that begins at `at`; none when nothing stands there.
pub(super) fn value(text: Text<'_>, at: usize, around: Around) -> Option<Extent> {
    if let Some(block) = block(text, at) {
        return Some(block);
    }
    if let Some(inner) = opened(text, at) {
        let (quote, start) = inner;
        let (end, _) = quote.close(text, start);
        return extent(start, end, Form::Quoted);
    }
    if let Some(open) = structure_open(text, at) {
        let end = balanced(text, open);
        let is_empty = end <= open + 2;
        return if is_empty {
            None
        } else {
            extent(at, bare_end(text, end, around).max(end), Form::Structure)
        };
    }
    extent(at, bare_end(text, at, around), Form::Bare)
}

fn extent(start: usize, end: usize, form: Form) -> Option<Extent> {
    (end > start).then_some(Extent { start, end, form })
}

/// A block of YAML: `|-` or `>`, and the lines below that are indented alike.
fn block(text: Text<'_>, at: usize) -> Option<Extent> {
    if !matches!(text.at(at), b'|' | b'>') {
        return None;
    }
    let is_line_end = |at: usize| {
        let end = text.run_most(at, 2, |byte| byte == b'\r');
        (text.at(end) == b'\n').then_some(end + 1)
    };
    let first = is_line_end(text.run_most(at + 1, 2, |byte| {
        byte.is_ascii_digit() || matches!(byte, b'-' | b'+')
    }))?;
    let indent = |line: usize| text.run_most(line, MAX_INDENT, |byte| byte == b' ') - line;
    let depth = indent(first);
    let start = first + depth;
    let mut end = text.line_end(start);
    while let Some(line) = is_line_end(end)
        && line - at < MAX_STRUCTURE_BYTES
        && indent(line) >= depth
    {
        end = text.line_end(line);
    }
    // A table draws its lines with bars too.
    (depth > 0 && !matches!(text.at(start), b'|' | b'+'))
        .then(|| extent(start, end, Form::Quoted))
        .flatten()
}

/// A quote, or one with the prefix of a byte or raw string.
fn opened(text: Text<'_>, at: usize) -> Option<(quote::Quote, usize)> {
    let prefix = text.run_most(at, 2, |byte| {
        matches!(byte, b'b' | b'r' | b'u' | b'f' | b'N' | b'@' | b'$')
    });
    let prefix = text.run_most(prefix, 2, |byte| byte == b'#');
    quote::open(text, at).or_else(|| quote::open(text, prefix))
}

/// The bracket that opens a structure at `at`: `{`, `[`, `Name {`, `Some(`, `path::Name(`.
fn structure_open(text: Text<'_>, at: usize) -> Option<usize> {
    // A tuple of strings: `auth=("ann", "x")`.
    if text.at(at) == b'(' && matches!(text.at(at + 1), b'"' | b'\'') {
        return Some(at);
    }
    if matches!(text.at(at), b'{' | b'[') {
        return Some(at);
    }
    let name_end = text.run_most(at, 80, |byte| {
        is_word(byte) || matches!(byte, b':' | b'<' | b'>' | b'&')
    });
    let last = text
        .slice(at, name_end)
        .iter()
        .rposition(|&byte| byte == b':');
    let is_type = text
        .at(last.map_or(at, |last| at + last + 1))
        .is_ascii_uppercase();
    if !is_type {
        return None;
    }
    match text.at(name_end) {
        b'(' | b'[' | b'{' => Some(name_end),
        b' ' if text.at(name_end + 1) == b'{' => Some(name_end + 1),
        _ => None,
    }
}

/// Where the structure that opens at `open` ends, or the line when it is never closed.
fn balanced(text: Text<'_>, open: usize) -> usize {
    let limit = open.saturating_add(MAX_STRUCTURE_BYTES).min(text.len());
    let mut depth = 0_usize;
    let mut string: Option<usize> = None;
    let mut in_string = false;
    let mut escapes = 0;
    let mut at = open;
    while at < limit {
        let byte = text.at(at);
        match byte {
            b'\\' => {
                escapes += 1;
                at += 1;
                continue;
            }
            b'"' => {
                let level = *string.get_or_insert(escapes);
                if escapes < level {
                    return at - escapes;
                }
                if escapes % (2 * (level + 1)) == level {
                    in_string = !in_string;
                }
            }
            b'{' | b'[' | b'(' if !in_string => depth += 1,
            b'}' | b']' | b')' if !in_string => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        escapes = 0;
        at += 1;
    }
    text.line_end(open)
}

/// Where a bare value that begins at `start` ends.
pub(super) fn bare_end(text: Text<'_>, start: usize, around: Around) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while at < text.len() {
        let is_end = match text.at(at) {
            0..=b' ' | 0x7f | b'"' | b'\'' | b'`' | b'>' => true,
            b'<' => text.at(at + 1) == b'/',
            b'\\' => ends_at_escape(text, at),
            b'%' => ENCODED_ENDS
                .iter()
                .any(|end| text.has_any_case(at + 1, end)),
            b'#' => around == Around::Url,
            b'&' => {
                around == Around::Url
                    || !text.at(at + 1).is_ascii_graphic()
                    || begins_pair(text, at + 1)
            }
            b',' | b';' | b'|' => around != Around::Password || ends_item(text, at),
            b'(' | b'[' | b'{' => {
                depth += 1;
                false
            }
            b')' | b']' | b'}' => {
                let was_open = depth > 0;
                depth = depth.saturating_sub(1);
                !was_open
            }
            _ => false,
        };
        if is_end {
            break;
        }
        at += 1;
    }
    // The stop of the sentence around it.
    while at > start + 1 && matches!(text.back(at, 1), b'.' | b':') && text.at(at) <= b' ' {
        at -= 1;
    }
    at
}

/// `\n`, `\"`, `\u0022`: the end of the escaped string around the value.
fn ends_at_escape(text: Text<'_>, at: usize) -> bool {
    let after = text.run_most(at, 64, |byte| byte == b'\\');
    matches!(text.at(after), b'"' | b'\'' | b'n' | b'r' | b't') || text.has(after, b"u00")
}

/// A comma, semicolon or bar ends the value, unless it stands inside one (`p,w`).
fn ends_item(text: Text<'_>, at: usize) -> bool {
    let next = text.at(at + 1);
    next <= b' '
        || next == 0x7f
        || matches!(
            next,
            b'"' | b'\''
                | b'\\'
                | b'['
                | b'{'
                | b'('
                | b')'
                | b']'
                | b'}'
                | b'|'
                | b';'
                | b','
                | 0x1b
        )
        || begins_pair(text, at + 1)
}

/// Does `name=` or `name:` begin at `at`?
fn begins_pair(text: Text<'_>, at: usize) -> bool {
    let end = text.run_most(at, 64, |byte| {
        is_word(byte) || matches!(byte, b'-' | b'.' | b'[' | b']' | b'%')
    });
    end > at && matches!(text.at(end), b'=' | b':' | b'"' | b'\'')
}

const ENCODED_ENDS: [&[u8]; 9] = [
    b"26", b"22", b"20", b"0a", b"0d", b"3b", b"2c", b"7d", b"5d",
];
