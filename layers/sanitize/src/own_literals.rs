//! Pass one for the policy's own literals: names, what patterns require, known values.

use aho_corasick::automaton::Automaton;
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, MatchKind, StartKind};

use super::text::Text;
use super::trigger::{Hit, Resume, Trigger};

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

/// The policy's literals, of any number and length: an automaton.
pub(super) struct Triggers {
    automaton: Option<DFA>,
    rows: Vec<(Trigger, u16, usize)>,
}

impl Triggers {
    pub fn new(own: &[Own<'_>]) -> Self {
        let automaton = DFA::builder()
            .match_kind(MatchKind::Standard)
            .start_kind(StartKind::Unanchored)
            .ascii_case_insensitive(true)
            .prefilter(false)
            .build(own.iter().map(|own| own.literal))
            .ok();
        let row = |own: &Own<'_>| (own.trigger, own.which, own.literal.len());
        Self {
            automaton,
            rows: own.iter().map(row).collect(),
        }
    }

    /// Calls `hit` as the built-in table does, but in the order of the literals' ends. `false` when the automaton could
    /// not be built, so that nothing is known about the text.
    pub fn scan(&self, text: Text<'_>, mut hit: impl FnMut(&Hit) -> Option<usize>) -> bool {
        let mut resume = Resume::default();
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
                let Some(&(trigger, which, len)) = self.rows.get(row) else {
                    continue;
                };
                let (start, end) = ((at + 1).saturating_sub(len), at + 1);
                if resume.is_due(trigger, start) && text.look() {
                    let found = Hit {
                        trigger,
                        which,
                        start,
                        end,
                    };
                    resume.hand_on(&found, &mut hit);
                }
            }
        }
        true
    }
}
