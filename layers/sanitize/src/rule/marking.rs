//! Classification markings: banners (`SECRET//NOFORN`) and portion marks (`(S//NF)`), in capitals as they are written.
//!
//! To delete the marking alone would hide a spill and keep what was spilled. So by default the whole text goes.

use crate::rule::scanner::{Samples, Scanner};
use crate::rule_names::{Place, Rule};
use crate::text::span::Seen;
use crate::text::{Text, is_word};

const LEVEL_WORDS: [&[u8]; 10] = [
    b"TOP SECRET",
    b"SECRET",
    b"CONFIDENTIAL",
    b"UNCLASSIFIED",
    b"COSMIC TOP SECRET",
    b"CUI",
    b"TS",
    b"S",
    b"C",
    b"U",
];
const CONTROLS: [&[u8]; 26] = [
    b"NOFORN",
    b"NF",
    b"REL",
    b"SI",
    b"TK",
    b"HCS",
    b"ORCON",
    b"OC",
    b"PROPIN",
    b"PR",
    b"IMCON",
    b"FGI",
    b"RD",
    b"FRD",
    b"CNWDI",
    b"SAR",
    b"SP-",
    b"LES",
    b"FOUO",
    b"RELIDO",
    b"DISPLAY",
    b"FISA",
    b"EYES",
    b"COMINT",
    b"FOR OFFICIAL USE ONLY",
    b"NATO",
];

/// `start..end` is the last letter of what may be a level, and `//`: a control may stand behind it.
fn scan(text: Text<'_>, start: usize, end: usize) -> Seen {
    let level_end = start + 1;
    let control = text.run_most(end, 1, |byte| byte == b' ');
    let Some(control_end) = control_end(text, control) else {
        return Seen::Nothing;
    };
    let is_level = |level: &&&[u8]| {
        let from = level_end.checked_sub(level.len());
        from.is_some_and(|from| text.has(from, level) && !is_word(text.back(from, 1)))
    };
    let Some(level) = LEVEL_WORDS.iter().find(is_level) else {
        return Seen::Nothing;
    };
    let from = level_end - level.len();
    let before = text.back(from, 1);
    let is_portion = before == b'(' || before == b'[';
    // One letter is a level only in brackets or before the control that means nothing else.
    let is_bare_letter = level.len() == 1 && !is_portion;
    if (is_bare_letter && !text.has(control, b"NF") && !text.has(control, b"NOFORN"))
        || before == b'/'
    {
        return Seen::Nothing;
    }
    Seen::found(Rule::Classification, from, control_end)
}

/// `start..end` is `noforn`: alone it says enough.
fn scan_word(text: Text<'_>, start: usize, end: usize) -> Seen {
    let is_word_alone = !is_word(text.back(start, 1)) && !is_word(text.at(end));
    if text.has(start, b"NOFORN") && is_word_alone {
        Seen::found(Rule::Classification, start, end)
    } else {
        Seen::Nothing
    }
}

/// Where the controls that begin at `start` end: `SI/TK//REL TO USA, FVEY`.
fn control_end(text: Text<'_>, start: usize) -> Option<usize> {
    let control = CONTROLS.iter().find(|control| text.has(start, control))?;
    let end = start + control.len();
    let is_whole =
        !text.at(end).is_ascii_lowercase() && (control.ends_with(b"-") || !is_word(text.at(end)));
    let end = text.run_most(end, 96, |byte| {
        byte.is_ascii_uppercase() || matches!(byte, b'/' | b'-' | b',' | b' ')
    });
    let end = end
        - text
            .slice(start, end)
            .iter()
            .rev()
            .take_while(|byte| matches!(byte, b' ' | b',' | b'/' | b'-'))
            .count();
    is_whole.then_some(end)
}

/// The last letter of a level, and what parts it from its controls.
pub(crate) static LEVELS: Scanner = Scanner {
    rule: Rule::Classification,
    literals: &["t//", "l//", "d//", "i//", "s//", "c//", "u//"],
    is_exact: false,
    find: |cx, hit| scan(cx.text, hit.start, hit.end),
    samples: Some(&SAMPLES),
};

pub(crate) static WORD: Scanner = Scanner {
    rule: Rule::Classification,
    literals: &["noforn"],
    is_exact: false,
    find: |cx, hit| scan_word(cx.text, hit.start, hit.end),
    samples: None,
};

const SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        ("SECRET//NOFORN convoy at dawn", "[REDACTED:classification]"),
        ("note: (S//NF) convoy at dawn", "[REDACTED:classification]"),
        (
            "TOP SECRET//SI/TK//REL TO USA, FVEY\nplan",
            "[REDACTED:classification]",
        ),
        ("CUI//SP-PRVCY roster attached", "[REDACTED:classification]"),
        ("this report is NOFORN", "[REDACTED:classification]"),
        ("(U//FOUO) roster", "[REDACTED:classification]"),
    ],
    kept: &[
        "(U) weather is fine",
        "(C) 2026 Example Ltd",
        "let x = 1; //SI units",
        "https://SI.example.com/secret//rel",
        "secret//config reloaded",
        "a top secret plan",
        "SECRET_KEY_BASE is unset",
        "// REL: next release",
        "keys are //nfs mounted",
    ],
};
