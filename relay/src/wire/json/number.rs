//! Numbers: how long they are, and which type holds them.

use super::value::Value;

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

/// The integer at the start of `bytes` and its length, if it is what most numbers are: without a sign, and so short that
/// it fits for certain.
pub fn short_integer(bytes: &[u8]) -> Option<(i64, usize)> {
    let mut number = 0;
    for (length, &byte) in bytes.iter().take(19).enumerate() {
        match byte {
            b'0'..=b'9' if length < 18 => number = number * 10 + i64::from(byte - b'0'),
            b'0'..=b'9' | b'.' | b'e' | b'E' => return None,
            // `0` is a number, and `01` is none.
            _ => {
                let is_number = length == 1 || length > 1 && bytes.first() != Some(&b'0');
                return is_number.then_some((number, length));
            }
        }
    }
    None
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
