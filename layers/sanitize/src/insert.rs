//! Secret columns of an SQL insert: `INSERT INTO users (name, password) VALUES ('ann', 'x')`.

use super::extent::{self, Around};
use super::key::KeyClass;
use super::policy::Compiled;
use super::quote;
use super::rule::{Place, Rule};
use super::samples::Samples;
use super::span::Span;
use super::text::{Text, is_word};

/// How long the list of columns may be, and a value that is no string.
const MAX_LIST_BYTES: usize = 1024;
/// How many rows of values are looked at; a logged statement with more is cut long before.
const MAX_ROWS: usize = 64;

/// `start..end` is `VALUES`: the columns stand before it, the values behind it.
pub(super) fn scan(
    text: Text<'_>,
    rules: &Compiled,
    start: usize,
    end: usize,
    mut found: impl FnMut(Span),
) {
    let close = text.run_back(start, 8, |byte| byte.is_ascii_whitespace());
    if text.back(close, 1) != b')' {
        return;
    }
    let open = text.run_back(close - 1, MAX_LIST_BYTES, |byte| {
        byte != b'(' && byte != b')'
    });
    let is_secret = |name: &str| {
        let name = name.trim_matches(|letter: char| !letter.is_alphanumeric());
        rules.keys.class(name).0 == KeyClass::Secret
    };
    let columns = text.str(open, close - 1);
    if text.back(open, 1) != b'(' || !columns.split(',').any(is_secret) {
        return;
    }
    let mut row = end;
    for _ in 0..MAX_ROWS {
        let list = text.run_most(row, 16, |byte| byte.is_ascii_whitespace() || byte == b',');
        if text.at(list) != b'(' {
            return;
        }
        row = list + 1;
        for column in columns.split(',') {
            let at = text.run_most(row, 16, |byte| byte.is_ascii_whitespace());
            row = item_end(text, at);
            if is_secret(column)
                && let Some(value) = extent::value_within(text, at, row, Around::Free)
                && is_value(text, value.start)
            {
                found(Span {
                    start: value.start,
                    end: value.end.min(row),
                    rule: Rule::Key,
                    pattern: 0,
                });
            }
            row += usize::from(matches!(text.at(row), b',' | b')'));
        }
    }
}

/// A value, not a place for one (`?`, `$1`, `:password`, `%s`), nothing (`NULL`), or what another rule left.
fn is_value(text: Text<'_>, at: usize) -> bool {
    !matches!(text.at(at), b'?' | b'$' | b':' | b'%' | b'@' | b'[')
        && !text.has_any_case(at, b"null")
}

/// Where the item of a list that begins at `at` ends.
fn item_end(text: Text<'_>, at: usize) -> usize {
    let prefix = at + usize::from(text.at(at) == b'N' && !is_word(text.at(at + 1)));
    if let Some((quote, inner)) = quote::open(text, prefix) {
        let (end, closed) = quote.close(text, inner);
        return end + if closed { quote.len() } else { 0 };
    }
    text.run_most(at, MAX_LIST_BYTES, |byte| {
        !matches!(byte, b',' | b')' | b'\n')
    })
}

pub(super) const SAMPLES: Samples = Samples {
    rule: Rule::Key,
    place: Place::Message,
    taken: &[
        (
            "INSERT INTO users (name, password) VALUES ('ann', 'x')",
            "INSERT INTO users (name, password) VALUES ('ann', '[REDACTED]')",
        ),
        (
            "insert into t (api_key,n) values ('k1',2), ('k2',3)",
            "insert into t (api_key,n) values ('[REDACTED]',2), ('[REDACTED]',3)",
        ),
        (
            r#"INSERT INTO "t" ("token") VALUES (N'x')"#,
            r#"INSERT INTO "t" ("token") VALUES (N'[REDACTED]')"#,
        ),
        (
            "(id, ssn, n) VALUES (1, 123456789, 2)",
            "(id, ssn, n) VALUES (1, [REDACTED], 2)",
        ),
        (
            "(`secret`) VALUES\n('it''s')",
            "(`secret`) VALUES\n('[REDACTED]')",
        ),
    ],
    kept: &[
        "INSERT INTO users (name, password) VALUES (?, ?)",
        "INSERT INTO users (name, age) VALUES ('ann', 4)",
        "INSERT INTO t (password) VALUES ($1)",
        "INSERT INTO t (password) VALUES (NULL)",
        "the values (of a token) values",
        "INSERT INTO t (n, password) VALUES (1, :password)",
    ],
};
