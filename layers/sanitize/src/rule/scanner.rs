//! A rule is a value: which literals may begin what it takes, who looks closer, and samples of what it takes and leaves.

use crate::marker::Markers;
use crate::named::key::Keys;
use crate::rule_names::{Place, Rule};
use crate::text::Text;
use crate::text::alphabet::Runs;
use crate::text::marks::Marks;
use crate::text::span::{Seen, Span};

/// One way to find what a rule takes. A new one is a static in a file of its own and a name in the table of `rule`.
pub(crate) struct Scanner {
    pub rule: Rule,
    /// Of three bytes or more, in lower case unless they are exact. A text without any of them is never looked at.
    pub literals: &'static [&'static str],
    /// Are the literals written in one case only?
    pub is_exact: bool,
    /// Looks at a place where one of the literals stands.
    pub find: fn(&mut Context<'_, '_>, Hit) -> Seen,
    /// None for a second scanner of the same kind.
    pub samples: Option<&'static Samples>,
}

impl Scanner {
    /// Of what has no literals: a pass of its own finds it.
    pub const fn without_literals(rule: Rule, samples: &'static Samples) -> Self {
        Self {
            rule,
            literals: &[],
            is_exact: false,
            find: |_, _| Seen::Nothing,
            samples: Some(samples),
        }
    }
}

/// A literal at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    /// Which of the scanner's literals.
    pub which: u16,
    pub start: usize,
    pub end: usize,
}

/// What a scanner may look at, and what is remembered from one hit to the next.
pub(crate) struct Context<'c, 't> {
    pub text: Text<'t>,
    pub keys: &'c Keys,
    pub markers: &'c Markers,
    pub marks: Marks,
    pub runs: Option<Runs>,
    /// What was found. A scanner gives its own by its answer; one that finds more puts it in here.
    pub spans: &'c mut Vec<Span>,
}

/// What a rule takes and what it leaves alone; one test runs them all, and so does each policy when it is made.
pub(crate) struct Samples {
    pub place: Place,
    /// A text and what is left of it.
    pub taken: &'static [(&'static str, &'static str)],
    /// Texts that look alike and stay.
    pub kept: &'static [&'static str],
}
