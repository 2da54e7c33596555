//! Redacts again what clients send: not every client does, and the one that does loses nothing by it.
//!
//! Everything that a person may have written is looked at: message, error, stack, attributes and their names, spans,
//! breadcrumbs, the resource. Level, logger, times, ids and source locations are structure and stay as they are; an id
//! that is none is text like any other.
//!
//! What it does not do: decide what is secret. That is `tracing_courier::sanitize`.

mod known;
pub mod lines;

use std::borrow::Cow;

use serde_json::json;
use tracing_courier::sanitize::{KeyClass, Place, Sanitizer};

use known::Known;

use crate::wire::error_type::is_type;
use crate::wire::json::{Members, Value};
use crate::wire::{Batch, Record};

/// Redacts the records of one batch; what it learns about a name or a text holds for all of them.
pub struct Redaction<'s, 'a> {
    sanitizer: &'s Sanitizer,
    names: Known<'a, Name>,
    clean: Known<'a, ()>,
    changes: usize,
}

/// What a name says about its value.
#[derive(Clone, Copy)]
struct Name {
    is_secret: bool,
    is_version: bool,
    /// There is nothing secret in the name itself.
    is_clean: bool,
}

/// What came of looking at a text.
enum Scan {
    Clean,
    /// The policy only counts what it finds, or another thread found something meanwhile.
    Reported,
    /// What is left of it.
    Dirty(String),
}

impl<'s, 'a> Redaction<'s, 'a> {
    /// By the policy of `sanitizer`, which counts.
    #[must_use]
    pub fn by(sanitizer: &'s Sanitizer) -> Self {
        Self {
            sanitizer,
            names: Known::default(),
            clean: Known::default(),
            changes: 0,
        }
    }

