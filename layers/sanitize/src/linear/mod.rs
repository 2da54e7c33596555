//! The proof that no text costs more than its length allows: what the rules begin with, repeated, with all that may stand
//! around it, encoded and mixed.
//!
//! Steps are counted, not timed, so the numbers are the same on each machine. CI draws some of the pieces by a seed that
//! it prints; `COURIER_PROOF_SEED=7` draws the same again, `COURIER_PROOF_ROUNDS=20` draws twenty times as many, and
//! `COURIER_PROOF_ROUNDS=all` tries each literal with each sign on both sides in each spelling: some hours in a release
//! build.

mod openings;
mod pieces;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use crate::Sanitizer;
use crate::policy::compiled::Compiled;
use crate::policy::pattern::Pattern;
use crate::policy::settings::{Policy, Profile};
use crate::report::cost::literals;
use crate::rule_names::Place;
use crate::scan::find as scan;
use crate::self_test as samples;
use crate::text::{LOOKS, Steps};
use pieces::{Draw, SIGNS, WAYS, mixture, spelled};

/// The length at which costs are looked at first, and the one at which a doubt is settled.
const SHORT: usize = 2 * 1024;
const CAP: usize = 128 * 1024;
/// How many times as long a text is compared with it, and how much more than so many times as much it may cost.
const TIMES: usize = 4;
const GROWTH: f64 = 1.2;
/// What one pass may take for each byte: steps, and looks at single bytes.
const MOST: usize = 320;
/// The same where a policy has names and patterns of its own.
const MOST_OF_OWN: usize = 512;
/// How many pieces are drawn in a round, and how many texts of mixed pieces.
const DRAWS: usize = 4_000;
const MIXTURES: usize = 1_500;

/// What one pass over `text` takes.
fn taken(rules: &Compiled, place: Place, text: &str) -> usize {
    let all = Steps::of(text.len() * 64);
    let mut left = all;
    LOOKS.set(0);
    scan::find(rules, place, text, &mut left, &mut Vec::new());
    left.taken(all) + LOOKS.get()
}

/// What was found so far.
struct Proof {
    rules: [(Compiled, Place); 2],
    /// What a byte may cost.
    most: usize,
    wrong: Vec<String>,
    /// The most that a byte cost, and of what.
    worst: (usize, String),
}

impl Proof {
    fn new() -> Self {
        Self::of(&Policy::new(), MOST)
    }

    /// With what `policy` has of its own.
    fn of(policy: &Policy, most: usize) -> Self {
        let strict = policy.clone().profile(Profile::Strict);
        Self {
            rules: [
                (Compiled::of(policy), Place::Message),
                (Compiled::of(&strict), Place::Stack),
            ],
            most,
            wrong: Vec::new(),
            worst: Default::default(),
        }
    }

    /// Looks at what `piece` costs when it is repeated.
    fn repeat(&mut self, piece: &str) {
        let repeated = |bytes: usize| piece.repeat(bytes.div_ceil(piece.len()));
        for (rules, place) in &self.rules {
            let mut size = SHORT;
            let mut few = taken(rules, *place, &repeated(size));
            loop {
                size *= TIMES;
                let text = repeated(size);
                let many = taken(rules, *place, &text);
                let a_byte = many / text.len();
                if a_byte > self.worst.0 {
                    self.worst = (a_byte, piece.to_owned());
                }
                // A text may be too short for what a rule looks for, and cost next to nothing: then a longer one tells.
                let allowed = (few * TIMES) as f64 * GROWTH + text.len() as f64;
                let is_linear = many as f64 <= allowed;
                if a_byte > self.most || (!is_linear && size * TIMES > CAP) {
                    let wrong = format!("{piece:?} {place:?}: {many} for {} bytes", text.len());
                    self.wrong
                        .push(format!("{wrong}, {few} for a quarter of it"));
                    break;
                }
                if is_linear {
                    break;
                }
                few = many;
            }
        }
    }

    fn end(self) {
        let wrong = self.wrong.len();
        println!("most for a byte: {:?}", self.worst);
        let first = self.wrong.get(..wrong.min(60)).unwrap_or_default();
        assert!(wrong == 0, "{wrong} of these:\n{}", first.join("\n"));
    }
}

