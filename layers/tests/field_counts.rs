//! `FieldSet::value_set_all` is public but hidden, and a wrong number of slots would move values to other names. So
//! every number of fields is rebuilt here, in whichever profile the tests run.

use tracing_core::callsite::{Callsite, Identifier};
use tracing_core::field::{FieldSet, Value};
use tracing_core::subscriber::Interest;
use tracing_core::{Event, Kind, Level, Metadata};
use tracing_courier::testing;

struct AnyCallsite(std::sync::OnceLock<Metadata<'static>>);

impl Callsite for AnyCallsite {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        self.0.get().unwrap()
    }
}

/// A callsite with fields `f0`, `f1` …
fn callsite(fields: usize) -> &'static Metadata<'static> {
    let names: Vec<&'static str> = (0..fields)
        .map(|at| &*Box::leak(format!("f{at}").into_boxed_str()))
        .collect();
    let callsite: &'static AnyCallsite =
        Box::leak(Box::new(AnyCallsite(std::sync::OnceLock::new())));
    callsite.0.get_or_init(|| {
        Metadata::new(
            "event",
            "counts",
            Level::INFO,
            None,
            None,
            None,
            FieldSet::new(Box::leak(names.into_boxed_slice()), Identifier(callsite)),
            Kind::EVENT,
        )
    })
}

#[test]
fn each_value_keeps_its_name_for_every_number_of_fields() {
    let captured = testing::capture();
    for fields in 0..=300_usize {
        let metadata = callsite(fields);
        let numbers: Vec<u64> = (0..fields as u64).collect();
        // Every third is absent, as an `Empty` or an unset `Option` is.
        let values: Vec<Option<&dyn Value>> = numbers
            .iter()
            .map(|number| (number % 3 != 0).then_some(number as &dyn Value))
            .collect();
        let values = metadata.fields().value_set_all(&values);
        Event::dispatch(metadata, &values);
    }
    let records = captured.records();
    assert_eq!(records.len(), 301);
    for (fields, record) in records.iter().enumerate() {
        let expected = (0..fields).filter(|at| at % 3 != 0).count();
        assert_eq!(record.attributes.len(), expected, "{fields} fields");
        for (name, value) in &record.attributes {
            assert_eq!(format!("f{value}"), *name, "{fields} fields");
        }
    }
}
