//! Logins that are no URL: `name/secret@host`, as Oracle's tools and drivers write it (`sqlplus scott/x@db`,
//! `scott/x@//db:1521/xe`), `name:secret@tcp(host)`, as Go's drivers do, and `a1 LOGIN name secret` of IMAP.

use super::extent::{self, Around};
use super::prose;
use super::rule::{Place, Rule};
use super::samples::Samples;
use super::span::Seen;
use super::text::{Text, is_word};

const MAX_LOGIN_BYTES: usize = 128;

/// `start..end` is `@//` or `@tcp(`, which end a login, or what one begins behind: `oracle:thin:`, `sqlplus `, ` LOGIN `.
pub(super) fn scan(text: Text<'_>, start: usize, end: usize) -> Seen {
    if text.at(start) == b' ' {
        return scan_imap(text, start, end);
    }
    if text.back(end, 1) == b'(' {
        return scan_call(text, start);
    }
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

/// `ann:x@tcp(db:3306)/app`; `sign` is the `@`.
fn scan_call(text: Text<'_>, sign: usize) -> Seen {
    let from = text.run_back(sign, MAX_LOGIN_BYTES, |byte| {
        byte > b' ' && !matches!(byte, b'"' | b'\'' | b'`' | b'=')
    });
    let colon = text.run_most(from, sign - from, |byte| {
        is_word(byte) || b".-@%".contains(&byte)
    });
    let secret = colon + 1;
    // In a URL it is the userinfo, and another rule's.
    if text.at(colon) != b':'
        || colon == from
        || secret >= sign
        || text.has(colon, b"://")
        || text.back(sign, 1) == b']'
        || prose::is_placeholder(text.slice(secret, sign))
    {
        return Seen::Nothing;
    }
    Seen::found(Rule::Key, secret, sign)
}

/// `a1 LOGIN ann x` to the end of its line; `start..end` is ` LOGIN `, in any case.
fn scan_imap(text: Text<'_>, start: usize, end: usize) -> Seen {
    let tag = text.run_back(start, MAX_TAG_BYTES, |byte| byte.is_ascii_alphanumeric());
    let has_tag = text.slice(tag, start).iter().any(u8::is_ascii_digit);
    if !has_tag || !text.has(start, b" LOGIN ") {
        return Seen::Nothing;
    }
    let word = |from| text.run_most(from, MAX_LOGIN_BYTES, |byte| byte > b' ');
    let user_end = word(end);
    let secret = user_end + 1;
    let secret_end = word(secret);
    let is_last = matches!(text.at(secret_end), 0 | b'\r' | b'\n');
    if user_end == end || text.at(user_end) != b' ' || secret_end == secret || !is_last {
        return Seen::Nothing;
    }
    match text.slice(secret, secret_end) {
        [b'"', inner @ .., b'"'] if !inner.is_empty() && !prose::is_placeholder(inner) => {
            Seen::found(Rule::Key, secret + 1, secret_end - 1)
        }
        bare if prose::is_mixed(bare) && !prose::is_placeholder(bare) => {
            Seen::found(Rule::Key, secret, secret_end)
        }
        _ => Seen::Nothing,
    }
}

/// Longest tag of an IMAP command that is looked for.
const MAX_TAG_BYTES: usize = 8;

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
        (
            "jdbc:oracle:thin:scott/s3same@db.example.com:1521:xe",
            "jdbc:oracle:thin:scott/[REDACTED]@db.example.com:1521:xe",
        ),
        (
            "dsn=ann:s3:s@me@tcp(db.example.com:3306)/app",
            "dsn=ann:[REDACTED]@tcp(db.example.com:3306)/app",
        ),
        (
            "open ann:s3same@unix(/run/db.sock)/app failed",
            "open ann:[REDACTED]@unix(/run/db.sock)/app failed",
        ),
        ("C: a1 LOGIN ann s3same", "C: a1 LOGIN ann [REDACTED]"),
        (
            "A002 LOGIN \"ann\" \"same\"\r\n",
            "A002 LOGIN \"ann\" \"[REDACTED]\"\r\n",
        ),
    ],
    kept: &[
        "sqlplus /nolog",
        "sqlplus scott@db",
        "jdbc:oracle:thin:@db:1521:xe",
        "sqlplus: started",
        "see src/x @// here",
        "dsn=ann@tcp(db:3306)/app",
        "dsn=ann:$PASS@tcp(db:3306)/app",
        "listen @tcp(7)",
        "v2 LOGIN page loaded",
        "the login failed twice4",
        "a1 LOGIN failed",
    ],
};
