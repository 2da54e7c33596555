//! Secrets in the dialogues of protocols, over several lines: SMTP's and IMAP's answers to a challenge, the `AUTH` of redis as
//! it goes over the wire, memcached's.

use crate::rule::scanner::{Samples, Scanner};
use crate::rule_names::{Place, Rule};
use crate::text::span::{Seen, Span};
use crate::text::{Text, begins_word, is_blank, is_word};

/// How far behind a challenge its answer may begin: a prefix of the log.
const MAX_PREFIX_BYTES: usize = 96;
const MAX_ANSWER_BYTES: usize = 1024;

/// `start..end` is a challenge (`334 `), a request to log in, or the beginning of a command with a secret.
fn scan(text: Text<'_>, start: usize, end: usize) -> Seen {
    if !begins_word(text, start) {
        return Seen::Nothing;
    }
    match text.at(start) {
        b'3' => answer(text, end),
        _ if text.has_any_case(start, b"acl") => acl(text, end),
        _ if text.has(start, b"auth 0 ") => memcached(text, start, end),
        _ if matches!(text.at(start + 4), b'\r' | b'\\') => redis(text, end),
        _ => login(text, start, end),
    }
}

/// The line behind a server's `334 …`.
fn answer(text: Text<'_>, end: usize) -> Seen {
    let challenge = text.run_most(end, MAX_ANSWER_BYTES, is_base64);
    let asked = text.slice(end, challenge);
    // A word of prose is none.
    let is_challenge = asked.is_empty()
        || asked.len() >= 8
            && asked.len().is_multiple_of(4)
            && asked.iter().any(u8::is_ascii_uppercase);
    if !is_challenge {
        return Seen::Nothing;
    }
    let Some(line) = line_break(text, challenge) else {
        return Seen::Nothing;
    };
    match encoded(text, line) {
        Some((from, to)) => Seen::found(Rule::Key, from, to),
        None => Seen::Nothing,
    }
}

/// Lines of the client's behind its `AUTH LOGIN` or `AUTHENTICATE PLAIN`, when the server's stand not between them.
fn login(text: Text<'_>, start: usize, end: usize) -> Seen {
    let is_imap = text.has_any_case(start, b"authenticate");
    let mechanism = if is_imap {
        text.run_most(end, 16, |byte| is_word(byte) || byte == b'-')
    } else {
        end
    };
    let Some(line) = line_break(text, mechanism) else {
        return said(text, mechanism);
    };
    // IMAP's server asks with a plus.
    let plus = text.run_most(line, 8, |byte| {
        byte.is_ascii_alphabetic() || matches!(byte, b':' | b' ' | b'<')
    });
    let line = match text.at(plus) {
        b'+' => {
            let rest = text.run_most(plus, 64, |byte| {
                byte != b'\n' && byte != b'\r' && byte != b'\\'
            });
            match line_break(text, rest) {
                Some(line) => line,
                None => return Seen::Nothing,
            }
        }
        _ => line,
    };
    let Some((from, to)) = encoded(text, line) else {
        return Seen::Nothing;
    };
    let first = Span::of(Rule::Key, from, to);
    let second = line_break(text, to).and_then(|line| encoded(text, line));
    match second {
        Some((from, to)) => Seen::Both(first, Span::of(Rule::Key, from, to)),
        None => Seen::Found(first),
    }
}

/// `prepared AUTH LOGIN challenge: 'x'`: what a mailer's log says of it.
fn said(text: Text<'_>, end: usize) -> Seen {
    let words = text.run_most(end, 24, |byte| byte.is_ascii_alphabetic() || is_blank(byte));
    let quote = text.run_most(words + 1, 2, is_blank);
    let is_said = matches!(text.at(words), b':' | b'=') && matches!(text.at(quote), b'\'' | b'"');
    let sign = text.at(quote);
    let close = text.run_most(quote + 1, MAX_ANSWER_BYTES, |byte| {
        byte != sign && byte != b'\n'
    });
    if is_said && text.at(close) == sign && close > quote + 1 && text.at(quote + 1) != b'[' {
        Seen::found(Rule::Key, quote + 1, close)
    } else {
        Seen::Nothing
    }
}

