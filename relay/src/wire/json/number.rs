//! Numbers: how long they are, and which type holds them.

use super::Value;

/// A number in the type that holds it, or as its text.
pub fn number_value(text: &str) -> Value<'_> {
    if text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
        return match text.parse::<f64>() {
            Ok(float) if float.is_finite() => Value::Float(float, text),
            _ => Value::Number(text),
        };
    }
    text.parse().map_or(Value::Number(text), Value::Int)
}

/// The length of the number at the start of `bytes`, by the grammar of RFC 8259.
pub fn number_length(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let count = bytes
            .get(from..)?
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        (count > 0).then_some(from + count)
    };
    let start = usize::from(bytes.first() == Some(&b'-'));
    let mut at = match bytes.get(start) {
        Some(b'0') => start + 1,
        _ => digits(start)?,
    };
    if bytes.get(at) == Some(&b'.') {
        at = digits(at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        let signed = matches!(bytes.get(at + 1), Some(b'+' | b'-'));
        at = digits(at + 1 + usize::from(signed))?;
    }
    Some(at)
}
