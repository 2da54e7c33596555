//! Cleans nested values: the walk of `tree` with a sanitizer's hands.

use std::borrow::Cow;

use serde_json::Value;

use crate::rule_names::{Place, Rule};
use crate::sanitizer::Sanitizer;
use crate::tree::{self, Tree, Visit};

impl Sanitizer {
    /// Cleans a nested value: values under secret names go as a whole, every other text is scanned, names too.
    pub fn value(&self, place: Place, value: &mut serde_json::Value) {
        self.walk(place, value, &mut Cleaning(self));
    }

    /// Walks through a tree of any kind, by the policy in force at its start.
    #[doc(hidden)]
    pub fn walk<T: Tree, V: Visit<T>>(&self, place: Place, value: &mut T, visit: &mut V) {
        tree::walk(&self.rules().keys, place, value, visit);
    }

    /// The same for one member of a map in `place`, when there is nothing to be learnt from the others.
    #[doc(hidden)]
    pub fn walk_member<T: Tree, V: Visit<T>>(
        &self,
        place: Place,
        name: T::Name<'_>,
        value: &mut T,
        visit: &mut V,
    ) {
        tree::walk_member(&self.rules().keys, place, name, value, visit);
    }

    /// Counts a value of a tree that goes as a whole, and gives what stands for it. None when `text`, what the value is,
    /// stands for one already.
    #[doc(hidden)]
    #[must_use]
    pub fn whole(&self, rule: Rule, place: Place, text: Option<&str>) -> Option<String> {
        let marker = self.marker(rule);
        (text != Some(&marker)).then(|| {
            self.count(rule, place);
            marker
        })
    }
}

struct Cleaning<'s>(&'s Sanitizer);

impl Cleaning<'_> {
    fn take(&self, rule: Rule, place: Place, value: &mut Value) {
        if let Some(marker) = self.0.whole(rule, place, value.as_str()) {
            *value = Value::String(marker);
        }
    }
}

impl Visit<Value> for Cleaning<'_> {
    fn leaf(&mut self, place: Place, value: &mut Value) {
        match value {
            Value::String(text) => {
                self.0.clean_into(place, text, 0);
            }
            Value::Number(number) => {
                let digits = number.to_string();
                // A card or a number that only looks like one is an integer of 13 digits at least.
                if digits.len() >= 12
                    && let Cow::Owned(cleaned) = self.0.clean(place, &digits)
                {
                    *value = Value::String(cleaned);
                }
            }
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {}
        }
    }

    fn whole(&mut self, place: Place, value: &mut Value) {
        self.take(Rule::Key, place, value);
    }

    fn too_deep(&mut self, place: Place, value: &mut Value) {
        self.take(Rule::Error, place, value);
    }

    /// Cleans the names, in their order; of two that become one the last wins, as in JSON.
    fn seen(&mut self, place: Place, map: &mut Value) {
        let Value::Object(map) = map else {
            return;
        };
        let clean = |(at, name): (usize, &String)| match self.0.clean(place, name) {
            Cow::Owned(name) => Some((at, name)),
            Cow::Borrowed(_) => None,
        };
        let dirty: Vec<(usize, String)> = map.keys().enumerate().filter_map(clean).collect();
        if dirty.is_empty() {
            return;
        }
        let mut dirty = dirty.into_iter().peekable();
        let members = std::mem::take(map).into_iter().enumerate();
        *map = members
            .map(
                |(at, (name, value))| match dirty.next_if(|(dirty, _)| *dirty == at) {
                    Some((_, name)) => (name, value),
                    None => (name, value),
                },
            )
            .collect();
    }
}
