//! What stands below a secret name: a block of YAML, a section of TOML or ini.

use crate::marker::Markers;
use crate::named::extent::form::{Extent, Form};
use crate::named::pair::Pair;
use crate::named::secret_words::Sort;
use crate::text::is_blank;
use crate::text::{Text, is_word};

/// How far a block may reach before its end is no longer looked for.
const MAX_BLOCK_BYTES: usize = 16 * 1024;
/// How long a block may be that is looked through for signs of its harmlessness.
const MAX_HARMLESS_BYTES: usize = 1024;
const MAX_INDENT: usize = 64;
/// Longest comment behind a key.
const MAX_COMMENT_BYTES: usize = 256;

/// The block below a key whose line holds nothing behind its colon: a scalar behind `|` or `>`, a map, a list, a word.
pub(crate) fn below(text: Text<'_>, markers: &Markers, pair: Pair) -> Option<Extent> {
    let Pair {
        start, value, sort, ..
    } = pair;
    let (first, is_scalar) = head_end(text, value)?;
    let indent = key_indent(text, start);
    if !is_scalar && indent.is_none() {
        return None;
    }
    // Behind anything else in its line only an indicator makes a block, and its first line says how deep.
    let least = match indent {
        Some(indent) => indent + 1,
        None => 1,
    };
    let first = blank_lines_end(text, first);
    let depth = indent_of(text, first);
    let is_list = |line: usize, depth: usize| {
        text.at(line + depth) == b'-' && is_blank(text.at(line + depth + 1))
    };
    let is_own_list = !is_scalar && depth + 1 == least && is_list(first, depth);
    if depth < least && !is_own_list {
        return None;
    }
    let content = first + depth;
    // A table draws its lines with bars too.
    if is_scalar && matches!(text.at(content), b'|' | b'+') {
        return None;
    }
    if !is_scalar && !begins_yaml(text, content) {
        return None;
    }
    // How to log in is mostly settings; what is secret of it has a name of its own.
    if !is_scalar && sort == Some(Sort::Auth) && text.at(content) != b'-' {
        return None;
    }
    let mut end = text.line_end(content);
    let mut line = next_line(text, end);
    while let Some(at) = line
        && at - value < MAX_BLOCK_BYTES
    {
        let filled = blank_lines_end(text, at);
        let depth_here = indent_of(text, filled);
        let is_inside = match indent {
            Some(_) if is_own_list => {
                depth_here >= least || depth_here == depth && is_list(filled, depth_here)
            }
            Some(_) => depth_here >= least,
            None => depth_here >= depth,
        };
        if !is_inside || filled >= text.len() {
            break;
        }
        end = text.line_end(filled);
        line = next_line(text, end);
    }
    let is_harmless = !is_scalar
        && end - content < MAX_HARMLESS_BYTES
        && is_harmless(text.slice(content, end), sort);
    extent(text, markers, content, end, is_harmless)
}

/// The section below `[start..end]`, when `name = value` lines follow: up to the next section.
pub(crate) fn section(
    text: Text<'_>,
    markers: &Markers,
    sort: Option<Sort>,
    start: usize,
    end: usize,
) -> Option<Extent> {
    let open = text.run_back(start, 96, |byte| {
        is_word(byte) || matches!(byte, b'.' | b'[' | b'-')
    });
    let is_first = open == 0 || matches!(text.back(open, 1), b'\n' | b'\r');
    let close = text.run_most(end, 2, |byte| byte == b']');
    if !is_first || close == end || text.at(open) != b'[' || sort == Some(Sort::Auth) {
        return None;
    }
    let first = next_line(text, text.run_most(close, 8, is_blank))?;
    let content = first + indent_of(text, first);
    let mut end = content;
    let mut line = Some(first);
    while let Some(at) = line
        && at - start < MAX_BLOCK_BYTES
    {
        let filled = blank_lines_end(text, at);
        let inside = filled + indent_of(text, filled);
        if !is_setting(text, inside) {
            break;
        }
        end = text.line_end(inside);
        line = next_line(text, end);
    }
    if end == content {
        return None;
    }
    let is_harmless =
        end - content < MAX_HARMLESS_BYTES && is_harmless(text.slice(content, end), sort);
    extent(text, markers, content, end, is_harmless)
}

fn extent(
    text: Text<'_>,
    markers: &Markers,
    content: usize,
    end: usize,
    is_harmless: bool,
) -> Option<Extent> {
    let is_done = markers.end(text, content) == Some(end);
    (end > content && !is_harmless && !is_done).then_some(Extent {
        start: content,
        end,
        form: Form::Quoted,
    })
}

/// Where the line below a key begins, when the key's own holds no more than an indicator and a comment, and whether it holds
/// an indicator.
fn head_end(text: Text<'_>, value: usize) -> Option<(usize, bool)> {
    let is_scalar = matches!(text.at(value), b'|' | b'>');
    let mut at = value;
    if is_scalar {
        at = text.run_most(at + 1, 2, |byte| {
            byte.is_ascii_digit() || matches!(byte, b'-' | b'+')
        });
    }
    let blank = text.run_most(at, 16, is_blank);
    let is_comment = text.at(blank) == b'#' && (blank > at || text.back(at, 1) == b' ');
    let end = if is_comment {
        text.run_most(blank, MAX_COMMENT_BYTES, |byte| {
            !matches!(byte, b'\n' | b'\r')
        })
    } else {
        blank
    };
    next_line(text, end).map(|line| (line, is_scalar))
}

