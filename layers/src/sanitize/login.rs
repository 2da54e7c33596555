//! `name/secret@host`, as Oracle's tools and drivers write a login: `sqlplus scott/x@db`, `scott/x@//db:1521/xe`.

use super::extent::{self, Around};
use super::prose;
use super::rule::{Place, Rule};
use super::samples::Samples;
use super::span::Seen;
use super::text::{Text, is_word};

const MAX_LOGIN_BYTES: usize = 128;

/// `start..end` is `@//`, which ends a login, or what one begins behind: `oracle:thin:`, `sqlplus `.
pub(super) fn scan(text: Text<'_>, start: usize, end: usize) -> Seen {
    let (from, sign) = if text.at(start) == b'@' {
        (text.run_back(start, MAX_LOGIN_BYTES, is_part), start)
    } else {
        let from = text.run_most(end, 4, |byte| byte == b' ');
        (
            from,
            text.run_most(from, MAX_LOGIN_BYTES, |byte| is_part(byte) && byte != b'@'),
        )
    };
    let slash = text.run_most(from, sign - from, |byte| is_word(byte) || byte == b'.');
    let secret = slash + 1;
    let is_login = slash > from && text.at(slash) == b'/' && text.at(sign) == b'@' && secret < sign;
    if !is_login
        || text.back(sign, 1) == b']'
        || prose::is_placeholder(text.slice(secret, sign))
        || extent::bare_end(text, secret, Around::Password) < sign
    {
        return Seen::Nothing;
    }
    Seen::found(Rule::Key, secret, sign)
}

fn is_part(byte: u8) -> bool {
    byte > b' ' && !matches!(byte, b'"' | b'\'' | b'=' | b',' | b'(' | b':' | b'`')
}

pub(super) const SAMPLES: Samples = Samples {
    rule: Rule::Key,
    place: Place::Message,
    taken: &[
        (
            "sqlplus scott/s3same@db @run.sql",
            "sqlplus scott/[REDACTED]@db @run.sql",
        ),
        (
            "connect scott/s3same@//db:1521/xe",
            "connect scott/[REDACTED]@//db:1521/xe",
        ),
        (
            "jdbc:oracle:thin:scott/s3same@db:1521:xe",
            "jdbc:oracle:thin:scott/[REDACTED]@db:1521:xe",
        ),
        (
            r#"dsn="scott/s3same@//db/xe""#,
            r#"dsn="scott/[REDACTED]@//db/xe""#,
        ),
        (
            "jdbc:oracle:thin:scott/s3same@//db/xe",
            "jdbc:oracle:thin:scott/[REDACTED]@//db/xe",
        ),
    ],
    kept: &[
        "sqlplus /nolog",
        "sqlplus scott@db",
        "jdbc:oracle:thin:@db:1521:xe",
        "sqlplus: started",
        "see src/x @// here",
    ],
};
