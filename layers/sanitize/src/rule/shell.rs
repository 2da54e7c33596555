//! Passwords that a shell line hands to whatever program: behind the flag of its user (`-u ann -p x`), and through a pipe
//! (`echo x | sudo -S …`).

use crate::named::extent::{self, Around};
use crate::named::prose;
use crate::rule::scanner::{Samples, Scanner};
use crate::rule_names::{Place, Rule};
use crate::text::marks::Marks;
use crate::text::quote;
use crate::text::span::Seen;
use crate::text::{Text, is_word};

/// How far behind the bar the program that reads is looked for.
const MAX_REACH_BYTES: usize = 256;
/// How far before `-p` the user's flag is looked for.
const MAX_LOGIN_BYTES: usize = 96;

/// `start..end` is ` -p `: behind the flag of a user it is the user's password, in whatever program. A plain word is
/// none (`mysql -u root -p app` asks for one), nor is a port.
fn scan_login(text: Text<'_>, start: usize, end: usize) -> Seen {
    let from = text.run_back(start, MAX_LOGIN_BYTES, |byte| {
        !matches!(byte, b'\n' | b'|' | b';')
    });
    let before = text.slice(from, start);
    let has = |flag: &[u8]| before.windows(flag.len()).any(|part| part == flag);
    if ![
        &b" -u "[..],
        b" -U ",
        b" --user ",
        b" --username ",
        b"\"-u\"",
        b"'-u'",
    ]
    .iter()
    .any(|flag| has(flag))
    {
        return Seen::Nothing;
    }
    let at = text.run_most(end, 8, |byte| matches!(byte, b' ' | b'"' | b'\'' | b','));
    let value_end = extent::bare_end(text, at, Around::Text);
    let value = text.slice(at, value_end);
    let is_port = value.first().is_some_and(u8::is_ascii_digit) && value.contains(&b':');
    let is_value = prose::is_mixed(value)
        && !is_port
        && !value.contains(&b'/')
        && !matches!(value.first(), Some(b'-' | b'$' | b'[' | b'<' | b'*'))
        && !prose::is_placeholder(value);
    if is_value {
        Seen::found(Rule::Key, at, value_end)
    } else {
        Seen::Nothing
    }
}

/// `start..end` is `echo `: what it prints is a password when the program behind the bar reads one from its input.
fn scan_piped(text: Text<'_>, marks: &mut Marks, start: usize, end: usize) -> Seen {
    const READERS: [&[u8]; 6] = [
        b"sudo -S",
        b"-stdin",
        b"--with-token",
        b"chpasswd",
        b"cryptsetup ",
        b"login --",
    ];
    if is_word(text.back(start, 1)) {
        return Seen::Nothing;
    }
    let at = text.run_most(end, 8, |byte| byte == b' ');
    let at = if text.has(at, b"-n ") { at + 3 } else { at };
    let (from, to, bar) = match quote::open(text, at) {
        Some((quote, inner)) => {
            let (close, _) = quote.close(text, inner);
            (inner, close, close + quote.len())
        }
        None => {
            let to = extent::bare_end(text, at, Around::Free);
            (at, to, to)
        }
    };
    let bar = text.run_most(bar, 4, |byte| byte == b' ');
    if text.at(bar) != b'|' {
        return Seen::Nothing;
    }
    let reader = marks.next_reader(text, bar, &READERS);
    let reach = reader.saturating_sub(bar).min(MAX_REACH_BYTES);
    let is_read = reader < text.len()
        && text.run_most(bar, reach, |byte| !matches!(byte, b'\n' | b';')) == reader;
    if !is_read
        || to <= from
        || prose::is_placeholder(text.slice(from, to))
        || text.at(from) == b'['
    {
        return Seen::Nothing;
    }
    // `ann:x` for chpasswd: the name stays.
    let colon = text.run_most(from, to - from, |byte| is_word(byte) || byte == b'-');
    let is_pair = text.at(colon) == b':' && colon + 1 < to && text.has(reader, b"chpasswd");
    let from = if is_pair { colon + 1 } else { from };
    if text.at(from) == b'[' || text.at(from) == b'$' {
        return Seen::Nothing;
    }
    Seen::found(Rule::Key, from, to)
}

pub(crate) static LOGIN_FLAG: Scanner = Scanner {
    rule: Rule::Key,
    literals: &[" -p ", " \"-p\"", " '-p'"],
    is_exact: false,
    find: |cx, hit| scan_login(cx.text, hit.start, hit.end),
    samples: Some(&SAMPLES),
};

pub(crate) static PIPED: Scanner = Scanner {
    rule: Rule::Key,
    literals: &["echo "],
    is_exact: false,
    find: |cx, hit| scan_piped(cx.text, &mut cx.marks, hit.start, hit.end),
    samples: None,
};

const SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        (
            "pub -h broker -u dev -P s3same -t a/b",
            "pub -h broker -u dev -P [REDACTED] -t a/b",
        ),
        (
            r#"["tool", "-u", "ann", "-p", "s3same"]"#,
            r#"["tool", "-u", "ann", "-p", "[REDACTED]"]"#,
        ),
        (
            "echo s3same | sudo -S reboot",
            "echo [REDACTED] | sudo -S reboot",
        ),
        (
            "echo 'ann:s3same' | chpasswd",
            "echo 'ann:[REDACTED]' | chpasswd",
        ),
        (
            "echo -n s3same | docker login -u ann --password-stdin",
            "echo -n [REDACTED] | docker login -u ann --password-stdin",
        ),
    ],
    kept: &[
        "docker run -u 1000 -p 8080:80/tcp app2",
        "ps -u ann -p 4711",
        "tool -u ann -p src/a1",
        "mkdir -p build2",
        "echo s3same | grep s3",
        "echo $PASS | sudo -S reboot",
    ],
};
