//! Fields whose names come from the command line. `tracing` wants them at compile time, so each set is leaked: fit
//! for a trial program that makes one, not for more.

use std::sync::OnceLock;

use tracing::Span;
use tracing_core::callsite::{self, Callsite, Identifier};
use tracing_core::field::{FieldSet, Value};
use tracing_core::subscriber::Interest;
use tracing_core::{Event, Kind, Level, Metadata};

/// A span of this name with these string fields.
pub fn span(name: &'static str, fields: &[(String, String)]) -> Span {
    let names = fields.iter().map(|(name, _)| name.as_str());
    let metadata = leak(name, names, Kind::SPAN);
    let values: Vec<Option<&dyn Value>> = fields
        .iter()
        .map(|(_, value)| Some(value as &dyn Value))
        .collect();
    Span::new(metadata, &metadata.fields().value_set_all(&values))
}

/// Logs an INFO event with this message and these string fields.
pub fn info(message: &str, fields: &[(String, String)]) {
    let names = fields.iter().map(|(name, _)| name.as_str());
    let metadata = leak("event", ["message"].into_iter().chain(names), Kind::EVENT);
    let message = tracing_core::field::display(message);
    let mut values: Vec<Option<&dyn Value>> = vec![Some(&message)];
    values.extend(fields.iter().map(|(_, value)| Some(value as &dyn Value)));
    Event::dispatch(metadata, &metadata.fields().value_set_all(&values));
}

struct Leaked(OnceLock<Metadata<'static>>);

impl Callsite for Leaked {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        self.0.get().expect("set before it is registered")
    }
}

fn leak<'a>(
    name: &'static str,
    fields: impl Iterator<Item = &'a str>,
    kind: Kind,
) -> &'static Metadata<'static> {
    let names: Vec<&'static str> = fields.map(|name| &*name.to_owned().leak()).collect();
    let leaked: &'static Leaked = Box::leak(Box::new(Leaked(OnceLock::new())));
    let metadata = leaked.0.get_or_init(|| {
        Metadata::new(
            name,
            "field_app",
            Level::INFO,
            Some(file!()),
            Some(line!()),
            Some(module_path!()),
            FieldSet::new(names.leak(), Identifier(leaked)),
            kind,
        )
    });
    callsite::register(leaked);
    metadata
}
