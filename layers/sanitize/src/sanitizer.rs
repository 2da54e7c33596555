//! The handle: it cleans texts by the policy in force, and counts.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use crate::named::key::{KeyClass, Reason, Scalar};
use crate::named::place::place_of;
use crate::named::sibling;
use crate::policy::compiled::Compiled;
use crate::policy::error::PolicyError;
use crate::policy::settings::{Classification, Policy};
use crate::report::cost::Cost;
use crate::report::counts::Counts;
use crate::report::finding::{self, Finding};
use crate::rule_names::{Place, Rule};
use crate::scan::find as scan;
use crate::scan::rewrite::{self, Built, Scratch};
use crate::self_test as samples;
use crate::text::Steps;
use crate::text::floor;

/// How far behind the cap a text is still scanned: the longest secret that is one word, a token of some 4 KiB.
const OVERHANG_BYTES: usize = 4096;

/// How often an output is cleaned again before it is given up: each round takes away what the one before laid bare.
const MAX_ROUNDS: usize = 8;

/// Cleans texts by a policy. A cheap handle: clones share the policy, its reloads and the counters.
#[derive(Clone)]
pub struct Sanitizer {
    shared: Arc<Shared>,
}

struct Shared {
    rules: ArcSwap<Compiled>,
    generation: AtomicU64,
    counts: Counts,
}

/// What cleaning a text did to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Pieces taken, a cut-off tail among them.
    pub redactions: usize,
    /// A classification marking was in it.
    pub is_classified: bool,
    /// The policy asks for the whole record to go, by [`Classification::DropRecord`].
    pub drop_record: bool,
}

impl Sanitizer {
    /// A sanitizer that follows `policy`.
    #[must_use]
    pub fn new(policy: &Policy) -> Self {
        Self {
            shared: Arc::new(Shared {
                rules: ArcSwap::from_pointee(Compiled::of(policy)),
                generation: AtomicU64::new(0),
                counts: Counts::default(),
            }),
        }
    }

    /// Follows `policy` from now on, in all clones.
    ///
    /// # Errors
    /// A built-in rule that no longer finds its own samples under it; the policy in force stays.
    pub fn reload(&self, policy: &Policy) -> Result<(), PolicyError> {
        let rules = Compiled::of(policy);
        samples::find_all(&rules).map_err(PolicyError::SelfTest)?;
        self.shared.rules.store(Arc::new(rules));
        self.shared.generation.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Grows with each [`reload`](Self::reload): whoever keeps classes of names asks again when it changed.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.shared.generation.load(Ordering::Acquire)
    }

    /// Is a field of this name secret? The order of rules is that of a policy: exact deny, exact allow, deny globs, allow
    /// globs, built-in words.
    #[must_use]
    pub fn key(&self, name: &str) -> KeyClass {
        self.shared.rules.load().keys.class(name).0
    }

    /// The class of a name and the rule that decides it.
    #[must_use]
    pub fn explain(&self, name: &str) -> (KeyClass, Reason) {
        self.shared.rules.load().keys.explain(name)
    }

    /// Does a value of this kind go when its field has this name? Booleans and nulls never do, and a small integer
    /// under a plural `tokens` is a count.
    #[must_use]
    pub fn redacts(&self, name: &str, scalar: Scalar) -> bool {
        self.shared.rules.load().keys.redacts(name, scalar)
    }

    /// Where the value of the field `name` stands: [`Place::Version`] when the name says so, else `place`.
    #[must_use]
    pub fn place(&self, place: Place, name: &str) -> Place {
        place_of(place, name)
    }

    /// In a list of `items` texts: does `item` make `next` secret? As `--token` does with the argument behind it, and in
    /// a pair a header's name with its value. [`value`](Self::value) asks this itself.
    #[must_use]
    pub fn is_named_by(&self, item: &str, next: &str, items: usize) -> bool {
        sibling::is_named_by(&self.shared.rules.load().keys, item, next, items)
    }

    /// In a map: do two members say that one is the name of the other's value, and that it is secret? As in
    /// `{"name": "token", "value": "x"}`. [`value`](Self::value) asks this itself.
    #[must_use]
    pub fn is_value_of(&self, value_key: &str, name_key: &str, name: &str) -> bool {
        sibling::holds_value(value_key)
            && sibling::holds_name(name_key)
            && sibling::is_secret(&self.shared.rules.load().keys, name)
    }