    /// How many values were changed so far.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.changes
    }

    /// Redacts the records and what stands beside them.
    pub fn batch(&mut self, batch: &mut Batch<'a>) {
        self.members(Place::Resource, &mut batch.resource);
        batch
            .records
            .iter_mut()
            .for_each(|record| self.record(record));
    }

    fn record(&mut self, record: &mut Record<'a>) {
        self.text(Place::Message, &mut record.message);
        self.members(Place::Attribute, &mut record.attributes);
        self.optional(Place::Error, &mut record.error);
        self.optional(Place::Error, &mut record.error_type);
        // What a marker stands in is no type any more.
        let is_told = |kind: &Cow<'a, str>| kind.is_empty() || is_type(kind);
        record.error_type = record.error_type.take().filter(is_told);
        self.optional(Place::Stack, &mut record.stack_trace);
        for id in [&mut record.trace_id, &mut record.span_id] {
            if id
                .as_ref()
                .is_some_and(|id| !id.bytes().all(|byte| byte.is_ascii_hexdigit()))
            {
                self.optional(Place::Attribute, id);
            }
        }
        for (place, value) in [
            (Place::Attribute, &mut record.spans),
            (Place::Breadcrumb, &mut record.breadcrumbs),
        ] {
            if let Some(value) = value {
                self.value(place, value);
            }
        }
    }

    /// Redacts the members of an object: names decide first, those that other members give too; then their values are scanned, the names too.
    pub fn members(&mut self, place: Place, members: &mut Members<'a>) {
        let named_by = self.names_its_value(members);
        for (name, value) in members.iter_mut() {
            if let Some((key, called)) = &named_by
                && !matches!(value, Value::Null | Value::Bool(_))
                && self.sanitizer.is_value_of(name, key, called)
            {
                self.redact_named(place, value);
            }
            self.member(place, name, value);
        }
    }

    /// Redacts a value by its name, and then the name itself.
    fn member(&mut self, place: Place, name: &mut Cow<'a, str>, value: &mut Value<'a>) {
        let says = self.name(place, name, lasting(name));
        if says.is_secret
            && let Some(marker) = self.secret(place, name, value)
        {
            if !matches!(value, Value::Text(text) if *text == marker) {
                self.changes += 1;
                *value = Value::Text(Cow::Owned(marker));
            }
        } else if says.is_version {
            self.value(Place::Version, value);
        } else {
            self.value(place, value);
        }
        if says.is_clean {
            return;
        }
        match (self.scan(place, name), lasting(name)) {
            (Scan::Dirty(clean), _) => {
                self.changes += 1;
                *name = Cow::Owned(clean);
            }
            (Scan::Clean, Some(name)) => {
                let says = Name {
                    is_clean: true,
                    ..says
                };
                self.names.note(place, name, says);
            }
            (Scan::Clean | Scan::Reported, _) => {}
        }
    }

    /// Redacts a value that has no name of its own.
    pub fn value(&mut self, place: Place, value: &mut Value<'a>) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Text(text) => self.text(place, text),
            // A card number is an integer of 13 digits, and shorter ones are no secret by themselves.
            Value::Int(number) => {
                if number.unsigned_abs() >= SHORTEST_SECRET_INTEGER {
                    self.digits(place, &number.to_string(), value);
                }
            }
            Value::Number(number) => self.digits(place, number, value),
            Value::Float(..) => {}
            Value::Deep(json) => self.digits(place, json, value),
            Value::List(values) => self.list(place, values),
            Value::Map(members) => self.members(place, members),
        }
    }

    /// Redacts a list: of a pair and of arguments, what the item before names.
    fn list(&mut self, place: Place, values: &mut [Value<'a>]) {
        let items = values.len();
        for at in 1..items {
            let (before, rest) = values.split_at_mut(at);
            let (Some(Value::Text(item)), Some(next)) = (before.last(), rest.first_mut()) else {
                continue;
            };
            let is_named = matches!(&*next, Value::Text(text) if self.sanitizer.is_named_by(item, text, items));
            if is_named {
                self.redact_named(place, next);
            }
        }
        values.iter_mut().for_each(|value| self.value(place, value));
    }

    /// The member that calls the value beside it by a secret name, if there is one: its key and the name. It is looked
    /// for once for all members, so that it costs by their number however many of them may hold a value.
    fn names_its_value(&self, members: &Members<'_>) -> Option<(String, String)> {
        // As `value`, `val` and `values` are.
        let may_hold = |key: &str| key.len() <= "values".len() && key.starts_with(['v', 'V']);
        if !members.iter().any(|(key, _)| may_hold(key)) {
            return None;
        }
        members.iter().find_map(|(key, name)| match name {
            Value::Text(name) if self.sanitizer.is_value_of("value", key, name) => {
                Some((key.to_string(), name.to_string()))
            }
            _ => None,
        })
    }

    /// Redacts a value for the name that stands beside it, by the sanitizer's own rule for names.
    fn redact_named(&mut self, place: Place, value: &mut Value<'a>) {
        if let Some(marker) = self.secret(place, "secret", value)
            && !matches!(value, Value::Text(text) if *text == marker)
        {
            self.changes += 1;
            *value = Value::Text(Cow::Owned(marker));
        }
    }

    /// Redacts a text.
    pub fn text(&mut self, place: Place, text: &mut Cow<'a, str>) {
        let lasting = lasting(text);
        if lasting.is_some_and(|text| self.clean.get(place, text).is_some()) {
            return;
        }
        match (self.scan(place, text), lasting) {
            (Scan::Dirty(clean), _) => {
                self.changes += 1;
                *text = Cow::Owned(clean);
            }
            (Scan::Clean, Some(text)) => self.clean.note(place, text, ()),
            (Scan::Clean | Scan::Reported, _) => {}
        }
    }

    fn scan(&self, place: Place, text: &str) -> Scan {
        let touched = self.sanitizer.counts().touched();
        match self.sanitizer.clean(place, text) {
            Cow::Owned(clean) => Scan::Dirty(clean),
            Cow::Borrowed(_) if touched == self.sanitizer.counts().touched() => Scan::Clean,
            Cow::Borrowed(_) => Scan::Reported,
        }
    }

    fn optional(&mut self, place: Place, text: &mut Option<Cow<'a, str>>) {
        if let Some(text) = text {
            self.text(place, text);
        }
    }

    fn digits(&mut self, place: Place, digits: &str, value: &mut Value<'a>) {
        if let Cow::Owned(clean) = self.sanitizer.clean(place, digits) {
            self.changes += 1;
            *value = Value::Text(Cow::Owned(clean));
        }
    }

    fn name(&mut self, place: Place, name: &str, lasting: Option<&'a str>) -> Name {
        if let Some(says) = self.names.get(place, name) {
            return says;
        }
        let says = Name {
            is_secret: self.sanitizer.key(name) == KeyClass::Secret,
            is_version: self.sanitizer.place(place, name) == Place::Version,
            is_clean: false,
        };
        if let Some(name) = lasting {
            self.names.note(place, name, says);
        }
        says
    }

    /// What stands for a value under a secret name, if it has to go: the sanitizer's own verdict, which it counts.
    fn secret(&self, place: Place, name: &str, value: &Value<'_>) -> Option<String> {
        let value = match value {
            Value::Null => json!(null),
            Value::Bool(flag) => json!(flag),
            Value::Int(number) => json!(number),
            Value::Float(number, _) => json!(number),
            Value::Text(text) => json!(text),
            Value::Number(text) => json!(text),
            Value::List(values) => numbers(values.iter()),
            Value::Map(members) => numbers(members.iter().map(|(_, value)| value)),
            Value::Deep(_) => json!(NESTED),
        };
        let mut member = json!({ name: value });
        self.sanitizer.value(place, &mut member);
        let after = member.as_object_mut()?.values_mut().next()?.take();
        match after {
            serde_json::Value::String(marker)
                if marker.starts_with('[') && marker.ends_with(']') =>
            {
                Some(marker)
            }
            _ => None,
        }
    }
}

