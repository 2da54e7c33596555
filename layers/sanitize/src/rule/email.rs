//! E-mail addresses: `ann@example.com`, also percent-encoded, quoted, and beyond ASCII.
//!
//! Starts at the sign and reads both ways: 1 to 64 bytes before it, labels and a top-level domain after it.

use crate::rule::scanner::{Samples, Scanner};
use crate::rule_names::{Place, Rule};
use crate::text::list::List;
use crate::text::span::Seen;
use crate::text::{Bytes, Text};

const MAX_LOCAL_BYTES: usize = 64;
const MAX_DOMAIN_BYTES: usize = 253;

/// May a domain begin at `start`? A quick look, since most often none does: `a@`, `@ x`, `@b,`.
#[inline]
pub(crate) fn may_follow(text: Text<'_>, start: usize) -> bool {
    let (first, second) = (text.at(start), text.at(start + 1));
    WIDE_LABEL.has(first) && (second == b'.' || WIDE_LABEL.has(second))
}

/// `start..end` is the sign: `@`, `%40` or `\u0040`.
pub(crate) fn scan(text: Text<'_>, start: usize, end: usize) -> Seen {
    if !may_follow(text, end) {
        return Seen::Nothing;
    }
    let Some((domain_end, tld)) = domain(text, end) else {
        return Seen::Nothing;
    };
    let Some(local) = local(text, start) else {
        return Seen::Nothing;
    };
    if is_userinfo(text, local) || is_no_address(text, text.slice(local, start), tld, domain_end) {
        return Seen::Nothing;
    }
    Seen::found(Rule::Email, local, domain_end)
}

/// Where the domain that begins at `start` ends, and where its top-level domain begins.
fn domain(text: Text<'_>, start: usize) -> Option<(usize, usize)> {
    let mut found = None;
    let mut at = start;
    while at - start < MAX_DOMAIN_BYTES {
        let end = label(text, at);
        if end == at || text.at(at) == b'-' {
            break;
        }
        if at > start && is_tld(text.slice(at, end)) {
            found = Some((end, at));
        }
        if text.at(end) != b'.' {
            break;
        }
        at = end + 1;
    }
    found
}

/// Where the label that begins at `start` ends; at `start` when it is longer than 63 bytes.
#[inline]
fn label(text: Text<'_>, start: usize) -> usize {
    let bytes = if text.at(start) >= 0xe0 {
        &WIDE_LABEL
    } else {
        &LABEL
    };
    let end = text.run(start, |byte| bytes.has(byte));
    if end - start > 63 { start } else { end }
}

fn is_tld(label: &[u8]) -> bool {
    let is_puny = label
        .get(..4)
        .is_some_and(|head| head.eq_ignore_ascii_case(b"xn--"));
    let is_letters = |&byte: &u8| byte.is_ascii_alphabetic() || byte >= 0x80;
    is_puny || (label.len() >= 2 && label.iter().all(is_letters))
}

/// Where the local part that ends at `end` begins.
fn local(text: Text<'_>, end: usize) -> Option<usize> {
    if text.back(end, 1) == b'"' {
        return quoted_local(text, end - 1);
    }
    if matches!(text.back(end, 1), b'.' | b'@') {
        return None;
    }
    let mut start = local_run(text, end, &LOCAL);
    if start == end {
        start = local_run(text, end, &WIDE_LOCAL);
    }
    start = after_escape(text, start, end);
    start = text
        .run(start, |byte| is_opener(byte) || byte == b'.')
        .min(end);
    (start < end).then_some(start)
}

fn local_run(text: Text<'_>, end: usize, bytes: &Bytes) -> usize {
    let start = text.run_back(end, MAX_LOCAL_BYTES, |byte| bytes.has(byte));
    // Never begin inside a character, nor before what separates a value from its name.
    let start = text
        .run(start, |byte| (0x80..0xc0).contains(&byte))
        .min(end);
    let cut = text
        .slice(start, end)
        .iter()
        .rposition(|byte| is_separator(*byte));
    match cut {
        // O'Brien keeps his apostrophe.
        Some(cut)
            if text.at(start + cut) == b'\''
                && cut > 0
                && text.at(start + cut - 1).is_ascii_alphabetic()
                && text.at(start + cut + 1).is_ascii_alphabetic() =>
        {
            start
        }
        Some(cut) => start + cut + 1,
        None => start,
    }
}

/// Skips an escape that ran into the local part: `\n`, `\u003c`, `%3D`.
fn after_escape(text: Text<'_>, start: usize, end: usize) -> usize {
    let escape = text
        .slice(start, end)
        .iter()
        .rposition(|&byte| byte == b'%');
    if let Some(at) = escape.map(|at| start + at)
        && ESCAPED_SIGNS
            .iter()
            .any(|sign| text.has_any_case(at + 1, sign))
        && at + 3 < end
    {
        return at + 3;
    }
    if text.back(start, 1) != b'\\' {
        return crate::text::after_sgr(text, start).min(end);
    }
    match text.at(start) {
        b'n' | b't' | b'r' if end - start > 1 => start + 1,
        b'u' if end - start > 5 => start + 5,
        _ => start,
    }
}

