//! What the program is doing, beside who uses it: the active run, the open document, the device at hand.
//!
//! 1. Each record carries what was set when it was made, as attributes; an attribute of its own wins;
//! 2. a value is cleaned when it is set, its name as that of any field;
//! 3. reading it costs the thread that logs no lock and no allocation.
//!
//! What it does not do: survive the program. What holds for the whole run is a resource attribute.

use std::fmt;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use serde_json::{Map, Value};

use crate::cut::{TRUNCATED, char_floor};
use crate::sanitize::{Place, Sanitizer};

/// A value's JSON is cut here, in bytes: it is in every record.
const MAX_VALUE_BYTES: usize = 4 * 1024;
/// Names kept at most; one more is not taken.
const MAX_NAMES: usize = 32;

/// Attributes that each record gets, changed while the program runs. A cheap handle: clones share them.
#[derive(Clone, Default)]
pub struct RunContext(Arc<ArcSwap<Vec<Member>>>);

/// One attribute.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    pub name: String,
    /// The value, as JSON.
    pub json: String,
}

impl RunContext {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an attribute of the records that follow, cleaned by this sanitizer. A value over 4 KiB of JSON becomes its
    /// text, cut; of more than 32 names the last are not taken.
    pub fn set(&self, name: &str, value: impl Into<Value>, sanitizer: &Sanitizer) {
        let mut named = Value::Object(Map::from_iter([(name.to_owned(), value.into())]));
        sanitizer.value(Place::Attribute, &mut named);
        let Value::Object(named) = named else { return };
        for (name, value) in named {
            let member = Member {
                name,
                json: bounded(&value),
            };
            self.0.rcu(|members| with(members, &member));
        }
    }

    /// Removes an attribute from the records that follow.
    pub fn clear(&self, name: &str) {
        self.0.rcu(|members| {
            let mut members = Vec::clone(members);
            members.retain(|member| member.name != name);
            members
        });
    }

    pub(crate) fn load(&self) -> Guard<Arc<Vec<Member>>> {
        self.0.load()
    }

    /// Adds it to the attributes of a record that does not come through `tracing`.
    pub(crate) fn fill(&self, attributes: &mut Map<String, Value>) {
        for member in self.load().iter() {
            if !attributes.contains_key(&member.name)
                && let Ok(value) = serde_json::from_str(&member.json)
            {
                attributes.insert(member.name.clone(), value);
            }
        }
    }
}

impl fmt::Debug for RunContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = self.load();
        f.debug_map()
            .entries(members.iter().map(|member| (&member.name, &member.json)))
            .finish()
    }
}

fn with(members: &[Member], new: &Member) -> Vec<Member> {
    let mut members = members.to_vec();
    if let Some(old) = members.iter_mut().find(|member| member.name == new.name) {
        old.json.clone_from(&new.json);
    } else if members.len() < MAX_NAMES {
        members.push(new.clone());
    }
    members
}

fn bounded(value: &Value) -> String {
    let json = value.to_string();
    if json.len() <= MAX_VALUE_BYTES {
        return json;
    }
    let text = value.as_str().unwrap_or(&json);
    let cut = char_floor(text, MAX_VALUE_BYTES);
    Value::from(format!(
        "{}{TRUNCATED}",
        text.get(..cut).unwrap_or_default()
    ))
    .to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(context: &RunContext, attributes: Value) -> Value {
        let Value::Object(mut attributes) = attributes else {
            unreachable!()
        };
        context.fill(&mut attributes);
        attributes.into()
    }

    #[test]
    fn it_is_set_replaced_and_cleared_by_name_and_a_records_own_attribute_wins() {
        let (context, sanitizer) = (RunContext::new(), Sanitizer::default());
        context.set("active_run", json!({"run_id": "r-1"}), &sanitizer);
        context.set("document", "plan", &sanitizer);
        context.set("active_run", json!({"run_id": "r-2"}), &sanitizer);
        assert_eq!(
            filled(&context, json!({"document": "own"})),
            json!({"active_run": {"run_id": "r-2"}, "document": "own"})
        );
        context.clear("active_run");
        assert_eq!(filled(&context, json!({})), json!({"document": "plan"}));
    }

    #[test]
    fn it_is_cleaned_by_name_and_by_shape() {
        let (context, sanitizer) = (RunContext::new(), Sanitizer::default());
        context.set("password", "hunter2", &sanitizer);
        context.set("run", json!({"of": "ada@example.org"}), &sanitizer);
        assert_eq!(
            filled(&context, json!({})),
            json!({"password": "[REDACTED]", "run": {"of": "[REDACTED:email]"}})
        );
    }

    #[test]
    fn it_is_bounded_in_names_and_in_bytes() {
        let (context, sanitizer) = (RunContext::new(), Sanitizer::default());
        for at in 0..100 {
            context.set(&format!("n{at}"), "ä".repeat(4096), &sanitizer);
        }
        let members = context.load();
        assert_eq!(members.len(), MAX_NAMES);
        assert!(
            members
                .iter()
                .all(|member| member.json.len() <= MAX_VALUE_BYTES + 16)
        );
        assert!(members[0].json.ends_with("ä…[truncated]\""));
    }
}
