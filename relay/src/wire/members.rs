//! How many members a record may have, of all its objects together.
//!
//! Each member costs a look at its name, and OTLP keeps 128 attributes of a record anyway. What is over the cap is dropped
//! before anything looks at it, in the order of the record: attributes first, then spans and breadcrumbs.

use super::dropped::Dropped;
use super::json::{Members, Value};
use super::record::Record;

/// Members of one record at most, of all its objects together: 128 attributes with 32 members each. A program's own
/// record, breadcrumbs included, has some hundred.
const MAX_MEMBERS: usize = 4096;

/// Keeps a record within [`MAX_MEMBERS`].
pub fn cap(record: &mut Record<'_>) {
    let mut budget = Budget::new();
    let attributes = record.attributes.len();
    budget.members(&mut record.attributes);
    let attributes = count(attributes - record.attributes.len());
    for value in [&mut record.spans, &mut record.breadcrumbs]
        .into_iter()
        .flatten()
    {
        budget.value(value);
    }
    record.dropped = Dropped {
        members: budget.dropped,
        attributes,
    };
}

/// The same for the attributes of a resource.
pub fn cap_resource(resource: &mut Members<'_>) -> Dropped {
    let mut budget = Budget::new();
    let attributes = resource.len();
    budget.members(resource);
    Dropped {
        members: budget.dropped,
        attributes: count(attributes - resource.len()),
    }
}

struct Budget {
    left: usize,
    dropped: u64,
}

impl Budget {
    fn new() -> Self {
        Self {
            left: MAX_MEMBERS,
            dropped: 0,
        }
    }

    fn members(&mut self, members: &mut Members<'_>) {
        let mut kept = 0;
        for (_, value) in members.iter_mut() {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            kept += 1;
            self.value(value);
        }
        for (_, value) in members.drain(kept..) {
            self.dropped += 1 + held(&value);
        }
    }

    fn value(&mut self, value: &mut Value<'_>) {
        match value {
            Value::Map(members) => self.members(members),
            Value::List(values) => values.iter_mut().for_each(|value| self.value(value)),
            _ => {}
        }
    }
}

/// How many members are in a value.
fn held(value: &Value<'_>) -> u64 {
    match value {
        Value::Map(members) => {
            let inside: u64 = members.iter().map(|(_, value)| held(value)).sum();
            inside + count(members.len())
        }
        Value::List(values) => values.iter().map(held).sum(),
        _ => 0,
    }
}

fn count(members: usize) -> u64 {
    u64::try_from(members).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use crate::wire::parse;

    fn record(attributes: &str) -> String {
        format!(
            r#"[{{"timestamp":"2026-02-06T12:00:00Z","level":"info","message":"m","attributes":{{{attributes}}},"breadcrumbs":[{{"a":1}}]}}]"#
        )
    }

    fn members(count: usize) -> String {
        let members: Vec<String> = (0..count).map(|n| format!("\"k{n}\":{n}")).collect();
        members.join(",")
    }

    #[test]
    fn what_is_within_the_cap_stays_and_what_is_over_it_is_counted() {
        let nested = format!("\"a\":{{{}}},\"b\":[{{\"c\":1}}]", members(4096));
        let cases = [
            // One of a breadcrumb.
            (members(4095), 0, 0),
            (members(4096), 1, 0),
            (members(5000), 905, 904),
            (nested, 4, 1),
        ];
        for (attributes, dropped, of_record) in cases {
            let body = record(&attributes);
            let batch = parse(body.as_bytes(), 1).expect("a batch");
            let said = batch.records[0].dropped;
            assert_eq!(
                (said.members, said.attributes),
                (dropped, of_record),
                "{}",
                attributes.len()
            );
        }
    }

    #[test]
    fn a_resource_has_a_cap_of_its_own() {
        let body = format!(r#"{{"resource":{{{}}},"logs":[]}}"#, members(5000));
        let batch = parse(body.as_bytes(), 1).expect("a batch");
        assert_eq!(batch.resource.len(), 4096);
        assert_eq!(batch.resource_dropped.attributes, 904);
    }
}
