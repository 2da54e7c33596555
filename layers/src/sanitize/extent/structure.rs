//! Brackets: `{…}`, `[…]`, `Name {…}`, `Some(…)`, `("ann", "x")`.

use super::{Text, is_word};

/// How far a structure may reach before its end is no longer looked for.
const MAX_STRUCTURE_BYTES: usize = 16 * 1024;

/// The bracket that opens a structure at `at`: `{`, `[`, `Name {`, `Some(`, `path::Name(`.
pub(super) fn open(text: Text<'_>, at: usize) -> Option<usize> {
    // A tuple of strings: `auth=("ann", "x")`.
    if text.at(at) == b'(' && matches!(text.at(at + 1), b'"' | b'\'') {
        return Some(at);
    }
    // Go's `[]string{"x", "y"}`.
    if text.has(at, b"[]") && text.at(at + 2).is_ascii_alphabetic() {
        let name_end = text.run_most(at + 2, 80, is_word);
        return (text.at(name_end) == b'{').then_some(name_end);
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
pub(super) fn end(text: Text<'_>, open: usize) -> usize {
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
                    text.charge(at - open);
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
                    text.charge(at - open);
                    return at + 1;
                }
            }
            _ => {}
        }
        escapes = 0;
        at += 1;
    }
    text.charge(at.saturating_sub(open));
    text.line_end(open)
}
