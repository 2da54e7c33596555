//! The relay's values as a tree for the sanitizer's walk, and what redaction does on it.

use std::borrow::Cow;

use tracing_courier::sanitize::tree::{Named, Node, Step, Tree, Visit};
use tracing_courier::sanitize::{Place, Rule, Scalar};

use super::{Redaction, lasting};
use crate::wire::json::Value;

impl<'a> Tree for Value<'a> {
    type Name<'n>
        = &'n mut Cow<'a, str>
    where
        Self: 'n;

    fn node(&self) -> Node<'_> {
        Node::Scalar(match self {
            Value::Null => Scalar::Null,
            Value::Bool(_) => Scalar::Bool,
            Value::Int(number) => Scalar::Integer((*number).into()),
            Value::Float(number, _) => Scalar::Float(*number),
            Value::Number(_) | Value::Deep(_) => Scalar::Text,
            Value::Text(text) => return Node::Text(text),
            Value::List(_) => return Node::List,
            Value::Map(_) => return Node::Map,
        })
    }

    fn items(&self) -> impl Iterator<Item = Node<'_>> {
        let values: &[Value<'a>] = match self {
            Value::List(values) => values,
            _ => &[],
        };
        values.iter().map(Tree::node)
    }

    fn members(&self) -> impl Iterator<Item = (&str, Node<'_>)> {
        let members: &[(Cow<'a, str>, Value<'a>)] = match self {
            Value::Map(members) => members,
            _ => &[],
        };
        members
            .iter()
            .map(|(name, value)| (name.as_ref(), value.node()))
    }

    fn each_item(&mut self, see: impl FnMut(&mut Self)) {
        if let Value::List(values) = self {
            values.iter_mut().for_each(see);
        }
    }

    fn each_member(&mut self, mut see: impl FnMut(&mut Cow<'a, str>, &mut Self)) {
        if let Value::Map(members) = self {
            members
                .iter_mut()
                .for_each(|(name, value)| see(name, value));
        }
    }
}

impl<'a> Redaction<'_, 'a> {
    fn take(&mut self, rule: Rule, place: Place, value: &mut Value<'a>) {
        let text = match &*value {
            Value::Text(text) => Some(text.as_ref()),
            _ => None,
        };
        if let Some(marker) = self.sanitizer.whole(rule, place, text) {
            self.changes += 1;
            *value = Value::Text(Cow::Owned(marker));
        }
    }
}

impl<'a> Visit<Value<'a>> for Redaction<'_, 'a> {
    /// What was learnt of a name holds for the whole batch.
    fn named(
        &mut self,
        place: Place,
        name: &&mut Cow<'a, str>,
        ask: impl FnOnce(&str) -> Named,
    ) -> Named {
        let says = self.name(place, name, lasting(name), ask);
        self.ahead = Some(says);
        says.named
    }

    fn enter(&mut self, place: Place, step: Step<&mut Cow<'a, str>>) {
        if let (Step::Member(name), Some(says)) = (step, self.ahead.take()) {
            self.clean_name(place, name, says);
        }
    }

    fn leaf(&mut self, place: Place, value: &mut Value<'a>) {
        match value {
            Value::Text(text) => self.text(place, text),
            // A card number is an integer of 13 digits, and shorter ones are no secret by themselves.
            Value::Int(number) => {
                if number.unsigned_abs() >= SHORTEST_SECRET_INTEGER {
                    self.digits(place, &number.to_string(), value);
                }
            }
            Value::Number(digits) | Value::Deep(digits) => self.digits(place, digits, value),
            Value::Null | Value::Bool(_) | Value::Float(..) | Value::List(_) | Value::Map(_) => {}
        }
    }

    fn whole(&mut self, place: Place, value: &mut Value<'a>) {
        self.take(Rule::Key, place, value);
    }

    fn too_deep(&mut self, place: Place, value: &mut Value<'a>) {
        self.take(Rule::Error, place, value);
    }
}

/// The smallest integer of 12 digits.
const SHORTEST_SECRET_INTEGER: u64 = 100_000_000_000;
