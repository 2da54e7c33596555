//! Redacts again what clients send: not every client does, and the one that does loses nothing by it.
//!
//! Everything that a person may have written is looked at: the resource, and of a record what the table of
//! fields (`tracing_courier::record::Field`) says: message, error, stack, attributes and their names, spans,
//! breadcrumbs. Level, logger, times, ids and source locations are structure and stay as they are; an id that is none is
//! text like any other.
//!
//! What it does not do: decide what is secret, or walk through trees. That is `tracing_courier::sanitize`.

mod known;
pub mod lines;
mod tree;

use std::borrow::Cow;

use tracing_courier::record::{Field, Holds};
use tracing_courier::sanitize::tree::Named;
use tracing_courier::sanitize::{Place, Sanitizer};

use known::Known;

use crate::wire::error_type::is_type;
use crate::wire::json::{Members, Value};
use crate::wire::{Batch, Part, Record};

/// Redacts the records of one batch; what it learns about a name or a text holds for all of them.
pub struct Redaction<'s, 'a> {
    sanitizer: &'s Sanitizer,
    names: Known<'a, Name>,
    clean: Known<'a, ()>,
    /// What the name says that the walk has asked about and is going to enter.
    ahead: Option<Name>,
    changes: usize,
}

/// What a name says about its value.
#[derive(Clone, Copy)]
struct Name {
    named: Named,
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
            ahead: None,
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
        for &field in Field::ALL {
            let Some(place) = field.holds().place() else {
                continue;
            };
            match record.part(field) {
                Part::Text(id) if field.holds() == Holds::Hex && is_hex(id) => {}
                Part::Text(text) => self.text(place, text),
                Part::Members(members) => self.members(place, members),
                Part::Value(value) => self.value(place, value),
                Part::Absent => {}
            }
        }
        // What a marker stands in is no type any more.
        let is_told = |kind: &Cow<'a, str>| kind.is_empty() || is_type(kind);
        record.error_type = record.error_type.take().filter(is_told);
    }

    /// Redacts the members of an object: names decide first, those that other members give too; then their values are
    /// scanned, the names too.
    pub fn members(&mut self, place: Place, members: &mut Members<'a>) {
        let mut map = Value::Map(std::mem::take(members));
        self.value(place, &mut map);
        if let Value::Map(redacted) = map {
            *members = redacted;
        }
    }

    /// Redacts a value by its name, and the name itself.
    fn member(&mut self, place: Place, name: &mut Cow<'a, str>, value: &mut Value<'a>) {
        self.sanitizer.walk_member(place, name, value, self);
    }

    /// Redacts a value that has no name of its own.
    pub fn value(&mut self, place: Place, value: &mut Value<'a>) {
        self.sanitizer.walk(place, value, self);
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

    fn digits(&mut self, place: Place, digits: &str, value: &mut Value<'a>) {
        if let Cow::Owned(clean) = self.sanitizer.clean(place, digits) {
            self.changes += 1;
            *value = Value::Text(Cow::Owned(clean));
        }
    }

    /// What a name says: known, or by `ask`, and then noted under its lasting self, if it has one.
    fn name(
        &mut self,
        place: Place,
        name: &str,
        lasting: Option<&'a str>,
        ask: impl FnOnce(&str) -> Named,
    ) -> Name {
        if let Some(says) = self.names.get(place, name) {
            return says;
        }
        let says = Name {
            named: ask(name),
            is_clean: false,
        };
        if let Some(name) = lasting {
            self.names.note(place, name, says);
        }
        says
    }

    /// Redacts a name, of which is known what it `says`.
    fn clean_name(&mut self, place: Place, name: &mut Cow<'a, str>, says: Name) {
        if says.is_clean {
            return;
        }
        match (self.scan(place, name), lasting(name)) {
            (Scan::Dirty(clean), _) => {
                self.changes += 1;
                *name = Cow::Owned(clean);
            }
            (Scan::Clean, Some(name)) => {
                let is_clean = true;
                self.names.note(place, name, Name { is_clean, ..says });
            }
            (Scan::Clean | Scan::Reported, _) => {}
        }
    }
}

fn is_hex(id: &str) -> bool {
    id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A text as it stands in the body; one that had to be unescaped lasts no longer than its record.
fn lasting<'a>(text: &Cow<'a, str>) -> Option<&'a str> {
    match text {
        Cow::Borrowed(text) => Some(text),
        Cow::Owned(_) => None,
    }
}

#[cfg(test)]
mod tests;
