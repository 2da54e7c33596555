//! What the scanners found, before anything is changed: spans of the text, each with its rule.
//!
//! Scanners never rewrite. Their spans are merged (overlapping ones become one, named by the most severe) and the
//! output is built once, so no rule reads what another wrote.

use crate::rule_names::Rule;
use crate::text::Text;

/// A piece of the text that a rule takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub start: usize,
    pub end: usize,
    pub rule: Rule,
    /// Which of the policy's patterns, for [`Rule::Pattern`].
    pub pattern: u16,
}

/// What a scanner says about the place where it was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nothing here.
    Nothing,
    /// Nothing, and nothing at any trigger before this offset either. This keeps every scanner linear.
    NothingBefore(usize),
    /// This piece.
    Found(Span),
    /// These two, the second behind the first: both sides of a change.
    Both(Span, Span),
}

impl Span {
    pub fn of(rule: Rule, start: usize, end: usize) -> Self {
        Self {
            start,
            end,
            rule,
            pattern: 0,
        }
    }
}

impl Seen {
    pub fn found(rule: Rule, start: usize, end: usize) -> Self {
        Self::Found(Span::of(rule, start, end))
    }
}

/// Sorts `spans` and makes overlapping ones one. What looks like an address because a login's secret ends at its sign
/// is none, so the host stays: `scott/x@db.example.com`.
pub(crate) fn merge(text: Text<'_>, spans: &mut Vec<Span>) {
    if spans.len() < 2 {
        return;
    }
    spans.sort_unstable_by_key(|span| (span.start, span.rule, span.end));
    spans.dedup_by(|next, kept| {
        let overlaps = next.start < kept.end;
        let is_login = matches!(kept.rule, Rule::Key | Rule::Userinfo);
        let is_host = next.rule == Rule::Email && is_login && text.at(kept.end) == b'@';
        if overlaps && !is_host {
            kept.end = kept.end.max(next.end);
            if next.rule < kept.rule {
                (kept.rule, kept.pattern) = (next.rule, next.pattern);
            }
        }
        overlaps
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Source, Steps};

    fn span(start: usize, end: usize, rule: Rule) -> Span {
        Span {
            start,
            end,
            rule,
            pattern: 0,
        }
    }

    fn merge_in(text: &[u8], spans: &mut Vec<Span>) {
        merge(Text::of(&Source::new(text, Steps::of(0))), spans);
    }

    #[test]
    fn overlapping_spans_become_one_named_by_the_most_severe() {
        let mut spans = vec![
            span(20, 25, Rule::Ip),
            span(0, 5, Rule::Email),
            span(3, 9, Rule::Key),
            span(8, 12, Rule::Ip),
            span(12, 14, Rule::Ip),
        ];
        merge_in(b"", &mut spans);
        assert_eq!(
            spans,
            [
                span(0, 12, Rule::Key),
                span(12, 14, Rule::Ip),
                span(20, 25, Rule::Ip)
            ]
        );
    }

    #[test]
    fn the_host_behind_a_login_is_no_part_of_an_address() {
        let mut spans = vec![span(2, 5, Rule::Key), span(2, 12, Rule::Email)];
        merge_in(b"a/xyz@db.example", &mut spans);
        assert_eq!(spans, [span(2, 5, Rule::Key)]);
    }
}
