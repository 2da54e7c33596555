//! All passes over one text, and the spans that come of them.

use std::time::Duration;

use super::alphabet::Runs;
use super::marks::Marks;
use super::policy::{Classification, Compiled};
use super::rule::{Place, Rule};
use super::span::{self, Seen, Span};
use super::stopwatch::Stopwatch;
use super::text::{Source, Steps, Text};
use super::token::VENDORS;
use super::trigger::{Hit, Table, Trigger};
use super::{
    bearer, command, dialogue, email, home, insert, ip, jwt, literal, login, marking, modem,
    numbers, pairs, pem, shell, source, ssn, strict, token, userinfo,
};

/// Fills `spans` with what goes from `source`, in order, none overlapping. Gives the time that the policy's own patterns
/// took. A text that takes more than `steps` goes as a whole, as an error.
pub(super) fn find(
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
    Table::built_in().scan(text, |hit| pass.ask(hit));
    let mut in_patterns = Duration::ZERO;
    if let Some(own) = rules.own_triggers() {
        let mut pass = Pass::new(rules, source, text, spans);
        let is_scanned = own.scan(text, |hit| pass.ask(hit));
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
    text: Text<'t>,
    spans: &'p mut Vec<Span>,
    marks: Marks,
    runs: Option<Runs>,
    /// Where the last match of each of the policy's first patterns ends: what lies before it is not searched again.
    matched: Option<[usize; 32]>,
    in_patterns: Duration,
}

impl<'p, 't> Pass<'p, 't> {
    fn new(rules: &'p Compiled, source: &'p str, text: Text<'t>, spans: &'p mut Vec<Span>) -> Self {
        Self {
            rules,
            source,
            text,
            spans,
            marks: Marks::default(),
            runs: None,
            matched: None,
            in_patterns: Duration::ZERO,
        }
    }

    /// Asks the scanner of a hit. Gives the place before which it has nothing to find any more.
    fn ask(&mut self, hit: &Hit) -> Option<usize> {
        match self.look(hit) {
            Seen::Nothing => None,
            Seen::NothingBefore(next) => Some(next),
            Seen::Found(span) => {
                if self.rules.has(span.rule) {
                    self.spans.push(span);
                }
                Some(span.end)
            }
            Seen::Both(first, second) => {
                if self.rules.has(first.rule) {
                    self.spans.extend([first, second]);
                }
                Some(second.end)
            }
        }
    }

    #[inline(always)]
    fn look(&mut self, hit: &Hit) -> Seen {
        let (rules, text) = (self.rules, self.text);
        let Hit { start, end, .. } = *hit;
        match hit.trigger {
            Trigger::Name => pairs::scan(text, rules, &mut self.marks, start, end),
            Trigger::EncodedEmail => email::scan(text, start, end),
            Trigger::Jwt => jwt::scan(text, start, end),
            Trigger::Bearer => bearer::scan_bearer(text, start, end),
            Trigger::Basic => bearer::scan_basic(text, start, end),
            Trigger::Url => userinfo::scan(text, rules.markers(), start, end),
            Trigger::Ssn => ssn::scan_named(text, start, end),
            Trigger::PrivateKey => pem::scan(text, start, end),
            Trigger::Token => VENDORS
                .get(usize::from(hit.which))
                .map_or(Seen::Nothing, |vendor| {
                    token::scan(text, self.runs.get_or_insert_default(), vendor, start, end)
                }),
            Trigger::Home => home::scan(text, start, end),
            Trigger::Marking => marking::scan(text, start, end),
            Trigger::MarkingWord => marking::scan_word(text, start, end),
            Trigger::Command => command::scan(text, &mut self.marks, start, end),
            Trigger::Identified => literal::scan(text, rules.markers(), start, end),
            Trigger::Dialogue => dialogue::scan(text, start, end),
            Trigger::Infix => token::scan_infix(text, start, end),
            Trigger::LoginFlag => shell::scan_login(text, start, end),
            Trigger::Piped => shell::scan_piped(text, &mut self.marks, start, end),
            Trigger::Modem => modem::scan(text, start, end),
            Trigger::DashedIp => ip::scan_dashed(text, start, end),
            Trigger::Login => login::scan(text, start, end),
            Trigger::Insert => {
                insert::scan(text, rules, start, end, |span| self.spans.push(span));
                Seen::Nothing
            }
            Trigger::Pattern => {
                let since = Stopwatch::start();
                let seen = self.pattern(hit);
                self.in_patterns += since.elapsed();
                seen
            }
            Trigger::Known => known(rules, self.source, text, hit),
        }
    }

    /// A match of one of the policy's patterns around its literal.
    fn pattern(&mut self, hit: &Hit) -> Seen {
        let (rules, source, text) = (self.rules, self.source, self.text);
        let matched = self.matched.get_or_insert_default();
        let matched = matched.get_mut(usize::from(hit.which));
        let done = matched.as_deref().copied().unwrap_or(0);
        let found = rules.pattern(hit.which).and_then(|pattern| {
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
                    pattern: hit.which,
                })
            }
            _ => Seen::Nothing,
        }
    }
}

/// A secret that the policy knows, letter by letter.
fn known(rules: &Compiled, source: &str, text: Text<'_>, hit: &Hit) -> Seen {
    let is_same = source.get(hit.start..hit.end) == rules.known(hit.which);
    if is_same && !rules.markers().holds(text, hit.start, hit.end) {
        Seen::found(Rule::Known, hit.start, hit.end)
    } else {
        Seen::Nothing
    }
}
