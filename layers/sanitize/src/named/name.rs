//! The identifier around a strong word, and whether it is one: a module's path or a source file is none.

use crate::named::secret_words::Sort;
use crate::text::{Bytes, Text, after_sgr, is_word};

/// The longest name that is read.
const MAX_NAME_BYTES: usize = 96;

/// `sig` and `signature` of a presigned URL.
pub(crate) fn is_signature(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"sig") || name.eq_ignore_ascii_case(b"signature")
}

/// `api key`, `pass phrase`, `mot de passe`: a name in several words of prose.
pub(crate) fn in_words(text: Text<'_>, start: usize, end: usize) -> Option<Sort> {
    let is_behind = |first: &[&[u8]]| {
        first.iter().any(|first| {
            text.ends_any_case(start, first) && !is_word(text.back(start, first.len() + 1))
        })
    };
    let name = text.slice(start, end);
    if name.eq_ignore_ascii_case(b"key") && is_behind(BEFORE_KEY) {
        return Some(Sort::Token);
    }
    if is_foreign_key(name) && is_behind(BEFORE_KEY) {
        return Some(Sort::Token);
    }
    let is_phrase = name.eq_ignore_ascii_case(b"phrase") && is_behind(BEFORE_PHRASE);
    let is_passe = name.eq_ignore_ascii_case(b"passe") && is_behind(&[b"mot de "]);
    (is_phrase || is_passe).then_some(Sort::Password)
}

fn is_foreign_key(name: &[u8]) -> bool {
    ["schlüssel", "clave", "clé"]
        .iter()
        .any(|key| name.eq_ignore_ascii_case(key.as_bytes()))
}

const BEFORE_KEY: &[&[u8]] = &[
    b"api ",
    b"access ",
    b"secret ",
    b"private ",
    b"signing ",
    b"encryption ",
    b"account ",
    b"master ",
    b"unseal ",
    b"network ",
    b"preshared ",
    b"pre-shared ",
];
const BEFORE_PHRASE: &[&[u8]] = &[b"pass ", b"seed ", b"recovery ", b"mnemonic ", b"secret "];

/// What a name is made of. Arrows, dashes and wide signs are no letters.
static PART: Bytes = Bytes::letters_and(b"_-.")
    .and(0x80, 0xe1)
    .and(0xe3, 0xee)
    .and(0xf0, 0xff);

/// The whole identifier around a strong word.
#[inline]
pub(crate) fn around(text: Text<'_>, start: usize, end: usize) -> (usize, usize) {
    // The literals `sig=` and `pw"` have the sign in them.
    let end = end - usize::from(!is_word(text.back(end, 1)));
    if text.back(start, 1) != b' ' {
        return around_part(text, start, end);
    }
    (start, rest(text, start, end))
}

/// Where the identifier ends that goes on at `end`.
#[inline]
fn rest(text: Text<'_>, start: usize, end: usize) -> usize {
    if !PART.has(text.at(end)) {
        return end;
    }
    let mut end = text.run_most(end, MAX_NAME_BYTES, |byte| PART.has(byte));
    while end > start && matches!(text.back(end, 1), b'.' | b'-') {
        end -= 1;
    }
    end
}

fn around_part(text: Text<'_>, start: usize, end: usize) -> (usize, usize) {
    let (mut start, end) = (start, rest(text, start, end));
    if PART.has(text.back(start, 1)) {
        start = text.run_back(start, MAX_NAME_BYTES, |byte| PART.has(byte));
        if text.at(start) >= 0x80 {
            start = text.run(start, |byte| (0x80..0xc0).contains(&byte));
        }
    }
    // What an escape left in front: `\n`, `\u0022`, `%22`, `ESC[2m`.
    let head = text.at(start);
    if text.back(start, 1) == b'\\' {
        if head == b'u'
            && text
                .slice(start + 1, start + 5)
                .iter()
                .all(u8::is_ascii_hexdigit)
        {
            start += 5;
        } else if matches!(head, b'n' | b't' | b'r') && end > start + 1 {
            start += 1;
        }
    } else if text.back(start, 1) == b'%'
        && text
            .slice(start, start + 2)
            .iter()
            .all(u8::is_ascii_hexdigit)
    {
        // Encoded again: `%253F`.
        while text.has(start, b"25")
            && text
                .slice(start + 2, start + 4)
                .iter()
                .all(u8::is_ascii_hexdigit)
        {
            start += 2;
        }
        start += 2;
    } else {
        start = after_sgr(text, start);
    }
    (start.min(end), end)
}

/// A module, a target or a source file: `auth::login`, `crate::token: text`, `token.rs:12:5`.
pub(crate) fn is_code_path(text: Text<'_>, start: usize, end: usize) -> bool {
    let is_inside = text.back(start, 1) == b':';
    let is_target = is_inside && text.back(start, 2) == b':';
    let extension = || {
        let start = text.run_back(end, 6, |byte| byte.is_ascii_alphabetic());
        text.slice(start, end)
    };
    // A declaration: `type Token = { … }`.
    let is_declared = text.at(start).is_ascii_uppercase()
        && [
            &b"type "[..],
            b"struct ",
            b"enum ",
            b"class ",
            b"interface ",
            b"trait ",
        ]
        .iter()
        .any(|keyword| {
            text.ends_any_case(start, keyword) && !is_word(text.back(start, keyword.len() + 1))
        });
    let is_file = text.at(end) == b':'
        && text.at(end + 1).is_ascii_digit()
        && [
            &b"rs"[..],
            b"py",
            b"js",
            b"ts",
            b"go",
            b"java",
            b"kt",
            b"dart",
            b"rb",
            b"php",
            b"c",
            b"cc",
            b"cpp",
            b"h",
            b"cs",
            b"swift",
            b"jsx",
            b"tsx",
            b"mjs",
            b"scala",
            b"ex",
        ]
        .contains(&extension())
        && text.back(end, extension().len() + 1) == b'.';
    // `arn:aws:secretsmanager:…:secret:name` names a secret.
    let is_resource = is_inside && {
        let word = text.run_back(start, MAX_NAME_BYTES, |byte| byte > b' ' && byte != b'"');
        text.has(word, b"arn:")
    };
    is_declared || is_target || is_file || is_resource
}
