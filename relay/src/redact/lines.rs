//! `courier-relay sanitize`: records in, one a line; the same without secrets out.
//!
//! A clean line comes out byte for byte as it went in. A line that has to change keeps its fields, their order and every
//! number as it was written.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::json;
use tracing_courier::record::{Field, Holds};
use tracing_courier::sanitize::{Finding, Place, Reason, Sanitizer};

use super::Redaction;
use crate::wire::DEPTH;
use crate::wire::json::{Next, Reader, Value};

/// The line is no record. Nothing comes out for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// It is not JSON, or no object.
    #[error("not a JSON object")]
    NotARecord,
}

/// Findings by rule or pattern.
pub type Totals = BTreeMap<String, u64>;

/// Sanitizes lines.
#[derive(Clone)]
pub struct Lines {
    sanitizer: Sanitizer,
}

impl Lines {
    /// By the policy of `sanitizer`.
    #[must_use]
    pub fn by(sanitizer: Sanitizer) -> Self {
        Self { sanitizer }
    }

    /// A record's line without secrets; the same text, borrowed, when nothing was.
    ///
    /// # Errors
    ///
    /// When it is no record.
    pub fn record<'t>(&self, line: &'t str) -> Result<Cow<'t, str>, LineError> {
        let mut members = read(line)?;
        let mut redaction = Redaction::by(&self.sanitizer);
        for (name, value) in &mut members {
            match member(name) {
                Member::Structure => {}
                Member::Field(place) => redaction.value(place, value),
                Member::Attribute => redaction.member(Place::Attribute, name, value),
            }
        }
        if redaction.changes() == 0 {
            return Ok(Cow::Borrowed(line));
        }
        let mut out = String::with_capacity(line.len());
        write_map(&members, &mut out);
        Ok(Cow::Owned(out))
    }

    /// A line of plain text without secrets.
    #[must_use]
    pub fn text<'t>(&self, line: &'t str) -> Cow<'t, str> {
        self.sanitizer.clean(Place::Message, line)
    }

    /// What would go from a record's line, as one JSON object each, without the text; counted in `totals`.
    ///
    /// # Errors
    ///
    /// When it is no record.
    pub fn report(
        &self,
        line: &str,
        number: usize,
        totals: &mut Totals,
    ) -> Result<Vec<String>, LineError> {
        let members = read(line)?;
        let mut findings = Vec::new();
        for (name, value) in &members {
            let (place, value) = match member(name) {
                Member::Structure => continue,
                Member::Field(place) => (place, plain(value)),
                Member::Attribute => (Place::Attribute, json!({ name.as_ref(): plain(value) })),
            };
            for finding in self.sanitizer.find_in(place, &value) {
                let key = match (member(name), finding.key.is_empty()) {
                    (Member::Field(_), true) => name.to_string(),
                    (Member::Field(_), false) => format!("{name}.{}", finding.key),
                    _ => finding.key.clone(),
                };
                findings.push(shown(&finding, &key, number, totals));
            }
        }
        Ok(findings)
    }

    /// The same of a line of plain text.
    #[must_use]
    pub fn report_text(&self, line: &str, number: usize, totals: &mut Totals) -> Vec<String> {
        let findings = self.sanitizer.find(Place::Message, line);
        let shown = |finding: &Finding| shown(finding, "", number, totals);
        findings.iter().map(shown).collect()
    }

    /// What went so far, by rule: `{"email":2,"key":1}`.
    #[must_use]
    pub fn counts(&self) -> String {
        serde_json::to_string(&self.sanitizer.counts().by_rule()).unwrap_or_default()
    }
}

fn shown(finding: &Finding, key: &str, line: usize, totals: &mut Totals) -> String {
    let rule = finding.pattern.as_deref().unwrap_or(finding.rule.as_str());
    *totals.entry(rule.to_owned()).or_default() += 1;
    let place = finding.place.as_str();
    let Finding {
        start, len, shape, ..
    } = finding;
    json!({"line": line, "rule": rule, "place": place, "key": key, "start": start, "len": len, "shape": shape})
        .to_string()
}

/// Which rule decides about a field of this name, in a sentence.
#[must_use]
pub fn explain(sanitizer: &Sanitizer, name: &str) -> String {
    let (class, reason) = sanitizer.explain(name);
    let verdict = match class {
        tracing_courier::sanitize::KeyClass::Secret => "secret",
        tracing_courier::sanitize::KeyClass::Clean => "not secret",
    };
    let why = match reason {
        Reason::Denied(rule) => format!("the policy denies `{rule}`"),
        Reason::Allowed(rule) => format!("the policy allows `{rule}`"),
        Reason::DeniedByGlob(glob) => format!("the policy denies `{glob}`"),
        Reason::AllowedByGlob(glob) => format!("the policy allows `{glob}`"),
        Reason::Word(word) => format!("it has the word `{word}`"),
        Reason::Harmless(word) => format!("the word `{word}` makes it harmless"),
        _ => "no rule knows it".to_owned(),
    };
    format!("`{name}` is {verdict}: {why}")
}

/// A member of a line.
enum Member {
    /// Level, logger, times, ids, places: never scanned.
    Structure,
    /// A field whose name is the contract's and says nothing about its value.
    Field(Place),
    /// An attribute by another way.
    Attribute,
}

fn member(name: &str) -> Member {
    match (Field::read(name).map(Field::holds), name) {
        // An id on a line is let be, whatever it is.
        (Some(Holds::Structure | Holds::Hex), _) | (None, "queue") => Member::Structure,
        (Some(Holds::Text(place) | Holds::Members(place) | Holds::List(place)), _) => {
            Member::Field(place)
        }
        (None, "resource") => Member::Field(Place::Resource),
        (None, _) => Member::Attribute,
    }
}

