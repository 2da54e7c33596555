//! JSON values as OTLP's typed values: `AnyValue` and `KeyValue`, written as protobuf.

use std::borrow::Cow;

use super::protobuf::{bytes, fixed64, integer, message, short, varint, varint_bytes};
use crate::wire::CUT_MARK;
use crate::wire::json::Value;

/// How many bytes of text a value may still have, and whether that was too little.
#[derive(Debug)]
pub struct Budget {
    left: usize,
    cut: bool,
}

impl Budget {
    /// A budget of `bytes`, mark of a cut included.
    pub fn bytes(bytes: usize) -> Self {
        Self {
            left: bytes,
            cut: false,
        }
    }

    /// Whether anything had to be left out.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    fn text<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        if text.len() <= self.left {
            self.left -= text.len();
            return Cow::Borrowed(text);
        }
        self.cut = true;
        let room = self.left.saturating_sub(CUT_MARK.len());
        self.left = 0;
        let kept = text
            .get(..text.floor_char_boundary(room))
            .unwrap_or_default();
        Cow::Owned(format!("{kept}{CUT_MARK}"))
    }

    /// Whether one more element may begin; each costs a little, so that a million empty ones are bounded too.
    fn element(&mut self) -> bool {
        let fits = self.left >= ELEMENT_BYTES;
        self.cut |= !fits;
        self.left = self.left.saturating_sub(ELEMENT_BYTES);
        fits
    }
}

/// A `KeyValue` with a value within its budget: text is cut on a character boundary and marked, further elements are
/// left out.
pub fn pair(out: &mut Vec<u8>, field: u8, name: &str, value: &Value<'_>, budget: &mut Budget) {
    // What most values are has a length that is known before it is written.
    match value {
        Value::Text(text) => text_pair(out, field, name, &budget.text(text)),
        Value::Int(number) => int_pair(out, field, name, *number),
        Value::Bool(flag) => {
            begin(out, field, name, 2);
            integer(out, BOOL, i64::from(*flag));
        }
        Value::Float(number, _) => {
            begin(out, field, name, 9);
            fixed64(out, DOUBLE, number.to_bits());
        }
        _ => message(out, field, 0, |out| {
            bytes(out, KEY, name.as_bytes());
            message(out, VALUE, 0, |out| any(out, value, budget));
        }),
    }
}

/// A `KeyValue` up to its value's content, which is so many bytes long.
#[inline]
fn begin(out: &mut Vec<u8>, field: u8, name: &str, content: usize) {
    // Where the whole is short its parts are, and each length takes one byte.
    if let (Some(pair), Some(length), Some(content)) = (
        short(name.len() + content + 4),
        short(name.len()),
        short(content),
    ) {
        out.extend_from_slice(&[field << 3 | 2, pair, KEY << 3 | 2, length]);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&[VALUE << 3 | 2, content]);
        return;
    }
    let size = |length: usize| 1 + varint_bytes(length as u64) + length;
    out.push(field << 3 | 2);
    varint(out, (size(name.len()) + size(content)) as u64);
    bytes(out, KEY, name.as_bytes());
    out.push(VALUE << 3 | 2);
    varint(out, content as u64);
}

/// A `KeyValue` with a text.
#[inline]
pub fn text_pair(out: &mut Vec<u8>, field: u8, name: &str, text: &str) {
    let content = 1 + varint_bytes(text.len() as u64) + text.len();
    begin(out, field, name, content);
    bytes(out, STRING, text.as_bytes());
}

/// A `KeyValue` with an integer.
pub fn int_pair(out: &mut Vec<u8>, field: u8, name: &str, number: i64) {
    begin(out, field, name, 1 + varint_bytes(number.cast_unsigned()));
    integer(out, INT, number);
}

/// An `AnyValue` with a text.
pub fn text(out: &mut Vec<u8>, field: u8, text: &str) {
    let content = 1 + varint_bytes(text.len() as u64) + text.len();
    out.push(field << 3 | 2);
    varint(out, content as u64);
    bytes(out, STRING, text.as_bytes());
}

