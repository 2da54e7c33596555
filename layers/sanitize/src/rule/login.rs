//! Logins that are no URL: `name/secret@host`, as Oracle's tools and drivers write it (`sqlplus scott/x@db`,
//! `scott/x@//db:1521/xe`), `name:secret@tcp(host)`, as Go's drivers do, and `a1 LOGIN name secret` of IMAP.

use crate::named::extent::{self, Around};
use crate::named::prose;
use crate::rule::dialogue;
use crate::rule::scanner::{Samples, Scanner};
use crate::rule_names::{Place, Rule};
use crate::text::quote;
use crate::text::span::Seen;
use crate::text::{Text, is_word};

const MAX_LOGIN_BYTES: usize = 128;

/// `start..end` is `@//` or `@tcp(`, which end a login, or what one begins behind: `oracle:thin:`, `sqlplus `, ` LOGIN `.
fn scan(text: Text<'_>, start: usize, end: usize) -> Seen {
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
        || !extent::is_bare(text, secret, sign, Around::Free)
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
    let user = imap_string(text, end);
    let Some(user) = user.filter(|user| text.at(user.behind) == b' ') else {
        return Seen::Nothing;
    };
    let Some(secret) = imap_string(text, user.behind + 1) else {
        return Seen::Nothing;
    };
    let is_last = matches!(
        text.at(secret.behind),
        0 | b'\r' | b'\n' | b'"' | b'\'' | b'\\'
    );
    let value = text.slice(secret.start, secret.end);
    let is_secret = secret.is_certain || prose::is_mixed(value);
    if is_last
        && is_secret
        && !value.is_empty()
        && !prose::is_placeholder(value)
        && text.at(secret.start) != b'['
    {
        Seen::found(Rule::Key, secret.start, secret.end)
    } else {
        Seen::Nothing
    }
}

/// A string of IMAP: a word, a quoted string, or a literal in the next line (`{7}`).
struct ImapString {
    start: usize,
    end: usize,
    behind: usize,
    /// No word of prose.
    is_certain: bool,
}

fn imap_string(text: Text<'_>, at: usize) -> Option<ImapString> {
    if let Some((quote, start)) = quote::open(text, at) {
        let (end, is_closed) = quote.close(text, start);
        return is_closed.then(|| ImapString {
            start,
            end,
            behind: end + quote.len(),
            is_certain: true,
        });
    }
    if text.at(at) == b'{' {
        let digits = text.run_most(at + 1, 4, |byte| byte.is_ascii_digit());
        let len: usize = text.str(at + 1, digits).parse().ok()?;
        let close = text.run_most(digits, 2, |byte| matches!(byte, b'+' | b'}'));
        let mut line = dialogue::line_break(text, close)?;
        // The server asks for it in between, and a log says whose line it is.
        let prefix = |line| {
            text.run_most(line, 4, |byte| {
                matches!(byte, b'S' | b'C' | b':' | b' ' | b'>' | b'<')
            })
        };
        if text.at(prefix(line)) == b'+' {
            let end = text.run_most(line, 80, |byte| !matches!(byte, b'\n' | b'\r' | b'\\'));
            line = dialogue::line_break(text, end)?;
        }
        let start = match text.at(line) {
            b'C' | b'>' => prefix(line),
            _ => line,
        };
        return Some(ImapString {
            start,
            end: start + len,
            behind: start + len,
            is_certain: true,
        });
    }
    let end = text.run_most(at, MAX_LOGIN_BYTES, |byte| {
        byte > b' ' && !matches!(byte, b'"' | b'\\')
    });
    (end > at).then_some(ImapString {
        start: at,
        end,
        behind: end,
        is_certain: false,
    })
}

/// Longest tag of an IMAP command that is looked for.
const MAX_TAG_BYTES: usize = 8;

fn is_part(byte: u8) -> bool {
    byte > b' ' && !matches!(byte, b'"' | b'\'' | b'=' | b',' | b'(' | b':' | b'`')
}

pub(crate) static SCANNER: Scanner = Scanner {
    rule: Rule::Key,
    literals: &[
        "@//",
        "oracle:thin:",
        "sqlplus ",
        "@tcp(",
        "@unix(",
        " login ",
    ],
    is_exact: false,
    find: |cx, hit| scan(cx.text, hit.start, hit.end),
    samples: Some(&SAMPLES),
};

const SAMPLES: Samples = Samples {
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
        (
            "a001 LOGIN ann \"s3 same\"",
            "a001 LOGIN ann \"[REDACTED]\"",
        ),
        (
            "a1 LOGIN {3}\r\n+ go on\r\nann {7}\r\n+ go on\r\ns3 same\r\n",
            "a1 LOGIN {3}\r\n+ go on\r\nann {7}\r\n+ go on\r\n[REDACTED]\r\n",
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
