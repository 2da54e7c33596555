//! What would go, without the text: for a report, and for whoever writes a policy.

use serde_json::Value;

use super::json::{MAX_DEPTH, place_of, scalar};
use super::key::KeyClass;
use super::policy::Compiled;
use super::rule::{Place, Rule};
use super::scan;
use super::sibling;
use super::text::Steps;

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
    /// The names that lead to it in a nested value, joined by dots; empty for a text of its own.
    pub key: String,
    /// Where it begins in its text, in bytes. 0 for a value that goes as a whole.
    pub start: usize,
    /// How long it is, in bytes.
    pub len: usize,
    /// Its letters as `A` and `a`, its digits as `9`, the first 64 characters of it.
    pub shape: String,
}

/// Longest shape: enough to tell one form from another.
const MAX_SHAPE_CHARS: usize = 64;

pub(super) fn in_text(rules: &Compiled, place: Place, text: &str) -> Vec<Finding> {
    let mut spans = Vec::new();
    let mut steps = Steps::of(text.len());
    scan::find(rules, place, text, &mut steps, &mut spans);
    let finding = |span: super::span::Span| Finding {
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

pub(super) fn in_value(rules: &Compiled, place: Place, value: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    walk(rules, place, value, "", 0, &mut findings);
    findings
}

fn walk(
    rules: &Compiled,
    place: Place,
    value: &Value,
    key: &str,
    depth: usize,
    findings: &mut Vec<Finding>,
) {
    let text = |place, text: &str, findings: &mut Vec<Finding>| {
        findings.extend(
            in_text(rules, place, text)
                .into_iter()
                .map(|finding| Finding {
                    key: key.to_owned(),
                    ..finding
                }),
        );
    };
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Array(_) | Value::Object(_) if depth >= MAX_DEPTH => {}
        Value::Number(number) => text(place, &number.to_string(), findings),
        Value::String(string) => text(place, string, findings),
        Value::Array(items) => {
            let named = sibling::named_items(&rules.keys, items);
            for (index, item) in items.iter().enumerate() {
                let key = format!("{key}.{index}");
                if named.contains(&index) {
                    findings.push(whole(place, key, item));
                } else {
                    walk(rules, place, item, &key, depth + 1, findings);
                }
            }
        }
        Value::Object(map) => {
            let names_value = sibling::names_its_value(&rules.keys, map);
            for (name, value) in map {
                text(place, name, findings);
                let key = if key.is_empty() {
                    name.clone()
                } else {
                    format!("{key}.{name}")
                };
                let is_own = rules.keys.class(name).0 == KeyClass::Secret
                    && rules.keys.redacts(name, scalar(value));
                let is_named = names_value
                    && sibling::holds_value(name)
                    && !matches!(value, Value::Null | Value::Bool(_));
                if is_own || is_named {
                    findings.push(whole(place, key, value));
                } else {
                    walk(
                        rules,
                        place_of(place, name),
                        value,
                        &key,
                        depth + 1,
                        findings,
                    );
                }
            }
        }
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