fn any(out: &mut Vec<u8>, value: &Value<'_>, budget: &mut Budget) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => integer(out, BOOL, i64::from(*flag)),
        Value::Int(number) => integer(out, INT, *number),
        Value::Float(number, _) => fixed64(out, DOUBLE, number.to_bits()),
        Value::Number(text) | Value::Deep(text) => bytes(out, STRING, budget.text(text).as_bytes()),
        Value::Text(text) => bytes(out, STRING, budget.text(text).as_bytes()),
        Value::List(values) => message(out, ARRAY, 0, |out| {
            for value in values {
                if !budget.element() {
                    break;
                }
                message(out, ELEMENT, 0, |out| any(out, value, budget));
            }
        }),
        Value::Map(members) => message(out, MAP, 0, |out| {
            for (name, value) in members {
                if !budget.element() {
                    break;
                }
                let name = budget.text(name);
                pair(out, ELEMENT, &name, value, budget);
            }
        }),
    }
}

/// About what an element costs in protobuf beside its text.
const ELEMENT_BYTES: usize = 4;

// Fields of `KeyValue`, of `AnyValue`'s `oneof`, and of `ArrayValue` and `KeyValueList`.
const KEY: u8 = 1;
const VALUE: u8 = 2;
const STRING: u8 = 1;
const BOOL: u8 = 2;
const INT: u8 = 3;
const DOUBLE: u8 = 4;
const ARRAY: u8 = 5;
const MAP: u8 = 6;
const ELEMENT: u8 = 1;

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::AnyValue;
    use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
    use prost::Message;

    use super::*;

    fn read(value: &Value<'_>, budget: &mut Budget) -> Option<Any> {
        let mut out = Vec::new();
        any(&mut out, value, budget);
        AnyValue::decode(&out[..]).expect("it decodes").value
    }

    #[test]
    fn every_type_arrives_as_itself() {
        let mut whole = Budget::bytes(usize::MAX);
        let cases = [
            (Value::Null, None),
            (Value::Bool(false), Some(Any::BoolValue(false))),
            (Value::Bool(true), Some(Any::BoolValue(true))),
            (Value::Int(i64::MIN), Some(Any::IntValue(i64::MIN))),
            (Value::Int(300), Some(Any::IntValue(300))),
            (Value::Float(-0.5, "-0.5"), Some(Any::DoubleValue(-0.5))),
            (
                Value::Number("1e999"),
                Some(Any::StringValue("1e999".to_owned())),
            ),
            (
                Value::Deep("[[]]"),
                Some(Any::StringValue("[[]]".to_owned())),
            ),
            (
                Value::Text("".into()),
                Some(Any::StringValue(String::new())),
            ),
        ];
        for (value, expected) in cases {
            assert_eq!(read(&value, &mut whole), expected, "{value:?}");
        }
    }

    #[test]
    fn long_text_is_cut_on_a_character_boundary_within_the_budget() {
        let mut budget = Budget::bytes(100);
        let long = "é".repeat(100);
        let Some(Any::StringValue(kept)) = read(&Value::Text(long.into()), &mut budget) else {
            panic!("text stays text")
        };
        assert!(
            kept.ends_with(CUT_MARK) && kept.len() <= 100 && kept.len() > 95,
            "{kept}"
        );
        assert!(budget.is_cut());
    }

    #[test]
    fn a_long_list_keeps_its_first_elements_typed() {
        let mut budget = Budget::bytes(100);
        let Some(Any::ArrayValue(list)) =
            read(&Value::List(vec![Value::Int(1); 1000]), &mut budget)
        else {
            panic!("a list stays a list")
        };
        assert_eq!(list.values.len(), 25);
        assert!(
            list.values
                .iter()
                .all(|value| value.value == Some(Any::IntValue(1)))
        );
        assert!(budget.is_cut());
    }

    #[test]
    fn what_fits_is_not_cut() {
        let mut budget = Budget::bytes(9);
        assert_eq!(
            read(&Value::Text("123456789".into()), &mut budget),
            Some(Any::StringValue("123456789".to_owned()))
        );
        assert!(!budget.is_cut());
    }
}