/// `"ann lee"@example.com`; `close` is the closing quote.
fn quoted_local(text: Text<'_>, close: usize) -> Option<usize> {
    let inner = text.run_back(close, MAX_LOCAL_BYTES, |byte| byte != b'"' && byte >= b' ');
    let is_name = text.back(inner, 1) == b'"' && inner < close;
    let is_plain = !text
        .slice(inner, close)
        .iter()
        .any(|byte| b"=:,;(){}".contains(byte));
    (is_name && is_plain).then(|| inner - 1)
}

/// Signs that a local part may hold, where text uses them to part it from what stands before.
fn is_separator(byte: u8) -> bool {
    static SEPARATORS: Bytes = Bytes::of(b"=/|?&`{}'!*#$~^");
    SEPARATORS.has(byte)
}

fn is_opener(byte: u8) -> bool {
    is_separator(byte) || byte == b'-'
}

/// What a label is made of, and the part before the sign. Beyond ASCII up to U+07FF, where the alphabets are, or when
/// wide all: quotation marks and dashes lie above that, so that they end an address.
static LABEL: Bytes = Bytes::letters_and(b"-").and(0x80, 0xbf).and(0xc3, 0xdf);
static WIDE_LABEL: Bytes = Bytes::letters_and(b"-").and(0x80, 0xbf).and(0xc3, 0xff);
static LOCAL: Bytes = Bytes::letters_and(LOCAL_SIGNS)
    .and(0x80, 0xbf)
    .and(0xc3, 0xdf);
static WIDE_LOCAL: Bytes = Bytes::letters_and(LOCAL_SIGNS)
    .and(0x80, 0xbf)
    .and(0xc3, 0xff);
const LOCAL_SIGNS: &[u8] = b".!#$%&'*+-/=?^_`{|}~";

/// The sign parts a URL's userinfo from its host; that rule keeps the host.
fn is_userinfo(text: Text<'_>, local: usize) -> bool {
    let start = text.run_back(local, 128, |byte| {
        byte > b' ' && !matches!(byte, b'/' | b'"' | b'\'')
    });
    text.back(start, 1) == b'/'
        && (text.back(start, 2) == b'/' || text.ends_any_case(start, b"\\/\\/"))
}

/// Looks like an address and is none: an image, a systemd unit, an ssh remote, a call of a decorator.
fn is_no_address(text: Text<'_>, local: &[u8], tld: usize, end: usize) -> bool {
    let is_known = NOT_TLDS.has(text.slice(tld, end));
    let is_forge = [&b"github.com"[..], b"gitlab.com", b"bitbucket.org"]
        .iter()
        .any(|forge| text.ends_any_case(end, forge));
    let is_remote = matches!(local, b"git" | b"hg" | b"gitea" | b"svn")
        && (matches!(text.at(end), b':' | b'/') || is_forge);
    is_known || is_remote || text.at(end) == b'('
}

const ESCAPED_SIGNS: &[&[u8]] = &[
    b"3d", b"3c", b"3a", b"22", b"20", b"26", b"2f", b"2c", b"27", b"3b", b"0a", b"5b", b"7b",
];
/// Endings of files and units. None is a country's or a common domain.
static NOT_TLDS: List = List::new(
    "png jpg jpeg gif svg webp ico css js mjs ts tsx jsx html htm json yaml yml toml xml txt log service \
     socket target timer mount slice swap device scope automount path conf cfg ini gz tgz tar whl jar dll \
     exe dylib rb go java kt class sock bak lock tmp",
);

/// An at sign that is encoded; plain ones are met among the numbers.
pub(crate) static ENCODED: Scanner = Scanner {
    rule: Rule::Email,
    literals: &["%40", "\\u0040"],
    is_exact: false,
    find: |cx, hit| scan(cx.text, hit.start, hit.end),
    samples: Some(&SAMPLES),
};

const SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        (
            "mail from ann.lee@example.com bounced",
            "mail from [REDACTED:email] bounced",
        ),
        ("<ann+news@mail.example.co.uk>", "<[REDACTED:email]>"),
        ("to=ann@example.com&x=1", "to=[REDACTED:email]&x=1"),
        ("user=ann%40example.com%26x", "user=[REDACTED:email]%26x"),
        (
            r#"line\nann@example.com\nend"#,
            r#"line\n[REDACTED:email]\nend"#,
        ),
        ("“jörg@exämple.de” schrieb", "“[REDACTED:email]” schrieb"),
        ("o'brien@example.org", "[REDACTED:email]"),
        (r#"user "ann lee"@example.com"#, "user [REDACTED:email]"),
        ("x@xn--e1afmkfd.xn--p1ai.", "[REDACTED:email]."),
        (
            r#"{"mail":"ann\u0040example.com"}"#,
            r#"{"mail":"[REDACTED:email]"}"#,
        ),
        (
            "ann@example.com,bob@example.com",
            "[REDACTED:email],[REDACTED:email]",
        ),
    ],
    kept: &[
        "installed left-pad@1.3.0 and @types/node@20.1.0",
        "logo@2x.png",
        "started getty@tty1.service",
        "root@localhost: no such user",
        "git@github.com:rust-lang/rust.git",
        r#"@app.route("/")"#,
        "commit@{upstream}",
        "image@sha256:0f1e",
        "a@b",
        "price @ 3.50",
    ],
};
