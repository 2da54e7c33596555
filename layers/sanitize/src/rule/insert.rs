//! Secret columns of an SQL insert: `INSERT INTO users (name, password) VALUES ('ann', 'x')`.

use crate::named::extent::{self, Around};
use crate::named::key::KeyClass;
use crate::rule::scanner::{Context, Hit, Samples, Scanner};
use crate::rule_names::{Place, Rule};
use crate::text::quote;
use crate::text::span::{Seen, Span};
use crate::text::{Text, is_word};

/// How long the list of columns may be, and a value that is no string.
const MAX_LIST_BYTES: usize = 1024;
/// How many rows of values are looked at; a logged statement with more is cut long before.
const MAX_ROWS: usize = 64;

/// `start..end` is `VALUES`: the columns stand before it, the values behind it.
fn scan(cx: &mut Context<'_, '_>, Hit { start, end, .. }: Hit) -> Seen {
    let (text, keys) = (cx.text, cx.keys);
    let close = text.run_back(start, 8, |byte| byte.is_ascii_whitespace());
    if text.back(close, 1) != b')' {
        return Seen::Nothing;
    }
    let open = text.run_back(close - 1, MAX_LIST_BYTES, |byte| {
        byte != b'(' && byte != b')'
    });
    let is_secret = |name: &str| {
        let name = name.trim_matches(|letter: char| !letter.is_alphanumeric());
        keys.class(name).0 == KeyClass::Secret
    };
    let columns = text.str(open, close - 1);
    if text.back(open, 1) != b'(' || !columns.split(',').any(is_secret) {
        return Seen::Nothing;
    }
    let mut row = end;
    for _ in 0..MAX_ROWS {
        let list = text.run_most(row, 16, |byte| byte.is_ascii_whitespace() || byte == b',');
        if text.at(list) != b'(' {
            return Seen::Nothing;
        }
        row = list + 1;
        for column in columns.split(',') {
            let at = text.run_most(row, 16, |byte| byte.is_ascii_whitespace());
            row = item_end(text, at);
            if is_secret(column)
                && let Some(value) = extent::value_within(text, at, row, Around::Free)
                && is_value(text, value.start)
            {
                cx.spans.push(Span {
                    start: value.start,
                    end: value.end.min(row),
                    rule: Rule::Key,
                    pattern: 0,
                });
            }
            row += usize::from(matches!(text.at(row), b',' | b')'));
        }
    }
    Seen::Nothing
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

pub(crate) static SCANNER: Scanner = Scanner {
    rule: Rule::Key,
    literals: &["values"],
    is_exact: false,
    find: |cx, hit| scan(cx, hit),
    samples: Some(&SAMPLES),
};

const SAMPLES: Samples = Samples {
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