    /// `text` without what is secret; the same text, borrowed, when nothing was.
    #[must_use]
    pub fn clean<'t>(&self, place: Place, text: &'t str) -> Cow<'t, str> {
        rewrite::with_scratch(|scratch| match self.scan(place, text, scratch).redactions {
            0 => Cow::Borrowed(text),
            _ => Cow::Owned(scratch.out.clone()),
        })
    }

    /// Cleans `text` from byte `from` on, in place. Allocates nothing when that part is clean. When `from` is no
    /// character boundary of `text`, all of it is cleaned.
    pub fn clean_into(&self, place: Place, text: &mut String, from: usize) -> Cleaned {
        rewrite::with_scratch(|scratch| {
            let from = if text.is_char_boundary(from) { from } else { 0 };
            let cleaned = self.scan(place, text.get(from..).unwrap_or_default(), scratch);
            if cleaned.redactions > 0 {
                text.truncate(from);
                text.push_str(&scratch.out);
            }
            cleaned
        })
    }

    /// What was redacted so far, by all clones.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.shared.counts
    }

    /// What [`clean`](Self::clean) would cost, without changing or counting anything.
    #[must_use]
    pub fn cost(&self, place: Place, text: &str) -> Cost {
        let alone = Self {
            shared: Arc::new(Shared {
                rules: ArcSwap::new(self.shared.rules.load_full()),
                generation: AtomicU64::new(0),
                counts: Counts::default(),
            }),
        };
        let rules = alone.shared.rules.load();
        rewrite::with_scratch(|scratch| {
            alone.scan(place, text, scratch);
            Cost::of(scanned(&rules, text).len(), scratch.steps)
        })
    }

    /// What [`clean`](Self::clean) would take from `text`, without changing or counting anything.
    #[must_use]
    pub fn find(&self, place: Place, text: &str) -> Vec<Finding> {
        let rules = self.shared.rules.load();
        finding::in_text(&rules, place, text)
    }

    /// What [`value`](Self::value) would take, without changing or counting anything.
    #[must_use]
    pub fn find_in(&self, place: Place, value: &serde_json::Value) -> Vec<Finding> {
        let rules = self.shared.rules.load();
        finding::in_value(&rules, place, value)
    }

    /// Scans `text`. When anything goes, the output is in `scratch.out` and counted.
    fn scan(&self, place: Place, text: &str, scratch: &mut Scratch) -> Cleaned {
        let rules = self.shared.rules.load();
        let Scratch {
            spans, out, steps, ..
        } = scratch;
        let scanned = scanned(&rules, text);
        let is_long = text.len() > rules.max_string_bytes;
        let counts = &self.shared.counts;
        counts.scanned(scanned.len());
        *steps = Steps::of(scanned.len());
        counts.in_patterns(scan::find(&rules, place, scanned, steps, spans));
        if spans.is_empty() && !is_long {
            return Cleaned::default();
        }
        counts.touch();
        for span in spans.iter() {
            counts.add(span.rule, place);
        }
        if rules.is_report() {
            return Cleaned::default();
        }
        let mut cleaned = Cleaned {
            redactions: spans.len(),
            is_classified: spans.iter().any(|span| span.rule == Rule::Classification),
            drop_record: false,
        };
        cleaned.drop_record =
            cleaned.is_classified && rules.classification() == Classification::DropRecord;
        match rewrite::build(&rules, scanned, text.len(), spans, out) {
            Built::Whole => {}
            Built::Cut => {
                counts.truncate();
                cleaned.redactions += 1;
            }
            Built::Failed => counts.add(Rule::Error, place),
        }
        if !steps.are_spent() {
            cleaned.redactions += self.settle(&rules, place, scratch);
        }
        cleaned
    }

    /// Cleans the output until nothing is left to clean, so that cleaning twice is cleaning once. Nearly always it is
    /// clean already; but what stands beside a marker, or was cut, may read differently now (`1.2.3.4.5` cut to
    /// `1.2.3.4`). An output that won't settle, or takes more steps than are left, goes as a whole.
    fn settle(&self, rules: &Compiled, place: Place, scratch: &mut Scratch) -> usize {
        let Scratch {
            spans,
            out,
            last,
            steps,
        } = scratch;
        let mut redactions = 0;
        for _ in 0..MAX_ROUNDS {
            let counts = &self.shared.counts;
            counts.in_patterns(scan::find(rules, place, out, steps, spans));
            if steps.are_spent() {
                break;
            }
            if spans.is_empty() {
                return redactions;
            }
            redactions += spans.len();
            std::mem::swap(out, last);
            if rewrite::build(rules, last, last.len(), spans, out) == Built::Failed {
                self.count(Rule::Error, place);
            }
        }
        self.count(Rule::Error, place);
        out.clear();
        out.push_str(rules.markers().text(Rule::Error));
        redactions + 1
    }

    pub(crate) fn rules(&self) -> impl std::ops::Deref<Target = Arc<Compiled>> + use<'_> {
        self.shared.rules.load()
    }

    pub(crate) fn count(&self, rule: Rule, place: Place) {
        self.shared.counts.add(rule, place);
    }

    pub(crate) fn marker(&self, rule: Rule) -> String {
        self.shared.rules.load().markers().text(rule).to_owned()
    }
}

/// What is read of `text`: behind the cap so much more that what is cut in two is still known for what it is.
#[inline]
fn scanned<'t>(rules: &Compiled, text: &'t str) -> &'t str {
    if text.len() <= rules.max_string_bytes {
        return text;
    }
    let most = rules.max_string_bytes.saturating_add(OVERHANG_BYTES);
    text.get(..floor::floor(text, most)).unwrap_or_default()
}

impl Default for Sanitizer {
    /// Follows the default policy.
    fn default() -> Self {
        Self::new(&Policy::new())
    }
}

impl fmt::Debug for Sanitizer {
    /// Shows no names and no values: what a policy knows may be secret itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sanitizer")
            .field("generation", &self.generation())
            .field("touched", &self.counts().touched())
            .finish_non_exhaustive()
    }
}
