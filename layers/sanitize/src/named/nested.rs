//! What a value in a tree is to the rules for names.

use serde_json::Value;

use crate::kind::Place;
use crate::named::key::Scalar;
use crate::text::words::Words;

/// Below this depth a value goes as a whole: nobody reads it, and a walk must end.
pub(crate) const MAX_DEPTH: usize = 64;

/// The place that a value of this name is in: versions look like addresses.
pub(crate) fn place_of(place: Place, name: &str) -> Place {
    match Words::of(name).last() {
        b"version" | b"versions" | b"ver" | b"oid" if place != Place::Stack => Place::Version,
        _ => place,
    }
}

pub(crate) fn scalar(value: &Value) -> Scalar {
    match value {
        Value::Null => Scalar::Null,
        Value::Bool(_) => Scalar::Bool,
        Value::Number(number) => match number.as_i128() {
            Some(integer) => Scalar::Integer(integer),
            None => Scalar::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        // `"tokens": {"input": 12, "output": 31}`, `"tokens": [101, 2054]`: as good as one number.
        Value::Array(items) if holds_numbers(items.iter()) => Scalar::Integer(0),
        Value::Object(map) if holds_numbers(map.values()) => Scalar::Integer(0),
        _ => Scalar::Text,
    }
}

/// Are these all small numbers, and at least one?
fn holds_numbers<'v>(mut values: impl ExactSizeIterator<Item = &'v Value>) -> bool {
    const MAX_NUMBER: u64 = 99_999_999;
    values.len() > 0
        && values.all(|value| match value {
            Value::Number(number) => {
                number.is_f64() || number.as_u64().is_some_and(|n| n <= MAX_NUMBER)
            }
            _ => false,
        })
}
