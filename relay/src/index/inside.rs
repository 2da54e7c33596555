//! What of a query only a record's blob can tell: its attributes, what it has.

use std::cmp::Ordering;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};

use crate::search::{Compare, Expr, Has, Key, Match, Term};

use super::decode::text_of;
use super::found::Found;

/// Whether a record is meant. `told` says of each term that columns can tell, in the order in which they stand, whether it
/// holds.
pub fn is_meant(expr: &Expr, found: &Found, told: &mut impl Iterator<Item = bool>) -> bool {
    match expr {
        // No short cut: every term takes its answer.
        Expr::All(all) => {
            let mut holds = true;
            for part in all {
                holds &= is_meant(part, found, told);
            }
            holds
        }
        Expr::Any(any) => {
            let mut holds = false;
            for part in any {
                holds |= is_meant(part, found, told);
            }
            holds
        }
        Expr::Not(inner) => !is_meant(inner, found, told),
        Expr::Is(term) if term.looks_inside() => holds(term, found),
        Expr::Is(_) => told.next().unwrap_or(false),
    }
}

/// The terms that columns can tell, in the order in which [`is_meant`] asks for them.
pub fn told(expr: &Expr) -> Vec<&Term> {
    match expr {
        Expr::All(all) | Expr::Any(all) => all.iter().flat_map(told).collect(),
        Expr::Not(inner) => told(inner),
        Expr::Is(term) if term.looks_inside() => Vec::new(),
        Expr::Is(term) => vec![term],
    }
}

fn holds(term: &Term, found: &Found) -> bool {
    let record = &found.rest;
    let has = |name: &str| record.attributes.iter().any(|pair| pair.key == name);
    match term {
        Term::Has(Has::Error) => has("exception.message") || has("exception.type"),
        Term::Has(Has::Stack) => has("exception.stacktrace"),
        Term::Has(Has::Breadcrumbs) => has("breadcrumbs"),
        Term::Has(Has::Attachments) => has("attachments"),
        Term::Has(Has::Trace) => !record.trace_id.is_empty(),
        Term::Key(Key::Trace, Match::Is(id)) => {
            let hex: String = record
                .trace_id
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            hex.eq_ignore_ascii_case(id)
        }
        Term::Key(Key::Kind, Match::Is(kind)) => {
            text_of(&record.attributes, "courier.kind").unwrap_or("log") == kind
        }
        Term::Attribute(name, matched) => {
            let value =
                find(&record.attributes, name).or_else(|| find(&found.resource.attributes, name));
            match (value, matched) {
                (None, _) => false,
                (Some(_), None) => true,
                (Some(value), Some(matched)) => matches(value, matched, MAX_DEPTH),
            }
        }
        _ => false,
    }
}

/// The attribute of that name, or what lies in maps under it: `retry.after` is `after` in `retry`.
fn find<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a AnyValue> {
    if let Some(pair) = attributes.iter().find(|pair| pair.key == name) {
        return pair.value.as_ref();
    }
    let mut attributes = attributes;
    let mut value = None;
    for part in name.split('.').take(MAX_DEPTH) {
        let pair = attributes.iter().find(|pair| pair.key == part)?;
        value = pair.value.as_ref();
        attributes = match value?.value.as_ref() {
            Some(Value::KvlistValue(list)) => &list.values,
            _ => &[],
        };
    }
    value
}

fn matches(value: &AnyValue, matched: &Match, depth: usize) -> bool {
    let text = match value.value.as_ref() {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(Value::BoolValue(is)) => is.to_string(),
        // Of a list, one will do.
        Some(Value::ArrayValue(list)) if depth > 0 => {
            return list
                .values
                .iter()
                .any(|value| matches(value, matched, depth - 1));
        }
        _ => return false,
    };
    match matched {
        Match::Is(wanted) => {
            text == *wanted
                || ordered(&text, wanted).is_some_and(|order| Compare::Equal.takes(order))
        }
        Match::Begins(beginning) => text.starts_with(beginning.as_str()),
        Match::Compared(compare, wanted) => {
            let order = ordered(&text, wanted).unwrap_or_else(|| text.as_str().cmp(wanted));
            compare.takes(order)
        }
    }
}

/// How two numbers compare; `None` when one of them is none.
fn ordered(text: &str, wanted: &str) -> Option<Ordering> {
    let (text, wanted): (f64, f64) = (text.parse().ok()?, wanted.parse().ok()?);
    text.partial_cmp(&wanted)
}

/// Lists and maps in each other that are looked into.
const MAX_DEPTH: usize = 16;
