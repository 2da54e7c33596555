//! JSON web tokens: `eyJ…` in three parts (signed; the signature may be empty) or five (encrypted).

use crate::rule::scanner::{Samples, Scanner};
use crate::rule_names::{Place, Rule};
use crate::text::span::Seen;
use crate::text::{Text, begins_word, is_base64url};

/// Shortest header or payload: `{"a":1}` in base64.
const MIN_PART_BYTES: usize = 9;

/// `start` is where `eyJ` or `eyK` stands.
fn scan(text: Text<'_>, start: usize, _end: usize) -> Seen {
    if !text.has(start, b"eyJ") && !text.has(start, b"eyK") {
        return Seen::Nothing;
    }
    if !begins_word(text, start) {
        return Seen::Nothing;
    }
    let header = text.run(start, is_base64url);
    let Some(payload) = part(text, header) else {
        return Seen::NothingBefore(header);
    };
    let signed = part(text, payload).unwrap_or(payload);
    // Only an encrypted token has parts four and five; a full stop behind a signature belongs to the sentence.
    let end = part(text, signed)
        .filter(|&end| end - signed > 3)
        .and_then(|end| part(text, end).filter(|&tag| tag - end > 3))
        .unwrap_or(signed);
    let is_encrypted = end > signed;
    if header - start < MIN_PART_BYTES || (payload - header < MIN_PART_BYTES && !is_encrypted) {
        return Seen::NothingBefore(end);
    }
    Seen::found(Rule::Jwt, start, end)
}

/// Where the part behind the dot at `at` ends.
#[inline]
fn part(text: Text<'_>, at: usize) -> Option<usize> {
    dot(text, at).map(|start| text.run(start, is_base64url))
}

/// Where the part after a dot begins.
fn dot(text: Text<'_>, at: usize) -> Option<usize> {
    if text.at(at) == b'.' {
        Some(at + 1)
    } else if text.has_any_case(at, b"%2e") {
        Some(at + 3)
    } else {
        None
    }
}

pub(crate) static SCANNER: Scanner = Scanner {
    rule: Rule::Jwt,
    literals: &["eyJ", "eyK"],
    is_exact: true,
    find: |cx, hit| scan(cx.text, hit.start, hit.end),
    samples: Some(&SAMPLES),
};

const SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        (
            "got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl.",
            "got [REDACTED:jwt].",
        ),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0In0.", "[REDACTED:jwt]"),
        (
            r#""\neyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln""#,
            r#""\n[REDACTED:jwt]""#,
        ),
        (
            "x=eyJhbGciOiJIUzI1NiJ9%2EeyJzdWIiOiIxMjM0In0%2Ec2ln&y",
            "x=[REDACTED:jwt]&y",
        ),
        (
            "eyJhbGciOiJSU0EtT0FFUCJ9.T0sxa2V5a2V5.aXY.Y2lwaGVy.dGFn ok",
            "[REDACTED:jwt] ok",
        ),
    ],
    kept: &[
        "eyJ",
        "eyJhbGciOiJIUzI1NiJ9",
        "keyJar.keyJson.parse",
        "prefixeyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln",
        "eyJeyJeyJeyJ.eyJ",
    ],
};
