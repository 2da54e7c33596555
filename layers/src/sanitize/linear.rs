//! The proof that no text costs more than its length allows: what the rules begin with, repeated, with all that may stand
//! around it, encoded and mixed.
//!
//! Steps are counted, not timed, so the numbers are the same on each machine. `COURIER_PROOF_ROUNDS=400` tries each
//! literal with each sign on both sides and each spelling, where CI draws some of them by a seed that it prints;
//! `COURIER_PROOF_SEED=7` draws those of a seed again.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use super::REDACTED;
use super::cost::literals;
use super::policy::{Compiled, Policy, Profile};
use super::rule::Place;
use super::scan;
use super::text::{LOOKS, Steps};

/// The length that texts are cut at by default.
const CAP: usize = 64 * 1024;
/// The lengths that are compared.
const SHORT: usize = 2 * 1024;
const LONG: usize = 4 * SHORT;
/// What one pass may take for each byte, at the cap: steps, and single looks.
const MOST_STEPS: usize = 64;
const MOST_LOOKS: usize = 256;
/// How much more four times the length may cost than four times as much.
const GROWTH: f64 = 1.2;
/// What may stand before and behind a literal: signs, quotes at several depths, brackets, what encodes them.
const SIGNS: &[&str] = &[
    "",
    " ",
    "=",
    ":",
    ": ",
    "\"",
    "'",
    "`",
    "\\\"",
    "\\\\\\\"",
    "\"\"",
    "''",
    "\"=\"",
    "\": \"",
    "'=>'",
    "%22",
    "%27",
    "%3D",
    "%3D%27",
    "=%27",
    "%27-",
    "%20",
    "%26",
    "%40",
    "&quot;",
    "&lt;",
    "&",
    "?",
    "/",
    "//",
    "\\",
    "@",
    ".",
    ",",
    ";",
    "|",
    "-",
    "--",
    "_",
    "+",
    "~",
    "#",
    "$",
    "*",
    "^",
    "!",
    "0",
    "7",
    "a",
    "Z",
    "é",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<",
    ">",
    "</",
    "((",
    "[[",
    "{{",
    "<![CDATA[",
    "\n",
    "\n  ",
    "\r\n",
    "\t",
    "\\n",
    "\\u0022",
    "\u{1b}[1m",
    "\0",
    "::",
    "..",
    " is ",
    " for ",
    "=[",
    ":{",
    "=(",
    ":|\n ",
    "=$",
    "=<",
    " -",
    " -u ",
    REDACTED,
];

/// Draws numbers that look random.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((number ^ (number >> 31)) % limit as u64).unwrap()
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }
}

/// The ways a literal is spelled: as it is, and as URLs, JSON and forms carry it.
fn spelled(text: &str, way: usize) -> String {
    let percent = |all: bool| {
        let encode = |byte: u8| match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' if !all => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        };
        text.bytes().map(encode).collect::<String>()
    };
    match way {
        0 => text.to_owned(),
        1 => percent(false),
        2 => percent(true),
        3 => text.escape_default().to_string(),
        4 => text.replace('\\', "\\\\").replace('"', "\\\""),
        5 => text
            .chars()
            .map(|letter| format!("\\u{:04x}", u32::from(letter)))
            .collect(),
        6 => text.to_uppercase(),
        _ => text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('"', "&quot;"),
    }
}
const WAYS: usize = 8;

/// What one pass takes: steps and looks.
fn taken(rules: &Compiled, place: Place, text: &str) -> (usize, usize) {
    let mut steps = Steps::of(text.len() * 64);
    LOOKS.set(0);
    scan::find(rules, place, text, &mut steps, &mut Vec::new());
    (steps.taken(), LOOKS.get())
}

struct Proof {
    rules: [(Compiled, Place); 2],
    wrong: Vec<String>,
    /// The worst steps and looks for a byte, and of what.
    worst: [(usize, String); 2],
}

impl Proof {
    fn new() -> Self {
        let strict = Policy::new().profile(Profile::Strict);
        Self {
            rules: [
                (Policy::new().compile(), Place::Message),
                (strict.compile(), Place::Stack),
            ],
            wrong: Vec::new(),
            worst: Default::default(),
        }
    }

    fn repeat(&mut self, piece: &str) {
        if piece.is_empty() {
            return;
        }
        let text = piece.repeat(LONG.div_ceil(piece.len()));
        let short = text
            .get(..piece.len() * SHORT.div_ceil(piece.len()))
            .unwrap();
        for (rules, place) in &self.rules {
            let (few, many) = (taken(rules, *place, short), taken(rules, *place, &text));
            let costs = [(few.0, many.0, MOST_STEPS), (few.1, many.1, MOST_LOOKS)];
            for ((few, many, most), worst) in costs.into_iter().zip(&mut self.worst) {
                let times = text.len() as f64 / short.len() as f64;
                let a_byte = many / text.len();
                if a_byte > worst.0 {
                    *worst = (a_byte, piece.to_owned());
                }
                if many as f64 > (few as f64 * times * GROWTH) + text.len() as f64 || a_byte > most
                {
                    self.wrong.push(format!(
                        "{piece:?} {place:?}: {few} for {} bytes, {many} for {}, {a_byte} a byte",
                        short.len(),
                        text.len()
                    ));
                }
            }
        }
    }

    fn end(self) {
        println!(
            "most steps a byte: {:?}, most looks: {:?}",
            self.worst[0], self.worst[1]
        );
        let wrong = self.wrong.len();
        assert!(
            wrong == 0,
            "{wrong} of these:\n{}",
            self.wrong[..wrong.min(60)].join("\n")
        );
    }
}

/// How many times as long the long proofs run.
fn rounds() -> usize {
    let rounds = std::env::var("COURIER_PROOF_ROUNDS").ok();
    rounds.and_then(|rounds| rounds.parse().ok()).unwrap_or(1)
}

fn draw() -> Draw {
    let seed = std::env::var("COURIER_PROOF_SEED").ok();
    let seed = seed.and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| RandomState::new().hash_one("cost"));
    println!("COURIER_PROOF_SEED={seed}");
    Draw(seed)
}

#[test]
fn each_literal_repeated_costs_what_its_length_allows() {
    let mut proof = Proof::new();
    for literal in literals() {
        proof.repeat(literal);
        proof.repeat(&literal.repeat(2));
    }
    proof.end();
}

#[test]
fn signs_around_a_literal_and_its_spelling_make_it_no_worse() {
    let (mut proof, mut draw) = (Proof::new(), draw());
    let all: Vec<&str> = literals().collect();
    let pairs = SIGNS.len() * SIGNS.len() * WAYS;
    let each = pairs * rounds() / 400;
    if rounds() >= 400 {
        for literal in all {
            for way in 0..WAYS {
                let literal = spelled(literal, way);
                for (before, behind) in SIGNS.iter().flat_map(|a| SIGNS.iter().map(move |b| (a, b)))
                {
                    proof.repeat(&format!("{before}{literal}{behind}"));
                }
            }
        }
    } else {
        for _ in 0..each * 64 * rounds() {
            let literal = spelled(draw.of(&all), draw.below(WAYS));
            let (before, behind) = (draw.of(SIGNS), draw.of(SIGNS));
            proof.repeat(&format!("{before}{literal}{behind}"));
        }
    }
    proof.end();
}