/// How many times as long the proofs run; none for all there is.
fn rounds() -> Option<usize> {
    let rounds = std::env::var("COURIER_PROOF_ROUNDS").unwrap_or_default();
    (rounds != "all").then(|| rounds.parse().unwrap_or(1))
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
        for way in 0..WAYS {
            proof.repeat(&spelled(literal, way));
        }
        proof.repeat(&literal.repeat(2));
    }
    proof.end();
}

#[test]
fn signs_around_a_literal_make_it_no_worse() {
    let (mut proof, mut draw) = (Proof::new(), draw());
    let all: Vec<&str> = literals().collect();
    if let Some(rounds) = rounds() {
        for _ in 0..DRAWS * rounds {
            let literal = spelled(draw.of(&all), draw.below(WAYS));
            let (before, behind) = (draw.of(SIGNS), draw.of(SIGNS));
            proof.repeat(&format!("{before}{literal}{behind}"));
        }
    } else {
        for literal in all {
            for literal in (0..WAYS).map(|way| spelled(literal, way)) {
                for (before, behind) in SIGNS.iter().flat_map(|a| SIGNS.iter().map(move |b| (a, b)))
                {
                    proof.repeat(&format!("{before}{literal}{behind}"));
                }
            }
        }
    }
    proof.end();
}

#[test]
fn mixtures_of_literals_are_no_worse() {
    let (mut proof, mut draw) = (Proof::new(), draw());
    let all: Vec<&str> = literals().collect();
    for _ in 0..MIXTURES * rounds().unwrap_or(1_000) {
        proof.repeat(&mixture(&mut draw, &all));
    }
    proof.end();
}

/// A policy's own names, patterns and secrets cost more than built-in rules, but no more for a longer text.
#[test]
fn what_a_policy_adds_grows_with_the_length_too() {
    let find = |text: &str, at: usize| {
        let found = at + text.get(at..)?.find("FK-1")?;
        let len = text.get(found..)?.find(' ');
        Some(found..len.map_or(text.len(), |len| found + len))
    };
    let mut policy = Policy::new()
        .pattern(Pattern::new("case", "FK-", find).unwrap())
        .known_value("open-sesame")
        .unwrap();
    for name in ["x", "case_number", "*.mrn", "a*b*c*d"] {
        policy = policy.deny(name);
    }
    let (mut proof, mut draw) = (Proof::of(&policy, MOST_OF_OWN), draw());
    for piece in "FK- FK-1 x x=1 number mrn open-sesame open-".split(' ') {
        proof.repeat(piece);
        for _ in 0..50 * rounds().unwrap_or(1_000) {
            let (before, behind) = (draw.of(SIGNS), draw.of(SIGNS));
            proof.repeat(&format!("{before}{piece}{behind}"));
        }
    }
    proof.end();
}

/// Wherever the steps run out, the pass ends, and what it found is not believed.
#[test]
fn a_text_whose_steps_run_out_goes_as_a_whole_wherever_that_is() {
    let strict = Compiled::of(&Policy::new().profile(Profile::Strict));
    let kept = samples::all().flat_map(|(_, samples)| samples.kept.iter().copied());
    for text in samples::taken().chain(kept) {
        for steps in 0_isize.. {
            let (mut left, mut spans) = (Steps::exactly(steps), Vec::new());
            scan::find(&strict, Place::Stack, text, &mut left, &mut spans);
            if !left.are_spent() {
                break;
            }
            assert_eq!(spans.len(), 1, "{text:?}");
            assert_eq!((spans[0].start, spans[0].end), (0, text.len()), "{text:?}");
        }
    }
}

#[test]
fn a_text_that_costs_too_much_goes_as_a_whole_and_is_counted() {
    let sanitizer = Sanitizer::new(&Policy::new().profile(Profile::Strict));
    // Each round takes the end of it, behind which there is another one.
    let text = "$6$".repeat(20_000);
    let cost = sanitizer.cost(Place::Stack, &text);
    println!("{cost:?}");
    assert!(cost.steps > cost.most);
    assert_eq!(sanitizer.counts().failed_closed(), 0);
    assert_eq!(sanitizer.clean(Place::Stack, &text), "[REDACTED:error]");
    assert_eq!(sanitizer.counts().failed_closed(), 1);
}
