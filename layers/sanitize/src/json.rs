//! `serde_json`'s values as trees: one to change, and one that is only looked at.

use serde_json::{Map, Value};

use crate::named::key::Scalar;
use crate::tree::{Node, Tree};

impl Tree for Value {
    type Name<'n> = &'n str;

    fn node(&self) -> Node<'_> {
        match self {
            Value::Null => Node::Scalar(Scalar::Null),
            Value::Bool(_) => Node::Scalar(Scalar::Bool),
            Value::Number(number) => Node::Scalar(match number.as_i128() {
                Some(integer) => Scalar::Integer(integer),
                None => number.as_f64().map_or(Scalar::Text, Scalar::Float),
            }),
            Value::String(text) => Node::Text(text),
            Value::Array(_) => Node::List,
            Value::Object(_) => Node::Map,
        }
    }

    fn items(&self) -> impl Iterator<Item = Node<'_>> {
        self.as_array().into_iter().flatten().map(Tree::node)
    }

    fn members(&self) -> impl Iterator<Item = (&str, Node<'_>)> {
        let members = self.as_object().into_iter().flat_map(Map::iter);
        members.map(|(name, value)| (name.as_str(), value.node()))
    }

    fn each_item(&mut self, see: impl FnMut(&mut Self)) {
        self.as_array_mut().into_iter().flatten().for_each(see);
    }

    fn each_member(&mut self, mut see: impl FnMut(&str, &mut Self)) {
        let members = self.as_object_mut().into_iter().flat_map(Map::iter_mut);
        members.for_each(|(name, value)| see(name, value));
    }
}

impl Tree for &Value {
    type Name<'n>
        = &'n str
    where
        Self: 'n;

    fn node(&self) -> Node<'_> {
        Value::node(self)
    }

    fn items(&self) -> impl Iterator<Item = Node<'_>> {
        Value::items(self)
    }

    fn members(&self) -> impl Iterator<Item = (&str, Node<'_>)> {
        Value::members(self)
    }

    fn each_item(&mut self, mut see: impl FnMut(&mut Self)) {
        let items = self.as_array().into_iter().flatten();
        items.for_each(|mut item| see(&mut item));
    }

    fn each_member(&mut self, mut see: impl FnMut(&str, &mut Self)) {
        let members = self.as_object().into_iter().flat_map(Map::iter);
        members.for_each(|(name, mut value)| see(name, &mut value));
    }
}
