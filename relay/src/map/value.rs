//! JSON values as OTLP's typed values.

use std::borrow::Cow;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};

use crate::wire::json::Value;

/// A string as an OTLP value.
pub fn text(text: impl Into<String>) -> AnyValue {
    AnyValue {
        value: Some(Any::StringValue(text.into())),
    }
}

/// An integer as an OTLP value.
pub fn int(number: i64) -> AnyValue {
    AnyValue {
        value: Some(Any::IntValue(number)),
    }
}

/// A name and its value.
pub fn pair(key: impl Into<String>, value: AnyValue) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(value),
        ..KeyValue::default()
    }
}

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

    fn text(&mut self, text: &str) -> String {
        if text.len() <= self.left {
            self.left -= text.len();
            return text.to_owned();
        }
        self.cut = true;
        let room = self.left.saturating_sub(CUT_MARK.len());
        self.left = 0;
        let kept = text
            .get(..text.floor_char_boundary(room))
            .unwrap_or_default();
        format!("{kept}{CUT_MARK}")
    }

    /// Whether one more element may begin; each costs a little, so that a million empty ones are bounded too.
    fn element(&mut self) -> bool {
        let fits = self.left >= ELEMENT_BYTES;
        self.cut |= !fits;
        self.left = self.left.saturating_sub(ELEMENT_BYTES);
        fits
    }
}

/// The value within its budget: text is cut on a character boundary and marked, further elements are left out.
pub fn any(value: &Value<'_>, budget: &mut Budget) -> AnyValue {
    let value = match value {
        Value::Null => None,
        Value::Bool(flag) => Some(Any::BoolValue(*flag)),
        Value::Int(number) => Some(Any::IntValue(*number)),
        Value::Float(number, _) => Some(Any::DoubleValue(*number)),
        Value::Number(text) | Value::Deep(text) => Some(Any::StringValue(budget.text(text))),
        Value::Text(text) => Some(Any::StringValue(budget.text(text))),
        Value::List(values) => {
            let mut list = Vec::with_capacity(values.len().min(64));
            for value in values {
                if !budget.element() {
                    break;
                }
                list.push(any(value, budget));
            }
            Some(Any::ArrayValue(ArrayValue { values: list }))
        }
        Value::Map(members) => Some(Any::KvlistValue(KeyValueList {
            values: map(members, budget),
        })),
    };
    AnyValue { value }
}

fn map(members: &[(Cow<'_, str>, Value<'_>)], budget: &mut Budget) -> Vec<KeyValue> {
    let mut pairs = Vec::with_capacity(members.len().min(64));
    for (key, value) in members {
        if !budget.element() {
            break;
        }
        let key = budget.text(key);
        pairs.push(pair(key, any(value, budget)));
    }
    pairs
}

/// What stands where text was cut.
pub const CUT_MARK: &str = "…[truncated]";

/// About what an element costs in protobuf beside its text.
const ELEMENT_BYTES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_on_a_character_boundary_within_the_budget() {
        let mut budget = Budget::bytes(100);
        let long = "é".repeat(100);
        let value = any(&Value::Text(long.into()), &mut budget);
        let Some(Any::StringValue(kept)) = value.value else {
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
        let value = any(&Value::List(vec![Value::Int(1); 1000]), &mut budget);
        let Some(Any::ArrayValue(list)) = value.value else {
            panic!("a list stays a list")
        };
        assert_eq!(list.values.len(), 25);
        assert!(list.values.iter().all(|value| *value == int(1)));
        assert!(budget.is_cut());
    }

    #[test]
    fn what_fits_is_not_cut() {
        let mut budget = Budget::bytes(9);
        assert_eq!(
            any(&Value::Text("123456789".into()), &mut budget),
            text("123456789")
        );
        assert!(!budget.is_cut());
    }
}
