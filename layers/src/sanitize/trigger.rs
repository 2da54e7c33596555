//! Pass one: every literal that may begin something, found at once by one automaton.
//!
//! A clean line costs one table look-up a byte here. A hit only names a scanner and a place; the scanner decides.

use std::sync::LazyLock;

use aho_corasick::automaton::Automaton;
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, MatchKind, StartKind};

use super::command::PROGRAMS;
use super::token::VENDORS;

/// What a literal may begin: the scanner to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Trigger {
    Name,
    Email,
    Jwt,
    Bearer,
    Basic,
    Url,
    Ssn,
    PrivateKey,
    Token,
    Home,
    Marking,
    MarkingWord,
    DashedIp,
    Pattern,
    Known,
    Command,
    Identified,
    Telegram,
}

impl Trigger {
    /// How many there are.
    pub const COUNT: usize = 18;
}

/// A literal at a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub trigger: Trigger,
    /// Which vendor, pattern or known value.
    pub which: u16,
    pub start: usize,
    pub end: usize,
}

/// A literal of the policy.
pub(super) struct Own<'p> {
    literal: &'p str,
    trigger: Trigger,
    which: u16,
}

impl<'p> Own<'p> {
    pub fn new(literal: &'p str, trigger: Trigger, which: u16) -> Self {
        Self {
            literal,
            trigger,
            which,
        }
    }
}

/// The automaton and what its literals mean.
pub(super) struct Triggers {
    automaton: Option<DFA>,
    rows: Vec<(Trigger, u16, usize)>,
}

static BUILT_IN: LazyLock<Triggers> = LazyLock::new(|| Triggers::new(&[]));

impl Triggers {
    /// Those of the built-in rules, made once in a process.
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// The built-in literals and the policy's `own`.
    pub fn new(own: &[Own<'_>]) -> Self {
        let built_in = LITERALS.iter().flat_map(|&(trigger, literals)| {
            literals.iter().map(move |&literal| (literal, trigger, 0))
        });
        let vendors = VENDORS
            .iter()
            .zip(0..)
            .map(|(vendor, which)| (vendor.prefix, Trigger::Token, which));
        let own = own.iter().map(|own| (own.literal, own.trigger, own.which));
        let (literals, rows): (Vec<_>, Vec<_>) = built_in
            .chain(vendors)
            .chain(own)
            .map(|(literal, trigger, which)| (literal, (trigger, which, literal.len())))
            .unzip();
        let automaton = DFA::builder()
            .match_kind(MatchKind::Standard)
            .start_kind(StartKind::Unanchored)
            .ascii_case_insensitive(true)
            .prefilter(false)
            .build(&literals)
            .ok();
        Self { automaton, rows }
    }

    /// Calls `hit` at each literal, overlapping ones too, in the order of their ends. `false` when the automaton could
    /// not be built, so that nothing is known about the text.
    #[inline]
    pub fn scan(&self, text: &[u8], mut hit: impl FnMut(Hit)) -> bool {
        let Some(dfa) = &self.automaton else {
            return false;
        };
        let Ok(mut state) = dfa.start_state(Anchored::No) else {
            return false;
        };
        for (at, &byte) in text.iter().enumerate() {
            state = dfa.next_state(Anchored::No, state, byte);
            if dfa.is_special(state) && dfa.is_match(state) {
                for index in 0..dfa.match_len(state) {
                    let row = dfa.match_pattern(state, index).as_usize();
                    if let Some(&(trigger, which, len)) = self.rows.get(row) {
                        hit(Hit {
                            trigger,
                            which,
                            start: (at + 1).saturating_sub(len),
                            end: at + 1,
                        });
                    }
                }
            }
        }
        true
    }
}

const LITERALS: &[(Trigger, &[&str])] = &[
    (
        Trigger::Name,
        &[
            "pass",
            "pwd",
            "secret",
            "token",
            "auth",
            "cred",
            "cookie",
            "ssn",
            "jwt",
            "csrf",
            "xsrf",
            "key",
            "sessid",
            "sessionid",
            "bearer",
            "social",
            "signature",
            "senha",
            "kennwort",
            "contrase",
            "psk",
            "pswd",
            "rootpw",
            "bindpw",
            "_pw",
            "mnemonic",
            "seedphrase",
            "backup",
            "recovery",
            "scratch",
            "sig=",
        ],
    ),
    (Trigger::Email, &["@", "%40", "\\u0040"]),
    (Trigger::Jwt, &["eyj", "eyk"]),
    (Trigger::Bearer, &["bearer"]),
    (Trigger::Basic, &["basic"]),
    (Trigger::Url, &["://", ":\\/\\/"]),
    (Trigger::Ssn, &["ssn", "social security"]),
    (Trigger::PrivateKey, &["-----begin"]),
    (
        Trigger::Home,
        &[
            "/home/",
            "/users/",
            "\\users\\",
            "%2fhome%2f",
            "%2fusers%2f",
            "\\documents and settings\\",
        ],
    ),
    (Trigger::Marking, &["//"]),
    (Trigger::MarkingWord, &["noforn"]),
    (Trigger::Command, PROGRAMS),
    (Trigger::Identified, &["identified by"]),
    (Trigger::Telegram, &[":aa"]),
    (Trigger::DashedIp, &["ip-", "ec2-"]),
];
