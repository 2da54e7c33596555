//! Keywords of a statement, as SQL writes them, and what parts them.

use crate::text::{Text, is_blank};

/// Is the keyword `start..end` one of a statement and not of prose: written large, or behind what makes or changes a user?
pub(crate) fn is_statement(text: Text<'_>, start: usize, end: usize) -> bool {
    const VERBS: [&[u8]; 8] = [
        b"create user",
        b"alter user",
        b"create role",
        b"alter role",
        b"create%20user",
        b"alter%20user",
        b"create+user",
        b"alter+user",
    ];
    let is_large = text
        .slice(start, end)
        .iter()
        .all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
    is_large || {
        let from = text.run_back(start, MAX_STATEMENT_BYTES, |byte| byte != b'\n');
        let before = text.slice(from, start);
        VERBS.iter().any(|verb| {
            before
                .windows(verb.len())
                .any(|part| part.eq_ignore_ascii_case(verb))
        })
    }
}

/// Behind the spaces at `at`, plain or as a URL writes them.
pub(crate) fn gap_end(text: Text<'_>, at: usize) -> Option<usize> {
    let mut end = text.run_most(at, 8, |byte| {
        is_blank(byte) || matches!(byte, b'\n' | b'\r')
    });
    if end == at {
        end = text.run_most(at, 2, |byte| byte == b'+');
        while text.has(end, b"%20") || text.has(end, b"%09") {
            end += 3;
        }
    }
    (end > at).then_some(end)
}

/// How far before its secret a statement begins.
const MAX_STATEMENT_BYTES: usize = 160;
