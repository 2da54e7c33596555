//! Brackets: `{…}`, `[…]`, `Name {…}`, `Some(…)`, `("ann", "x")`.

use crate::text::{Text, is_word};

/// How far a structure may reach before its end is no longer looked for.
const MAX_STRUCTURE_BYTES: usize = 16 * 1024;
/// How many lines of a structure may be indented no deeper than its first one.
const MAX_UNDENTED_LINES: usize = 32;
/// How far back the beginning of a structure's first line is looked for, and how far in it may stand.
const MAX_LINE_BYTES: usize = 160;
const MAX_INDENT: usize = 64;

/// The bracket that opens a structure at `at`: `{`, `[`, `Name {`, `Some(`, `path::Name(`.
pub(crate) fn open(text: Text<'_>, at: usize) -> Option<usize> {
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
    let open = match text.at(name_end) {
        b'(' | b'[' | b'{' => name_end,
        b' ' if text.at(name_end + 1) == b'{' => name_end + 1,
        _ => return None,
    };
    let last = text.run_back(name_end, name_end - at, |byte| byte != b':');
    text.at(last).is_ascii_uppercase().then_some(open)
}

/// Where the structure that opens at `open` ends, or the line when it is never closed.
pub(crate) fn end(text: Text<'_>, open: usize) -> usize {
    let mut depth = 0_usize;
    let mut string: Option<usize> = None;
    let mut in_string = false;
    let mut escapes = 0;
    let mut close = None;
    let indent = indent_of(text, open);
    let mut undented = 0;
    text.run_at(open, MAX_STRUCTURE_BYTES, |at, byte| {
        match byte {
            // What goes on below stands deeper, but for a few who do not indent.
            b'\n' if text.run_most(at + 1, indent + 1, |byte| byte == b' ') <= at + 1 + indent => {
                undented += 1;
                if undented > MAX_UNDENTED_LINES {
                    return false;
                }
            }
            b'\\' => {
                escapes += 1;
                return true;
            }
            b'"' => {
                let level = *string.get_or_insert(escapes);
                if escapes < level {
                    close = Some(at - escapes);
                } else if escapes % (2 * (level + 1)) == level {
                    in_string = !in_string;
                }
            }
            b'{' | b'[' | b'(' if !in_string => depth += 1,
            b'}' | b']' | b')' if !in_string => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    close = Some(at + 1);
                }
            }
            _ => {}
        }
        escapes = 0;
        close.is_none()
    });
    close.unwrap_or_else(|| text.line_end(open))
}

/// How far the line is indented that holds `at`, as far as that can be seen.
fn indent_of(text: Text<'_>, at: usize) -> usize {
    let start = text.run_back(at, MAX_LINE_BYTES, |byte| byte != b'\n');
    let indent = text.run_most(start, MAX_INDENT, |byte| byte == b' ') - start;
    if start == 0 || text.back(start, 1) == b'\n' {
        indent
    } else {
        0
    }
}