/// A text as it stands in the body; one that had to be unescaped lasts no longer than its record.
fn lasting<'a>(text: &Cow<'a, str>) -> Option<&'a str> {
    match text {
        Cow::Borrowed(text) => Some(text),
        Cow::Owned(_) => None,
    }
}

/// The smallest integer of 12 digits.
const SHORTEST_SECRET_INTEGER: u64 = 100_000_000_000;

/// What is in a list or a map, where it is numbers throughout: counts stay. Anything else goes with all that is in it.
fn numbers<'v, 'a: 'v>(values: impl Iterator<Item = &'v Value<'a>>) -> serde_json::Value {
    let numbers = values.map(|value| match value {
        Value::Int(number) => Some(json!(number)),
        Value::Float(number, _) => Some(json!(number)),
        _ => None,
    });
    numbers
        .collect::<Option<Vec<_>>>()
        .map_or_else(|| json!(NESTED), serde_json::Value::Array)
}

/// What stands for a value whose content is of no account.
const NESTED: &str = "nested";

#[cfg(test)]
mod tests {
    use tracing_courier::sanitize::{Mode, Policy};

    use super::*;
    use crate::wire;

    #[test]
    fn nothing_secret_is_left_in_any_field_and_the_rest_stays() {
        let body = r#"{"resource":{"service.name":"app","api_key":"hunter2hunter2"},
            "context":{"installId":"i-1","userId":"ann@example.com"},
            "logs":[{"timestamp":"2026-02-06T12:00:00Z","level":"info","logger":"app","message":"mail ann@example.com now",
            "attributes":{"password":"hunter2hunter2","retries":3,"ok":true,"nested":{"token":["hunter2hunter2"],"n":1.50},
            "app_version":"1.2.3.4","host":"203.0.113.7","card":4111111111111111},
            "error":"Http: for bob@example.com","stackTrace":"0: app::main\n at /home/ann/app/src/main.rs:1:2",
            "traceId":"not an id but bob@example.com","spans":["login password=hunter2hunter2"],
            "breadcrumbs":[{"message":"to ann@example.com","level":"info"}],"secret":"hunter2hunter2"}]}"#;
        let mut batch = wire::parse(body.as_bytes(), 1).expect("a batch");
        let sanitizer = Sanitizer::new(&Policy::new());
        let mut redaction = Redaction::by(&sanitizer);
        redaction.batch(&mut batch);
        let record = &batch.records[0];

        let seen = format!("{:?} {record:?}", batch.resource);
        for secret in ["hunter2", "ann@", "bob@", "203.0.113", "4111", "/home/ann"] {
            assert!(!seen.contains(secret), "{secret} in {seen}");
        }
        assert_eq!(
            batch.context.user.as_deref(),
            Some("ann@example.com"),
            "ids are never scanned"
        );
        assert_eq!(record.message, "mail [REDACTED:email] now");
        let get = |name: &str| {
            &record
                .attributes
                .iter()
                .find(|(key, _)| key == name)
                .expect("it is there")
                .1
        };
        assert_eq!(*get("password"), Value::Text("[REDACTED]".into()));
        assert_eq!(
            (get("retries"), get("ok")),
            (&Value::Int(3), &Value::Bool(true))
        );
        assert_eq!(*get("app_version"), Value::Text("1.2.3.4".into()));
        assert!(redaction.changes() > 8);
        assert!(
            sanitizer.counts().by_rule()["key"] >= 4,
            "{:?}",
            sanitizer.counts().by_rule()
        );
    }

    #[test]
    fn what_comes_again_in_a_batch_is_redacted_again_and_reported_again() {
        let record = r#"{"timestamp":"2026-02-06T12:00:00Z","level":"info","message":"mail ann@example.com",
            "attributes":{"route":"/surveys","who":"bob@example.com","for cid@example.com":1}}"#;
        let body = format!("[{record},{record},{record}]");
        let seen_by = |policy: &Policy| {
            let sanitizer = Sanitizer::new(policy);
            let mut batch = wire::parse(body.as_bytes(), 3).expect("a batch");
            Redaction::by(&sanitizer).batch(&mut batch);
            let counted = sanitizer.counts().by_rule()["email"];
            (format!("{:?}", batch.records), counted)
        };
        let (clean, counted) = seen_by(&Policy::new());
        assert!(!clean.contains("example.com"), "{clean}");
        assert_eq!(clean.matches("/surveys").count(), 3);
        assert_eq!(counted, 9);

        let (left, counted) = seen_by(&Policy::new().mode(Mode::Report));
        assert_eq!(left.matches("example.com").count(), 9, "{left}");
        assert_eq!(counted, 9);
    }
}
