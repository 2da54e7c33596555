//! What would go, without the text: for a report, and for whoever writes a policy.

use serde_json::Value;

use crate::policy::compiled::Compiled;
use crate::rule_names::{Place, Rule};
use crate::scan::find as scan;
use crate::text::Steps;
use crate::text::floor;
use crate::tree::{self, Step, Visit};

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

pub(crate) fn in_value(rules: &Compiled, place: Place, mut value: &Value) -> Vec<Finding> {
    let mut search = Search {
        rules,
        key: String::new(),
        above: Vec::new(),
        findings: Vec::new(),
    };
    tree::walk(&rules.keys, place, &mut value, &mut search);
    search.findings
}

/// Looks, and changes nothing.
struct Search<'s> {
    rules: &'s Compiled,
    /// The names that lead to where it is.
    key: String,
    /// How long the key was at each step down.
    above: Vec<usize>,
    findings: Vec<Finding>,
}

impl Search<'_> {
    fn text(&mut self, place: Place, text: &str) {
        let found = in_text(self.rules, place, text).into_iter();
        self.findings.extend(found.map(|finding| Finding {
            key: self.key.clone(),
            ..finding
        }));
    }

    /// One step down, by `name`.
    fn down(&mut self, name: &str) {
        self.above.push(self.key.len());
        if !self.key.is_empty() {
            self.key.push('.');
        }
        self.key.push_str(name);
        let most = floor::floor(&self.key, MAX_KEY_BYTES);
        self.key.truncate(most);
    }
}

impl Visit<&Value> for Search<'_> {
    fn enter(&mut self, place: Place, step: Step<&str>) {
        match step {
            Step::Item(index) => self.down(&index.to_string()),
            Step::Member(name) => {
                self.text(place, name);
                self.down(name);
            }
        }
    }

    fn leave(&mut self) {
        self.key.truncate(self.above.pop().unwrap_or_default());
    }

    fn leaf(&mut self, place: Place, value: &mut &Value) {
        match value {
            Value::String(text) => self.text(place, text),
            Value::Number(number) => self.text(place, &number.to_string()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {}
        }
    }

    fn whole(&mut self, place: Place, value: &mut &Value) {
        self.findings.push(whole(place, self.key.clone(), value));
    }

    fn too_deep(&mut self, _: Place, _: &mut &Value) {}
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
