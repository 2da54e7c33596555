//! From clean values back to what `tracing` hands on: a `ValueSet` on the same metadata.
//!
//! `FieldSet::value_set_all` takes exactly one slot for each field, in order. A wrong number would panic in debug
//! builds and *move values to other names* in release builds, so this is the only place that calls it, and it takes
//! the number from the field set itself.

use std::error::Error;

use tracing_core::field::{self, DisplayValue, FieldSet, Value as TracingValue, ValueSet};

use super::fields::{Fields, Value};

/// Up to this many fields are rebuilt on the stack.
const ON_STACK: usize = 16;

/// One value in the type that `tracing` knows it by.
enum Held<'a> {
    Absent,
    Bool(bool),
    I64(i64),
    U64(u64),
    I128(i128),
    U128(u128),
    F64(f64),
    Str(&'a str),
    Text(DisplayValue<&'a str>),
    Bytes(&'a [u8]),
    Error(&'a (dyn Error + 'static)),
}

impl<'a> Held<'a> {
    fn new(value: Option<Value<'a>>) -> Self {
        match value {
            None => Self::Absent,
            Some(Value::Bool(value)) => Self::Bool(value),
            Some(Value::I64(value)) => Self::I64(value),
            Some(Value::U64(value)) => Self::U64(value),
            Some(Value::I128(value)) => Self::I128(value),
            Some(Value::U128(value)) => Self::U128(value),
            Some(Value::F64(value)) => Self::F64(value),
            Some(Value::Str(text)) => Self::Str(text),
            Some(Value::Text(text) | Value::Tree(_, text)) => Self::Text(field::display(text)),
            Some(Value::Bytes(bytes)) => Self::Bytes(bytes),
            Some(Value::Error(error)) => Self::Error(error),
        }
    }

    fn as_value(&self) -> Option<&dyn TracingValue> {
        Some(match self {
            Self::Absent => return None,
            Self::Bool(value) => value,
            Self::I64(value) => value,
            Self::U64(value) => value,
            Self::I128(value) => value,
            Self::U128(value) => value,
            Self::F64(value) => value,
            Self::Str(text) => text,
            Self::Text(text) => text,
            Self::Bytes(bytes) => bytes,
            Self::Error(error) => error,
        })
    }
}

/// Calls `then` with the values of `fields`, as a `ValueSet` of `set`.
pub(super) fn with_values<R>(
    set: &FieldSet,
    fields: &Fields,
    then: impl FnOnce(&ValueSet<'_>) -> R,
) -> R {
    let len = set.len();
    if len <= ON_STACK {
        let mut held = [const { Held::Absent }; ON_STACK];
        for (index, place) in held.iter_mut().enumerate().take(len) {
            *place = Held::new(fields.get(index));
        }
        let mut values = [None; ON_STACK];
        for (value, held) in values.iter_mut().zip(&held).take(len) {
            *value = held.as_value();
        }
        then(&set.value_set_all(values.get(..len).unwrap_or_default()))
    } else {
        let held: Vec<Held<'_>> = (0..len).map(|index| Held::new(fields.get(index))).collect();
        let values: Vec<Option<&dyn TracingValue>> = held.iter().map(Held::as_value).collect();
        then(&set.value_set_all(&values))
    }
}