fn read(line: &str) -> Result<Vec<(Cow<'_, str>, Value<'_>)>, LineError> {
    let mut reader = Reader::new(line);
    if reader.next_kind() != Ok(Next::Map) {
        return Err(LineError::NotARecord);
    }
    let members = reader
        .members(DEPTH + 2)
        .map_err(|_| LineError::NotARecord)?;
    reader.end().map_err(|_| LineError::NotARecord)?;
    Ok(members)
}

fn plain(value: &Value<'_>) -> serde_json::Value {
    match value {
        Value::Null => json!(null),
        Value::Bool(flag) => json!(flag),
        Value::Int(number) => json!(number),
        Value::Float(number, _) => json!(number),
        Value::Number(text) | Value::Deep(text) => json!(text),
        Value::Text(text) => json!(text),
        Value::List(values) => values.iter().map(plain).collect(),
        Value::Map(members) => members
            .iter()
            .map(|(name, value)| (name.to_string(), plain(value)))
            .collect(),
    }
}

fn write_value(value: &Value<'_>, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Int(number) => {
            // Writing to a string does not fail.
            let _ = write!(out, "{number}");
        }
        Value::Float(_, text) | Value::Number(text) | Value::Deep(text) => out.push_str(text),
        Value::Text(text) => write_text(text, out),
        Value::List(values) => {
            out.push('[');
            for (place, value) in values.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_value(value, out);
            }
            out.push(']');
        }
        Value::Map(members) => write_map(members, out),
    }
}

fn write_map(members: &[(Cow<'_, str>, Value<'_>)], out: &mut String) {
    out.push('{');
    for (place, (name, value)) in members.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        write_text(name, out);
        out.push(':');
        write_value(value, out);
    }
    out.push('}');
}

fn write_text(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use tracing_courier::sanitize::Policy;

    use super::*;

    fn lines() -> Lines {
        Lines::by(Sanitizer::new(&Policy::new()))
    }

    #[test]
    fn a_clean_line_is_the_same_bytes_and_a_dirty_one_keeps_the_rest() {
        let cases = [
            (r#"{ "message" : "ok",  "n":1.50, "x":1e999 }"#, None),
            (
                r#"{"level":"info","message":"mail a@example.com","n":1.50,"big":123456789012345678901234567890,"m":{"b":1,"a":[]}}"#,
                Some(
                    r#"{"level":"info","message":"mail [REDACTED:email]","n":1.50,"big":123456789012345678901234567890,"m":{"b":1,"a":[]}}"#,
                ),
            ),
            (
                r#"{"attributes":{"password":"x9!kd","ok":true},"user_id":"a@example.com","logger":"a@example.com"}"#,
                Some(
                    r#"{"attributes":{"password":"[REDACTED]","ok":true},"user_id":"a@example.com","logger":"a@example.com"}"#,
                ),
            ),
            (
                r#"{"headers":[["Cookie","a=b"],["Accept","*/*"]],"argv":["-v","--token","x9","--","required","token"],"fields":["password","email"],"h":[{"name":"X-Api-Key","value":"x9"},{"name":"Accept","value":"*/*"}]}"#,
                Some(
                    r#"{"headers":[["Cookie","[REDACTED]"],["Accept","*/*"]],"argv":["-v","--token","[REDACTED]","--","required","token"],"fields":["password","email"],"h":[{"name":"X-Api-Key","value":"[REDACTED]"},{"name":"Accept","value":"*/*"}]}"#,
                ),
            ),
            (
                r#"{"password":"x9!kd","message":"é \"q\" a@example.com"}"#,
                Some(r#"{"password":"[REDACTED]","message":"é \"q\" [REDACTED:email]"}"#),
            ),
        ];
        for (line, expected) in cases {
            let out = lines().record(line).expect("it is a record");
            assert_eq!(out, expected.unwrap_or(line));
            assert_eq!(
                matches!(out, Cow::Borrowed(_)),
                expected.is_none(),
                "{line}"
            );
            assert!(
                matches!(lines().record(&out), Ok(Cow::Borrowed(_))),
                "twice is once: {out}"
            );
        }
        for line in ["", "[]", "1", "{", "{} {}", "\"a\""] {
            assert_eq!(lines().record(line), Err(LineError::NotARecord), "{line}");
        }
    }

    #[test]
    fn a_report_names_rule_and_place_and_not_the_text() {
        let lines = lines();
        let line = r#"{"message":"mail ann@example.com","attributes":{"a":{"password":"hunter2hunter2"}}}"#;
        let mut totals = Totals::new();
        let findings = lines.report(line, 3, &mut totals);
        let findings = findings.expect("it is a record").join("\n");
        assert!(
            findings.contains(r#""rule":"email""#) && findings.contains(r#""line":3"#),
            "{findings}"
        );
        assert!(findings.contains("attributes.a.password"), "{findings}");
        assert!(
            !findings.contains("ann@") && !findings.contains("hunter2"),
            "{findings}"
        );
        assert_eq!(lines.counts(), "{}", "a report changes and counts nothing");
        assert_eq!(
            totals.into_iter().collect::<Vec<_>>(),
            [("email".to_owned(), 1), ("key".to_owned(), 1)]
        );
        let mut totals = Totals::new();
        let findings = lines.report_text("mail ann@example.com", 1, &mut totals);
        assert!(findings.len() == 1 && totals["email"] == 1, "{findings:?}");
    }
}