/// The last word of a line when it is base64, behind whatever the log puts before it.
fn encoded(text: Text<'_>, line: usize) -> Option<(usize, usize)> {
    // `send: b'…\r\n'`
    let quote = text.run_most(line, 32, |byte| {
        byte != b'\'' && byte != b'\n' && byte != b'"'
    });
    let line = if matches!(text.at(quote), b'\'' | b'"') && is_base64(text.at(quote + 1)) {
        quote + 1
    } else {
        line
    };
    let end = text.run_most(line, MAX_PREFIX_BYTES + MAX_ANSWER_BYTES, |byte| {
        !matches!(byte, b'\n' | b'\r' | b'"' | b'\'' | b'\\')
    });
    let end = text.run_back(end, 8, is_blank);
    let from = text.run_back(end, MAX_ANSWER_BYTES, is_base64);
    let prefix = text.slice(line, from);
    let word = text.slice(from, end);
    let is_long = word.len() >= 4 && word.len().is_multiple_of(4);
    // A server's reply or prose is none.
    let has_code = matches!(prefix.trim_ascii_end(), [.., a, b, c] if [a, b, c].iter().all(|byte| byte.is_ascii_digit()));
    let speaker = prefix.trim_ascii_start();
    let is_server = has_code
        || speaker.starts_with(b"S:")
        || speaker.starts_with(b"<")
        || speaker
            .get(..6)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"server"));
    let is_spoken = word.iter().all(u8::is_ascii_lowercase) || word.iter().all(u8::is_ascii_digit);
    let is_alone = prefix.len() <= MAX_PREFIX_BYTES
        && matches!(
            prefix.last(),
            None | Some(b' ' | b'\t' | b'>' | b':' | b'"' | b'\'')
        );
    (is_long && is_alone && !is_server && !is_spoken).then_some((from, end))
}

/// `AUTH`, a line's end, `$8`, a line's end, the secret; `end` is behind the first.
fn redis(text: Text<'_>, end: usize) -> Seen {
    let mut at = end;
    let mut found = None;
    // A user may stand before the password.
    for _ in 0..2 {
        if text.at(at) != b'$' {
            break;
        }
        let digits = text.run_most(at + 1, 4, |byte| byte.is_ascii_digit());
        let len: usize = text.str(at + 1, digits).parse().unwrap_or_default();
        let Some(from) = line_break(text, digits) else {
            break;
        };
        let to = from + len;
        let Some(next) = line_break(text, to) else {
            break;
        };
        if len > 0 && len <= MAX_ANSWER_BYTES {
            found = Some((from, to));
        }
        at = next;
    }
    match found {
        Some((from, to)) if text.at(from) != b'[' => Seen::found(Rule::Key, from, to),
        _ => Seen::Nothing,
    }
}

/// `set auth 0 0 12`, a line's end, `ann s3same`; `start..end` is `auth 0 `.
fn memcached(text: Text<'_>, start: usize, end: usize) -> Seen {
    if !text.ends_any_case(start, b"set ") {
        return Seen::Nothing;
    }
    let numbers = text.run_most(end, 32, |byte| byte.is_ascii_digit() || byte == b' ');
    let Some(line) = line_break(text, numbers) else {
        return Seen::Nothing;
    };
    let to = text.run_most(line, MAX_ANSWER_BYTES, |byte| {
        !matches!(byte, b'\n' | b'\r' | b'\\' | b'"')
    });
    let user = text.run_most(line, 64, |byte| byte > b' ');
    let from = user + 1;
    if numbers > end && text.at(user) == b' ' && from < to && text.at(from) != b'[' {
        Seen::found(Rule::Key, from, to)
    } else {
        Seen::Nothing
    }
}

