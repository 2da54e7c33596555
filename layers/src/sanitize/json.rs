//! Nested values: names decide first, then every text is scanned, names too.

use serde_json::{Map, Value};

use super::Sanitizer;
use super::key::{KeyClass, Scalar};
use super::rule::{Place, Rule};
use super::words::Words;

/// Below this depth a value goes as a whole: nobody reads it, and a walk must end.
pub(super) const MAX_DEPTH: usize = 64;

pub(super) fn clean(sanitizer: &Sanitizer, place: Place, value: &mut Value, depth: usize) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => {
            let digits = number.to_string();
            // A card or a number that only looks like one is an integer of 13 digits at least.
            if digits.len() >= 12
                && let std::borrow::Cow::Owned(cleaned) = sanitizer.clean(place, &digits)
            {
                *value = Value::String(cleaned);
            }
        }
        Value::String(text) => {
            sanitizer.clean_into(place, text, 0);
        }
        _ if depth >= MAX_DEPTH => {
            sanitizer.count(Rule::Error, place);
            *value = Value::String(sanitizer.marker(Rule::Error));
        }
        Value::Array(items) => {
            for item in items {
                clean(sanitizer, place, item, depth + 1);
            }
        }
        Value::Object(map) => clean_map(sanitizer, place, map, depth),
    }
}

fn clean_map(sanitizer: &Sanitizer, place: Place, map: &mut Map<String, Value>, depth: usize) {
    for (name, value) in map.iter_mut() {
        if sanitizer.key(name) == KeyClass::Secret && sanitizer.redacts(name, scalar(value)) {
            if !is_done(sanitizer, value) {
                sanitizer.count(Rule::Key, place);
                *value = Value::String(sanitizer.marker(Rule::Key));
            }
        } else {
            clean(sanitizer, place_of(place, name), value, depth + 1);
        }
    }
    let is_dirty =
        |name: &String| matches!(sanitizer.clean(place, name), std::borrow::Cow::Owned(_));
    if map.keys().any(is_dirty) {
        // In their order; of two names that become one the last wins, as in JSON.
        *map = std::mem::take(map)
            .into_iter()
            .map(|(mut name, value)| {
                sanitizer.clean_into(place, &mut name, 0);
                (name, value)
            })
            .collect();
    }
}

/// The place that a value of this name is in: versions look like addresses.
pub(super) fn place_of(place: Place, name: &str) -> Place {
    match Words::of(name).last() {
        "version" | "versions" | "ver" | "oid" if place != Place::Stack => Place::Version,
        _ => place,
    }
}

fn is_done(sanitizer: &Sanitizer, value: &Value) -> bool {
    value.as_str() == Some(sanitizer.marker(Rule::Key).as_str())
}

pub(super) fn scalar(value: &Value) -> Scalar {
    match value {
        Value::Null => Scalar::Null,
        Value::Bool(_) => Scalar::Bool,
        Value::Number(number) => match number.as_i128() {
            Some(integer) => Scalar::Integer(integer),
            None => Scalar::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        _ => Scalar::Text,
    }
}
