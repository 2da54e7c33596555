//! All passes over one text, and the spans that come of them.

use std::time::Duration;

use crate::policy::compiled::Compiled;
use crate::policy::own_literals::Asked;
use crate::policy::settings::Classification;
use crate::rule::pairs;
use crate::rule::scanner::{Context, Hit, Scanner};
use crate::rule::source;
use crate::rule_names::{Place, Rule};
use crate::scan::numbers;
use crate::scan::stopwatch::Stopwatch;
use crate::scan::strict;
use crate::scan::table::Table;
use crate::text::marks::Marks;
use crate::text::span::{self, Seen, Span};
use crate::text::{Source, Steps, Text};

/// Fills `spans` with what goes from `source`, in order, none overlapping. Gives the time that the policy's own patterns
/// took. A text that takes more than `steps` goes as a whole, as an error.
pub(crate) fn find(
    rules: &Compiled,
    place: Place,
    source: &str,
    steps: &mut Steps,
    spans: &mut Vec<Span>,
) -> Duration {
    spans.clear();
    let bounded = Source::new(source.as_bytes(), *steps);
    let text = Text::of(&bounded);
    let mut pass = Pass::new(rules, source, text, spans);
    Table::built_in().scan(text, |scanner, hit| pass.ask(scanner, hit));
    let mut in_patterns = Duration::ZERO;
    if let Some(own) = rules.own_literals() {
        let mut pass = Pass::new(rules, source, text, spans);
        let is_scanned = own.scan(text, |asked, hit| pass.ask_own(asked, hit));
        in_patterns = pass.in_patterns;
        if !is_scanned {
            spans.clear();
            spans.push(whole(source, Rule::Error));
            return in_patterns;
        }
    }
    if rules.has_personal() {
        let kept = numbers::Kept {
            versions: place == Place::Version,
            loopback: rules.keeps_loopback(),
        };
        numbers::scan(text, kept, |span| spans.push(span));
    }
    if place == Place::Stack && rules.has(Rule::Path) {
        source::scan(text, |span| spans.push(span));
    }
    if rules.is_strict() {
        strict::scan(text, |span| spans.push(span));
    }
    bounded.settle(steps);
    if steps.are_spent() {
        spans.clear();
        spans.push(whole(source, Rule::Error));
        return in_patterns;
    }
    if spans.is_empty() {
        return in_patterns;
    }
    let is_classified = spans.iter().any(|span| span.rule == Rule::Classification);
    if is_classified && rules.classification() != Classification::MarkOnly {
        spans.clear();
        spans.push(whole(source, Rule::Classification));
    }
    span::merge(text, spans);
    // What is a marker already stays one.
    spans.retain(|span| rules.markers().end(text, span.start) != Some(span.end));
    in_patterns
}

fn whole(source: &str, rule: Rule) -> Span {
    Span {
        start: 0,
        end: source.len(),
        rule,
        pattern: 0,
    }
}

/// One pass over a text's literals, and what it remembers.
struct Pass<'p, 't> {
    rules: &'p Compiled,
    source: &'p str,
    context: Context<'p, 't>,
    /// Where the last match of each of the policy's first patterns ends: what lies before it is not searched again.
    matched: Option<[usize; 32]>,
    in_patterns: Duration,
}

impl<'p, 't> Pass<'p, 't> {
    fn new(rules: &'p Compiled, source: &'p str, text: Text<'t>, spans: &'p mut Vec<Span>) -> Self {
        Self {
            rules,
            source,
            context: Context {
                text,
                keys: &rules.keys,
                markers: rules.markers(),
                marks: Marks::default(),
                runs: None,
                spans,
            },
            matched: None,
            in_patterns: Duration::ZERO,
        }
    }

    /// Asks the scanner of a hit. Gives the place before which it has nothing to find any more.
    #[inline]
    fn ask(&mut self, scanner: &Scanner, hit: Hit) -> Option<usize> {
        let seen = (scanner.find)(&mut self.context, hit);
        self.take(seen)
    }

    /// The same for a literal of the policy.
    fn ask_own(&mut self, asked: Asked, hit: Hit) -> Option<usize> {
        let seen = match asked {
            Asked::Name => (pairs::NAMES.find)(&mut self.context, hit),
            Asked::Pattern(which) => {
                let since = Stopwatch::start();
                let seen = self.pattern(which, hit);
                self.in_patterns += since.elapsed();
                seen
            }
            Asked::Known(which) => known(self.rules, self.source, self.context.text, which, hit),
        };
        self.take(seen)
    }

    #[inline]
    fn take(&mut self, seen: Seen) -> Option<usize> {
        match seen {
            Seen::Nothing => None,
            Seen::NothingBefore(next) => Some(next),
            Seen::Found(span) => {
                if self.rules.has(span.rule) {
                    self.context.spans.push(span);
                }
                Some(span.end)
            }
            Seen::Both(first, second) => {
                if self.rules.has(first.rule) {
                    self.context.spans.extend([first, second]);
                }
                Some(second.end)
            }
        }
    }

    /// A match of one of the policy's patterns around its literal.
    fn pattern(&mut self, which: u16, hit: Hit) -> Seen {
        let (rules, source, text) = (self.rules, self.source, self.context.text);
        let matched = self.matched.get_or_insert_default();
        let matched = matched.get_mut(usize::from(which));
        let done = matched.as_deref().copied().unwrap_or(0);
        let found = rules.pattern(which).and_then(|pattern| {
            pattern.around(source, (hit.start, hit.end), done, |bytes| {
                text.look() && text.walk(bytes)
            })
        });
        match found {
            Some(found) if !rules.markers().holds(text, found.start, found.end) => {
                if let Some(done) = matched {
                    *done = found.end;
                }
                Seen::Found(Span {
                    start: found.start,
                    end: found.end,
                    rule: Rule::Pattern,
                    pattern: which,
                })
            }
            _ => Seen::Nothing,
        }
    }
}

/// A secret that the policy knows, letter by letter.
fn known(rules: &Compiled, source: &str, text: Text<'_>, which: u16, hit: Hit) -> Seen {
    let is_same = source.get(hit.start..hit.end) == rules.known(which);
    if is_same && !rules.markers().holds(text, hit.start, hit.end) {
        Seen::found(Rule::Known, hit.start, hit.end)
    } else {
        Seen::Nothing
    }
}
