//! Pass one for the policy's own literals: names, what patterns require, known values.

use aho_corasick::automaton::Automaton;
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, MatchKind, StartKind};

use crate::rule::resume::Resume;
use crate::rule::scanner::Hit;
use crate::text::Text;

/// Whom a literal of the policy asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Whoever looks at secret names.
    Name,
    /// The policy's pattern with this number.
    Pattern(u16),
    /// The policy's known value with this number.
    Known(u16),
}

impl Asked {
    /// How many sorts there are.
    const SORTS: usize = 3;

    fn sort(self) -> usize {
        match self {
            Self::Name => 0,
            Self::Pattern(_) => 1,
            Self::Known(_) => 2,
        }
    }
}

/// A literal of the policy.
pub(crate) struct Own<'p> {
    literal: &'p str,
    asked: Asked,
}

impl<'p> Own<'p> {
    pub fn new(literal: &'p str, asked: Asked) -> Self {
        Self { literal, asked }
    }
}

/// The policy's literals, of any number and length: an automaton.
pub(crate) struct OwnLiterals {
    automaton: Option<DFA>,
    rows: Vec<(Asked, usize)>,
}

impl OwnLiterals {
    pub fn new(own: &[Own<'_>]) -> Self {
        let automaton = DFA::builder()
            .match_kind(MatchKind::Standard)
            .start_kind(StartKind::Unanchored)
            .ascii_case_insensitive(true)
            .prefilter(false)
            .build(own.iter().map(|own| own.literal))
            .ok();
        let row = |own: &Own<'_>| (own.asked, own.literal.len());
        Self {
            automaton,
            rows: own.iter().map(row).collect(),
        }
    }

    /// Calls `hit` as the built-in table does, but in the order of the literals' ends. `false` when the automaton could
    /// not be built, so that nothing is known about the text.
    pub fn scan(&self, text: Text<'_>, mut hit: impl FnMut(Asked, Hit) -> Option<usize>) -> bool {
        let mut resume = Resume::<{ Asked::SORTS }>::default();
        let Some(dfa) = &self.automaton else {
            return false;
        };
        let Ok(mut state) = dfa.start_state(Anchored::No) else {
            return false;
        };
        for (at, &byte) in text.pass().iter().enumerate() {
            state = dfa.next_state(Anchored::No, state, byte);
            if !(dfa.is_special(state) && dfa.is_match(state)) {
                continue;
            }
            for index in 0..dfa.match_len(state) {
                let row = dfa.match_pattern(state, index).as_usize();
                let Some(&(asked, len)) = self.rows.get(row) else {
                    continue;
                };
                let (start, end) = ((at + 1).saturating_sub(len), at + 1);
                if resume.is_due(asked.sort(), start) && text.look() {
                    let which = 0;
                    let next = hit(asked, Hit { which, start, end });
                    resume.remember(asked.sort(), next);
                }
            }
        }
        true
    }
}