/// `ACL SETUSER ann on >s3same ~*`: the first password.
fn acl(text: Text<'_>, end: usize) -> Seen {
    let line = text.run_most(end, 256, |byte| byte != b'\n');
    let sign = text
        .slice(end, line)
        .windows(2)
        .position(|part| part == b" >");
    let Some(sign) = sign else {
        return Seen::Nothing;
    };
    let from = end + sign + 2;
    let to = text.run_most(from, 256, |byte| {
        byte > b' ' && !matches!(byte, b'"' | b'\'')
    });
    if to > from && text.at(from) != b'[' {
        Seen::found(Rule::Key, from, to)
    } else {
        Seen::Nothing
    }
}

/// Behind the line end at `at`, a real one or an escaped one.
pub(crate) fn line_break(text: Text<'_>, at: usize) -> Option<usize> {
    let at = text.run_most(at, 4, is_blank);
    [&b"\r\n"[..], b"\n", b"\\r\\n", b"\\n"]
        .into_iter()
        .find(|end| text.has(at, end))
        .map(|end| {
            let behind = at + end.len();
            // An escaped one inside of quotes, and a real one behind them.
            let is_quoted = matches!(text.at(behind), b'\'' | b'"') && text.at(behind + 1) == b'\n';
            behind + if is_quoted { 2 } else { 0 }
        })
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

pub(crate) static SCANNER: Scanner = Scanner {
    rule: Rule::Key,
    literals: &[
        "334 ",
        "auth login",
        "auth plain",
        "authenticate ",
        "auth 0 ",
        "acl setuser ",
        "auth\r\n",
        "auth\\r\\n",
    ],
    is_exact: false,
    find: |cx, hit| scan(cx.text, hit.start, hit.end),
    samples: Some(&SAMPLES),
};

const SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        (
            "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: a2lt\nS: 334 UGFzc3dvcmQ6\nC: czNzYW1l\nS: 235 ok",
            "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: [REDACTED]\nS: 334 UGFzc3dvcmQ6\nC: [REDACTED]\nS: 235 ok",
        ),
        (
            "AUTH PLAIN\r\n334 \r\nAGFubgBzM3NhbWU=\r\n235 ok",
            "AUTH PLAIN\r\n334 \r\n[REDACTED]\r\n235 ok",
        ),
        (
            ">>> AUTH LOGIN\n>>> YW5u\n>>> czNzYW1l\nMAIL FROM:<>",
            ">>> AUTH LOGIN\n>>> [REDACTED]\n>>> [REDACTED]\nMAIL FROM:<>",
        ),
        (
            "a1 AUTHENTICATE PLAIN\n+ \nAGFubgBzM3NhbWU=\na1 OK",
            "a1 AUTHENTICATE PLAIN\n+ \n[REDACTED]\na1 OK",
        ),
        (
            r"*2\r\n$4\r\nAUTH\r\n$7\r\ns3 same\r\n",
            r"*2\r\n$4\r\nAUTH\r\n$7\r\n[REDACTED]\r\n",
        ),
        (
            "set auth 0 0 10\r\nann s3same\r\nSTORED",
            "set auth 0 0 10\r\nann [REDACTED]\r\nSTORED",
        ),
        (
            "ACL SETUSER ann on >s3same ~* +@all",
            "ACL SETUSER ann on >[REDACTED] ~* +@all",
        ),
        (
            "sent AUTH LOGIN response: 's3 same'",
            "sent AUTH LOGIN response: '[REDACTED]'",
        ),
    ],
    kept: &[
        "250-AUTH LOGIN PLAIN\n250 SIZE 1024",
        "read 334 bytes\nin time",
        "AUTH LOGIN failed\nretrying",
        "AUTH LOGIN\n535 5.7.8 rejected",
        "authenticate with the server\nthen go on",
        "set author 0 0 10\r\nann lee\r\n",
        "ACL SETUSER ann on",
    ],
};
