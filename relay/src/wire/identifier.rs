//! An id in a batch.

use std::borrow::Cow;

use super::json::Value;

/// An id may be a string or a number; an empty one says nothing.
///
/// # Errors
///
/// Gives back a value that is no id.
pub fn identifier(value: Value<'_>) -> Result<Cow<'_, str>, Value<'_>> {
    match value {
        Value::Text(text) if !text.is_empty() => Ok(text),
        Value::Int(number) => Ok(Cow::Owned(number.to_string())),
        Value::Number(text) => Ok(Cow::Borrowed(text)),
        other => Err(other),
    }
}
