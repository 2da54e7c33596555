//! `user:password@` in a URL. Scheme, host and path stay.

use crate::marker::Markers;
use crate::rule::scanner::{Samples, Scanner};
use crate::rule_names::{Place, Rule};
use crate::text::span::Seen;
use crate::text::{Bytes, Text};

/// `end` is behind `://` or `:\/\/`.
fn scan(text: Text<'_>, markers: &Markers, start: usize, end: usize) -> Seen {
    if !(text.back(start, 1).is_ascii_alphanumeric()
        || matches!(text.back(start, 1), b'+' | b'-' | b'.'))
    {
        return Seen::Nothing;
    }
    static AUTHORITY: Bytes = Bytes::dark_without(b"/?#\"'\\<>`");
    let authority_end = text.run(end, |byte| AUTHORITY.has(byte));
    let sign = text
        .slice(end, authority_end)
        .iter()
        .rposition(|&byte| byte == b'@');
    // A password may hold `/`, `?` and `#` although it must not: then the sign lies behind them.
    let Some(sign) = sign.map(|sign| end + sign) else {
        return late(text, end, authority_end);
    };
    let userinfo = text.slice(end, sign);
    let is_done = markers.end(text, end) == Some(sign);
    let is_placeholder =
        matches!(userinfo, b"" | b"git") || text.slice(end, authority_end).starts_with(b"$");
    if is_done || is_placeholder {
        return Seen::NothingBefore(authority_end);
    }
    Seen::found(Rule::Userinfo, end, sign)
}

/// The authority ended at a delimiter that may belong to the password: `redis://:p/w@host`.
fn late(text: Text<'_>, start: usize, authority_end: usize) -> Seen {
    let authority = text.slice(start, authority_end);
    let password = authority.split(|&byte| byte == b':').nth(1);
    let is_port = |password: &[u8]| !password.is_empty() && password.iter().all(u8::is_ascii_digit);
    if password.is_none_or(is_port) || !matches!(text.at(authority_end), b'/' | b'?' | b'#') {
        return Seen::NothingBefore(authority_end);
    }
    static LATE: Bytes = Bytes::dark_without(b"\"'\\<>`&=");
    let end = text.run_most(authority_end, MAX_LATE_BYTES, |byte| LATE.has(byte));
    let rest = text.slice(authority_end, end);
    match rest.iter().rposition(|&byte| byte == b'@') {
        Some(sign) if rest.get(sign + 1).is_some_and(u8::is_ascii_alphanumeric) => {
            Seen::found(Rule::Userinfo, start, authority_end + sign)
        }
        // Whatever authority begins and ends in here has no sign either.
        _ => Seen::NothingBefore(
            authority_end + rest.iter().rposition(|&byte| byte == b'/').unwrap_or(0),
        ),
    }
}

/// How far behind a delimiter a password may go on.
const MAX_LATE_BYTES: usize = 128;

pub(crate) static SCANNER: Scanner = Scanner {
    rule: Rule::Userinfo,
    literals: &["://", ":\\/\\/"],
    is_exact: false,
    find: |cx, hit| scan(cx.text, cx.markers, hit.start, hit.end),
    samples: Some(&SAMPLES),
};

const SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        (
            "postgres://ann:s3same@db.example.com:5432/app",
            "postgres://[REDACTED:userinfo]@db.example.com:5432/app",
        ),
        (
            "https://x-access-token@git.example.com/r.git",
            "https://[REDACTED:userinfo]@git.example.com/r.git",
        ),
        (
            r#"{"u":"https:\/\/ann:pw@host\/p"}"#,
            r#"{"u":"https:\/\/[REDACTED:userinfo]@host\/p"}"#,
        ),
        (
            "redis://:p@ss@cache:6379/0",
            "redis://[REDACTED:userinfo]@cache:6379/0",
        ),
        (
            "amqp://u:a/b@mq/vhost",
            "amqp://[REDACTED:userinfo]@mq/vhost",
        ),
    ],
    kept: &[
        "https://example.com/@ann/post",
        "https://example.com:8080/a@b",
        "ssh://git@example.com/r.git",
        "http://localhost:3000/",
        "see https://docs.rs/tokio?x=@1",
    ],
};
