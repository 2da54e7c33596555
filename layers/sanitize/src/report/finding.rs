//! What would go, without the text: for a report, and for whoever writes a policy.

use serde_json::Value;

use crate::kind::{Place, Rule};
use crate::named::key::KeyClass;
use crate::named::nested::{MAX_DEPTH, place_of, scalar};
use crate::named::sibling;
use crate::policy::compiled::Compiled;
use crate::scan::find as scan;
use crate::text::Steps;
use crate::text::floor;

/// One piece that a rule takes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The rule that takes it.
    pub rule: Rule,
    /// The name of the policy's pattern, for [`Rule::Pattern`].
    pub pattern: Option<String>,
    /// Where the text comes from.
    pub place: Place,
    /// The names that lead to it in a nested value, joined by dots, the first 512 bytes of them; empty for a text of its
    /// own.
    pub key: String,
    /// Where it begins in its text, in bytes. 0 for a value that goes as a whole.
    pub start: usize,
    /// How long it is, in bytes.
    pub len: usize,
    /// Its letters as `A` and `a`, its digits as `9`, the first 64 characters of it.
    pub shape: String,
}

/// Longest path of names: each finding has a copy of it.
const MAX_KEY_BYTES: usize = 512;
/// Longest shape: enough to tell one form from another.
const MAX_SHAPE_CHARS: usize = 64;

pub(crate) fn in_text(rules: &Compiled, place: Place, text: &str) -> Vec<Finding> {
    let mut spans = Vec::new();
    let mut steps = Steps::of(text.len());
    scan::find(rules, place, text, &mut steps, &mut spans);
    let finding = |span: crate::text::span::Span| Finding {
        rule: span.rule,
        pattern: rules
            .pattern(span.pattern)
            .filter(|_| span.rule == Rule::Pattern)
            .map(|pattern| pattern.name().to_owned()),
        place,
        key: String::new(),
        start: span.start,
        len: span.end - span.start,
        shape: shape(text.get(span.start..span.end).unwrap_or_default()),
    };
    spans.into_iter().map(finding).collect()
}

pub(crate) fn in_value(rules: &Compiled, place: Place, value: &Value) -> Vec<Finding> {
    let mut walk = Walk {
        rules,
        key: String::new(),
        findings: Vec::new(),
    };
    walk.value(place, value, 0);
    walk.findings
}

/// A walk through a nested value.
struct Walk<'w> {
    rules: &'w Compiled,
    /// The names that lead to where it is.
    key: String,
    findings: Vec<Finding>,
}

impl Walk<'_> {
    fn value(&mut self, place: Place, value: &Value, depth: usize) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Array(_) | Value::Object(_) if depth >= MAX_DEPTH => {}
            Value::Number(number) => self.text(place, &number.to_string()),
            Value::String(string) => self.text(place, string),
            Value::Array(items) => {
                let named = sibling::named_items(&self.rules.keys, items);
                let mut named = named.into_iter().peekable();
                for (index, item) in items.iter().enumerate() {
                    let is_named = named.next_if_eq(&index).is_some();
                    let whole = is_named.then_some(place);
                    self.member(place, &index.to_string(), item, whole, depth);
                }
            }
            Value::Object(map) => {
                let names_value = sibling::names_its_value(&self.rules.keys, map);
                for (name, value) in map {
                    self.text(place, name);
                    let is_own = self.rules.keys.class(name).0 == KeyClass::Secret
                        && self.rules.keys.redacts(name, scalar(value));
                    let is_named = names_value
                        && sibling::holds_value(name)
                        && !matches!(value, Value::Null | Value::Bool(_));
                    let whole = (is_own || is_named).then_some(place);
                    self.member(place_of(place, name), name, value, whole, depth);
                }
            }
        }
    }

    /// What is below `name`: one finding, in the place `goes`, when it goes as a whole.
    fn member(
        &mut self,
        place: Place,
        name: &str,
        value: &Value,
        goes: Option<Place>,
        depth: usize,
    ) {
        let above = self.key.len();
        if above > 0 {
            self.key.push('.');
        }
        self.key.push_str(name);
        let most = floor::floor(&self.key, MAX_KEY_BYTES);
        self.key.truncate(most);
        if let Some(place) = goes {
            self.findings.push(whole(place, self.key.clone(), value));
        } else {
            self.value(place, value, depth + 1);
        }
        self.key.truncate(above);
    }

    fn text(&mut self, place: Place, text: &str) {
        let found = in_text(self.rules, place, text).into_iter();
        self.findings.extend(found.map(|finding| Finding {
            key: self.key.clone(),
            ..finding
        }));
    }
}

/// A value that goes for its name.
fn whole(place: Place, key: String, value: &Value) -> Finding {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    Finding {
        rule: Rule::Key,
        pattern: None,
        place,
        key,
        start: 0,
        len: text.len(),
        shape: shape(&text),
    }
}

fn shape(text: &str) -> String {
    text.chars()
        .take(MAX_SHAPE_CHARS)
        .map(|letter| match letter {
            '0'..='9' => '9',
            letter if letter.is_uppercase() => 'A',
            letter if letter.is_alphanumeric() => 'a',
            letter if letter.is_control() => ' ',
            letter => letter,
        })
        .collect()
}