/// How far in the key stands that begins at `start`; none when anything but a list's dash, a diff's sign or a quote stands
/// before it in its line.
fn key_indent(text: Text<'_>, start: usize) -> Option<usize> {
    let start = start - usize::from(matches!(text.back(start, 1), b'"' | b'\''));
    let line = text.run_back(start, MAX_INDENT, |byte| {
        matches!(byte, b' ' | b'-' | b'+' | b'~')
    });
    let is_first = line == 0 || matches!(text.back(line, 1), b'\n' | b'\r');
    is_first.then_some(start - line)
}

/// Blanks, and a diff's sign at the beginning of the line.
fn indent_of(text: Text<'_>, line: usize) -> usize {
    let sign = usize::from(
        matches!(text.at(line), b'+' | b'-')
            && text.at(line + 1) == b' '
            && text.at(line + 2) == b' ',
    );
    text.run_most(line + sign, MAX_INDENT, |byte| byte == b' ') - line
}

/// Behind the line end at `at`; none when none stands there.
fn next_line(text: Text<'_>, at: usize) -> Option<usize> {
    let end = text.run_most(at, 2, |byte| byte == b'\r');
    (text.at(end) == b'\n').then_some(end + 1)
}

/// Where the first line begins that is not blank.
fn blank_lines_end(text: Text<'_>, line: usize) -> usize {
    let filled = text.run_most(line, MAX_BLOCK_BYTES, |byte| byte.is_ascii_whitespace());
    let start = text.run_back(filled, filled - line, |byte| byte != b'\n');
    start.max(line)
}

/// A list's item, `name: value`, or one word that is no prose.
fn begins_yaml(text: Text<'_>, at: usize) -> bool {
    if text.at(at) == b'-' && is_blank(text.at(at + 1)) {
        return true;
    }
    let quoted = at + usize::from(matches!(text.at(at), b'"' | b'\''));
    let name = text.run_most(quoted, 64, |byte| {
        is_word(byte) || matches!(byte, b'-' | b'.' | b'/')
    });
    let after = name + usize::from(matches!(text.at(name), b'"' | b'\''));
    let is_pair = name > quoted && text.at(after) == b':' && text.at(after + 1) <= b' ';
    let end = text.line_end(at);
    let word = text.slice(at, end);
    let is_word = word.len() > 3
        && !word.contains(&b' ')
        && word.iter().any(u8::is_ascii_digit)
        && word.iter().any(u8::is_ascii_alphabetic)
        && !word.ends_with(b":");
    is_pair || is_word
}

/// `name = value` of TOML and ini, or a comment.
fn is_setting(text: Text<'_>, at: usize) -> bool {
    if matches!(text.at(at), b'#' | b';') {
        return true;
    }
    let name = text.run_most(at, 64, |byte| {
        is_word(byte) || matches!(byte, b'-' | b'.' | b'"')
    });
    let sign = text.run_most(name, 16, is_blank);
    name > at && text.at(sign) == b'=' && text.at(sign + 1) != b'='
}

/// Settings that name things and hold none: `secrets:` with `name: db`, `[auth]` with `method = "basic"`.
fn is_harmless(block: &[u8], sort: Option<Sort>) -> bool {
    const HARMLESS: [&[u8]; 32] = [
        b"name",
        b"namespace",
        b"key",
        b"file",
        b"path",
        b"external",
        b"source",
        b"target",
        b"optional",
        b"enabled",
        b"type",
        b"method",
        b"mode",
        b"provider",
        b"driver",
        b"url",
        b"host",
        b"port",
        b"timeout",
        b"expires",
        b"ttl",
        b"algorithm",
        b"issuer",
        b"helper",
        b"environment",
        b"description",
        b"version",
        b"uid",
        b"gid",
        b"mountpath",
        b"secretname",
        b"required",
    ];
    block.split(|&byte| byte == b'\n').all(|line| {
        let line = line.trim_ascii();
        let line = line.strip_prefix(b"- ").unwrap_or(line).trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            return true;
        }
        let Some(sign) = line.iter().position(|byte| matches!(byte, b':' | b'=')) else {
            // A list of names of variables.
            return line
                .iter()
                .all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
        };
        let (name, value) = line.split_at(sign);
        let name = name.trim_ascii();
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let is_nothing = matches!(value, b"" | b"true" | b"false" | b"null" | b"~");
        let is_one_of =
            |known: &[&[u8]]| known.iter().any(|known| name.eq_ignore_ascii_case(known));
        let is_count =
            sort == Some(Sort::Tokens) && value.len() <= 8 && value.iter().all(u8::is_ascii_digit);
        is_nothing || is_count || is_one_of(&HARMLESS)
    })
}
