//! What follows `Bearer` and `Basic`: the credential, not prose that speaks of the scheme.

use crate::named::opaque::{MIN_OPAQUE_BYTES, MIN_TOKEN_BYTES, looks_opaque};
use crate::rule::scanner::{Samples, Scanner};
use crate::rule_names::{Place, Rule};
use crate::text::span::Seen;
use crate::text::{Bytes, Text, begins_word, is_blank};

const MAX_BASIC_BYTES: usize = 1024;

/// `start..end` is the word `bearer`.
fn scan_bearer(text: Text<'_>, start: usize, end: usize) -> Seen {
    let Some(at) = credential(text, start, end) else {
        return Seen::Nothing;
    };
    let token_end = text.run(at, is_token);
    let token_end = trim_stop(text, at, token_end);
    // `TokenType:bearer ExpiresIn:3600`: the next field.
    let is_field = text.at(token_end) == b':'
        && text
            .slice(at, token_end)
            .iter()
            .all(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
    if is_field {
        return Seen::NothingBefore(token_end);
    }
    if token_end - at >= MIN_TOKEN_BYTES && looks_opaque(text.slice(at, token_end)) {
        Seen::found(Rule::Bearer, at, token_end)
    } else {
        Seen::NothingBefore(token_end)
    }
}

/// `start..end` is the word `basic`.
fn scan_basic(text: Text<'_>, start: usize, end: usize) -> Seen {
    let Some(at) = credential(text, start, end) else {
        return Seen::Nothing;
    };
    let token_end = text.run_most(at, MAX_BASIC_BYTES, |byte| {
        is_base64(byte) || byte == b'-' || byte == b'_'
    });
    let padded_end = text.run_most(token_end, 2, |byte| byte == b'=');
    let token = text.slice(at, token_end);
    if decodes_to_pair(token) || (token.len() >= MIN_OPAQUE_BYTES && is_random(token)) {
        Seen::found(Rule::Basic, at, padded_end)
    } else {
        Seen::NothingBefore(token_end)
    }
}

/// Where the credential after a scheme's name begins: `Bearer x`, `Bearer%20x`, `Bearer+x`, `Bearer: x`.
fn credential(text: Text<'_>, start: usize, end: usize) -> Option<usize> {
    if !begins_word(text, start) {
        return None;
    }
    let at = match text.at(end) {
        b':' | b'=' => end + 1,
        _ => end,
    };
    let spaced = text.run_few(at, 4, is_blank);
    if text.at(spaced) == b'%' && text.has(spaced, b"%20") {
        return Some(spaced + 3);
    }
    if text.at(spaced) == b'+' && spaced == end {
        return Some(spaced + 1);
    }
    // `Bearer "x"`, `Bearer \"x\"`.
    let escaped = text.run_few(spaced, 4, |byte| byte == b'\\');
    let quoted = escaped + usize::from(matches!(text.at(escaped), b'"' | b'\''));
    if quoted > escaped {
        return (spaced > end).then_some(quoted);
    }
    (spaced > end).then_some(spaced)
}

fn is_token(byte: u8) -> bool {
    static TOKEN: Bytes = Bytes::letters_and(b"-._~+/=");
    TOKEN.has(byte)
}

/// Without the full stop, comma or colon of the sentence around it.
fn trim_stop(text: Text<'_>, start: usize, end: usize) -> usize {
    let mut end = end;
    while end > start && text.back(end, 1) == b'.' {
        end -= 1;
    }
    end
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}

/// Both cases and two numbers in one word: not made of words, so not of prose.
fn is_random(token: &[u8]) -> bool {
    let numbers = token
        .split(|byte| !byte.is_ascii_digit())
        .filter(|number| !number.is_empty());
    numbers.count() >= 2
        && token.iter().any(u8::is_ascii_uppercase)
        && token.iter().any(u8::is_ascii_lowercase)
        && !token.contains(&b'-')
}

/// Is it the base64 of `name:secret`? Prose never is.
fn decodes_to_pair(token: &[u8]) -> bool {
    if token.len() < 4 {
        return false;
    }
    let mut has_colon = false;
    for group in token.chunks(4) {
        let mut bits: u32 = 0;
        for &byte in group {
            bits = bits << 6 | u32::from(value(byte));
        }
        bits <<= 6 * (4 - group.len());
        let [_, bytes @ ..] = bits.to_be_bytes();
        for &byte in bytes.iter().take(group.len() * 6 / 8) {
            if byte < b' ' || byte == 0x7f {
                return false;
            }
            has_colon |= byte == b':';
        }
    }
    has_colon
}

fn value(byte: u8) -> u8 {
    match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        _ => 63,
    }
}

pub(crate) static BEARER: Scanner = Scanner {
    rule: Rule::Bearer,
    literals: &["bearer"],
    is_exact: false,
    find: |cx, hit| scan_bearer(cx.text, hit.start, hit.end),
    samples: Some(&BEARER_SAMPLES),
};

pub(crate) static BASIC: Scanner = Scanner {
    rule: Rule::Basic,
    literals: &["basic"],
    is_exact: false,
    find: |cx, hit| scan_basic(cx.text, hit.start, hit.end),
    samples: Some(&BASIC_SAMPLES),
};

const BEARER_SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        (
            "sent Bearer abcDEF123456 to api",
            "sent Bearer [REDACTED:bearer] to api",
        ),
        ("bearer 0f1e2d3c4b5a69788796", "bearer [REDACTED:bearer]"),
        (
            "x=Bearer%20abcDEF123456&y=1",
            "x=Bearer%20[REDACTED:bearer]&y=1",
        ),
        ("(Bearer mF_9.B5f-4.1JqM)", "(Bearer [REDACTED:bearer])"),
        (
            r#"curl used "Bearer QWxhZGRpbjpvcGVu==""#,
            r#"curl used "Bearer [REDACTED:bearer]""#,
        ),
    ],
    kept: &[
        "Bearer authentication required",
        "bearer token missing",
        r#"WWW-Authenticate: Bearer realm="api""#,
        "the bearer certificate",
        "Bearer error=invalid_token",
        "standard-bearer organisation",
        "TokenType:bearer ExpiresIn:3600",
    ],
};

const BASIC_SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        (
            "sent Basic YW5uOnNlc2FtZQ== to api",
            "sent Basic [REDACTED:basic] to api",
        ),
        ("basic YWRtaW46YWRtaW4=", "basic [REDACTED:basic]"),
        ("h=Basic%20YW5uOnNlc2FtZQ", "h=Basic%20[REDACTED:basic]"),
        (r#""Basic cm9vdDp0b29y""#, r#""Basic [REDACTED:basic]""#),
        ("Basic: dXNlcjpwYXNzd29yZDEyMw==", "Basic: [REDACTED:basic]"),
        (
            "basic 49uEadzAPlX0WRW4KTyrMm8SYxekhY was refused",
            "basic [REDACTED:basic] was refused",
        ),
    ],
    kept: &[
        "basic configuration loaded",
        "Basic authentication failed",
        "visual basic 6.0",
        "basic usage12",
        r#"Basic realm="x""#,
        "basic OAuth2AuthorizationCodeGrant flow",
        "basic 0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0 done",
    ],
};
