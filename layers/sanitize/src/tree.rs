//! Nested values: names decide first, then every text is scanned, names too.

use serde_json::{Map, Value};

use crate::kind::{Place, Rule};
use crate::named::key::KeyClass;
use crate::named::nested::{MAX_DEPTH, place_of, scalar};
use crate::named::sibling;
use crate::sanitizer::Sanitizer;

impl Sanitizer {
    /// Cleans a nested value: values under secret names go as a whole, every other text is scanned, names too.
    pub fn value(&self, place: Place, value: &mut serde_json::Value) {
        clean(self, place, value, 0);
    }
}

fn clean(sanitizer: &Sanitizer, place: Place, value: &mut Value, depth: usize) {
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
            let named = sibling::named_items(&sanitizer.rules().keys, items);
            for named in named {
                redact(sanitizer, place, items.get_mut(named));
            }
            for item in items {
                clean(sanitizer, place, item, depth + 1);
            }
        }
        Value::Object(map) => clean_map(sanitizer, place, map, depth),
    }
}

fn clean_map(sanitizer: &Sanitizer, place: Place, map: &mut Map<String, Value>, depth: usize) {
    let is_named = sibling::names_its_value(&sanitizer.rules().keys, map);
    for (name, value) in map.iter_mut() {
        if is_secret(sanitizer, is_named, name, value) {
            redact(sanitizer, place, Some(value));
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

/// Does the value of this member go as a whole?
fn is_secret(sanitizer: &Sanitizer, is_named: bool, name: &str, value: &Value) -> bool {
    let is_own = sanitizer.key(name) == KeyClass::Secret && sanitizer.redacts(name, scalar(value));
    is_own || is_named && sibling::holds_value(name) && !value.is_null() && !value.is_boolean()
}

/// Puts the marker in the place of a value, once.
fn redact(sanitizer: &Sanitizer, place: Place, value: Option<&mut Value>) {
    if let Some(value) = value
        && !is_done(sanitizer, value)
    {
        sanitizer.count(Rule::Key, place);
        *value = Value::String(sanitizer.marker(Rule::Key));
    }
}

fn is_done(sanitizer: &Sanitizer, value: &Value) -> bool {
    value.as_str() == Some(sanitizer.marker(Rule::Key).as_str())
}
