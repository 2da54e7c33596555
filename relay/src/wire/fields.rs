//! The fields of a record as they were read, and what becomes of those that are not what they should be.

use std::borrow::Cow;

use tracing_courier::record::Field;

use super::error_type::is_type;
use super::identifier::identifier;
use super::json::{DEPTH, Error, Next, Reader, Value, last_wins};

/// Each known field as the last one of its name said, in either spelling.
#[derive(Default)]
pub struct Fields<'a> {
    values: [Option<Value<'a>>; Field::COUNT],
    pub location: Location<'a>,
    pub unknown: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Fields<'a> {
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let mut fields = Self::default();
        reader.map(|reader, key| {
            let Some(field) = Field::read(&key) else {
                fields.unknown.push((key, reader.value(DEPTH)?));
                return Ok(());
            };
            let value = match field {
                // One deeper than any other field: its own object is no attribute's value.
                Field::Attributes => match reader.next_kind()? {
                    Next::Map => Value::Map(reader.many_members(DEPTH + 1)?),
                    _ => reader.value(DEPTH + 1)?,
                },
                Field::Location => {
                    fields.location = Location::read(reader)?;
                    return Ok(());
                }
                _ => reader.value(DEPTH)?,
            };
            if let Some(place) = fields.values.get_mut(field.index()) {
                *place = Some(value);
            }
            Ok(())
        })?;
        Ok(fields)
    }

    pub fn take(&mut self, field: Field) -> Option<Value<'a>> {
        self.values.get_mut(field.index())?.take()
    }
}

/// Where a record was logged: file, line, and what else a location says, which stays an attribute of that name.
#[derive(Default)]
pub struct Location<'a> {
    pub file: Option<Cow<'a, str>>,
    pub line: Option<i64>,
    pub rest: Option<Value<'a>>,
}

impl<'a> Location<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let mut location = Self::default();
        if reader.next_kind()? != Next::Map {
            location.rest = Some(reader.value(DEPTH)?);
            return Ok(location);
        }
        let mut rest = Vec::new();
        reader.map(|reader, key| {
            match (key.as_ref(), reader.value(DEPTH - 1)?) {
                ("file", Value::Text(text)) => location.file = Some(text),
                ("line", Value::Int(number)) => location.line = Some(number),
                ("file" | "line", Value::Null) => {}
                (_, value) => rest.push((key, value)),
            }
            Ok(())
        })?;
        location.rest = (!rest.is_empty()).then(|| Value::Map(last_wins(rest)));
        Ok(location)
    }
}

/// What becomes an attribute because it has no better place.
pub struct Spare<'a>(pub Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Spare<'a> {
    pub fn keep(&mut self, field: Field, value: Option<Value<'a>>) {
        if let Some(value) = value {
            self.0.push((Cow::Borrowed(field.name()), value));
        }
    }

    /// The value as text; empty text says nothing.
    pub fn text(&mut self, field: Field, value: Option<Value<'a>>) -> Option<Cow<'a, str>> {
        match value {
            Some(Value::Text(text)) => Some(text).filter(|text| !text.is_empty()),
            other => {
                self.keep(field, other);
                None
            }
        }
    }

    /// What is no type stays an attribute of that name.
    pub fn error_type(&mut self, value: Option<Value<'a>>) -> Option<Cow<'a, str>> {
        match value {
            Some(Value::Text(text)) if is_type(&text) => Some(text),
            // It has none, and its text is not to be asked.
            Some(Value::Text(text)) if text.is_empty() => Some(text),
            other => {
                self.keep(Field::ErrorType, other);
                None
            }
        }
    }

    pub fn identifier(&mut self, field: Field, value: Option<Value<'a>>) -> Option<Cow<'a, str>> {
        match identifier(value?) {
            Ok(identifier) => Some(identifier),
            Err(other) => {
                self.keep(
                    field,
                    Some(other).filter(|other| !matches!(other, Value::Text(_))),
                );
                None
            }
        }
    }

    /// `attributes`, then what was kept here, unless null or taken.
    pub fn join(
        self,
        mut attributes: Vec<(Cow<'a, str>, Value<'a>)>,
    ) -> Vec<(Cow<'a, str>, Value<'a>)> {
        if self.0.is_empty() {
            return attributes;
        }
        let mut spare = last_wins(self.0);
        spare.retain(|(_, value)| *value != Value::Null);
        let taken: std::collections::HashSet<&str> =
            attributes.iter().map(|(key, _)| key.as_ref()).collect();
        spare.retain(|(key, _)| !taken.contains(key.as_ref()));
        attributes.append(&mut spare);
        attributes
    }
}
