//! Both passes over one text, and the spans that come of them.

use super::policy::Compiled;
use super::rule::{Place, Rule};
use super::span::{self, Seen, Span};
use super::text::Text;
use super::trigger::{Hit, Trigger};
use super::{bearer, email, jwt, numbers, pairs, ssn, userinfo};

/// Fills `spans` with what goes from `text`, in order, none overlapping.
pub(super) fn find(rules: &Compiled, place: Place, source: &str, spans: &mut Vec<Span>) {
    spans.clear();
    let text = Text(source.as_bytes());
    let mut resume = [0_usize; Trigger::COUNT];
    let is_scanned = rules.triggers().scan(source.as_bytes(), |hit| {
        let Some(resume) = resume.get_mut(hit.trigger as usize) else {
            return;
        };
        if hit.start < *resume {
            return;
        }
        match look(rules, text, hit) {
            Seen::Nothing => {}
            Seen::NothingBefore(next) => *resume = next,
            Seen::Found(span) => {
                *resume = span.end;
                spans.push(span);
            }
        }
    });
    if !is_scanned {
        spans.push(Span {
            start: 0,
            end: source.len(),
            rule: Rule::Error,
            pattern: 0,
        });
        return;
    }
    numbers::scan(text, place == Place::Version, |seen| {
        if let Seen::Found(span) = seen {
            spans.push(span);
        }
    });
    span::merge(spans);
}

fn look(rules: &Compiled, text: Text<'_>, hit: Hit) -> Seen {
    let Hit { start, end, .. } = hit;
    match hit.trigger {
        Trigger::Name => pairs::scan(text, &rules.keys, start, end),
        Trigger::Email => email::scan(text, start, end),
        Trigger::Jwt => jwt::scan(text, start, end),
        Trigger::Bearer => bearer::scan_bearer(text, start, end),
        Trigger::Basic => bearer::scan_basic(text, start, end),
        Trigger::Url => userinfo::scan(text, start, end),
        Trigger::Ssn => ssn::scan_named(text, start, end),
    }
}
