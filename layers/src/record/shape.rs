//! A record as everybody but the encoder sees it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::level::Level;

/// What was logged, once: as on the wire (the contract), without its place in a queue.
///
/// ```
/// use tracing_courier::{Level, Record, jiff::Timestamp};
///
/// let mut record = Record::new(Timestamp::UNIX_EPOCH, Level::Error, "app::sync", "upload failed");
/// record.attributes.insert("http_status".to_owned(), 503.into());
/// assert_eq!(
///     tracing_courier::serde_json::to_string(&record)?,
///     r#"{"timestamp":"1970-01-01T00:00:00.000000000Z","level":"error","logger":"app::sync","message":"upload failed","attributes":{"http_status":503}}"#
/// );
/// # Ok::<(), tracing_courier::serde_json::Error>(())
/// ```
///
/// Fields may be added, so other crates can't write out all of them, nor match on all of them:
///
/// ```compile_fail,E0638
/// # let record: tracing_courier::Record = unimplemented!();
/// let tracing_courier::Record {
///     timestamp, level, logger, message, attributes, error, error_type, stack_trace, trace_id, span_id, spans,
///     location, breadcrumbs,
/// } = record;
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Record {
    /// When, in RFC 3339 and UTC, to the nanosecond.
    pub timestamp: String,
    /// How bad.
    pub level: Level,
    /// Who: the `tracing` target.
    #[serde(default)]
    pub logger: String,
    /// What happened, in words.
    pub message: String,
    /// The event's own fields and those of its open spans, typed; the event's own win.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub attributes: Map<String, Value>,
    /// `Type: message`, and a line for each cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The error's type, an identifier or a path of them: `io::NotFound`. Empty where it has none, and its text begins
    /// with a word and a colon, which are not its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// Where the error came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack_trace: Option<String>,
    /// 32 hex digits, where the program is traced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// 16 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span_id: Option<String>,
    /// Names of the open spans, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<String>,
    /// Where in the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// What was logged before an error or fatal record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breadcrumbs: Vec<Breadcrumb>,
}

impl Record {
    /// A record of this moment, with no attributes and nothing else that is optional: those fields are set afterwards.
    pub fn new(
        at: Timestamp,
        level: Level,
        logger: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            timestamp: written(at),
            level,
            logger: logger.into(),
            message: message.into(),
            attributes: Map::new(),
            error: None,
            error_type: None,
            stack_trace: None,
            trace_id: None,
            span_id: None,
            spans: Vec::new(),
            location: None,
            breadcrumbs: Vec::new(),
        }
    }
}

/// A place in the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Location {
    /// The source file, relative to its crate.
    pub file: String,
    /// The line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

impl Location {
    /// This line, from 1, of this source file.
    pub fn new(file: impl Into<String>, line: Option<u32>) -> Self {
        let file = file.into();
        Self { file, line }
    }
}

/// A record in short, as the trail that led to an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Breadcrumb {
    /// When, in RFC 3339 and UTC.
    pub timestamp: String,
    /// How bad.
    pub level: Level,
    /// Who: the `tracing` target.
    pub logger: String,
    /// What happened, in words; cut when long.
    pub message: String,
    /// What part of the program: `ui`, `network`, `system` or `user`.
    pub category: String,
    /// More of it, from [`Courier::breadcrumb`](crate::Courier::breadcrumb) alone.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub attributes: Map<String, Value>,
}

impl Breadcrumb {
    /// What happened, who said it, how bad it was, and in which part of the program; without attributes, which are set
    /// afterwards.
    pub fn new(
        at: Timestamp,
        level: Level,
        logger: impl Into<String>,
        message: impl Into<String>,
        category: impl Into<String>,
    ) -> Self {
        Self {
            timestamp: written(at),
            level,
            logger: logger.into(),
            message: message.into(),
            category: category.into(),
            attributes: Map::new(),
        }
    }
}

/// A time as records have it.
fn written(at: Timestamp) -> String {
    let mut text = Vec::new();
    super::timestamp::timestamp(at, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::record::field::{Field, Written};

    #[test]
    fn a_record_in_memory_has_the_fields_that_our_programs_write() {
        // All of them by name: a new one is an error here until it is in the table too.
        let whole = Record {
            timestamp: "2026-02-06T12:00:00Z".to_owned(),
            level: Level::Error,
            logger: "app".to_owned(),
            message: "m".to_owned(),
            attributes: Map::from_iter([("n".to_owned(), 1.into())]),
            error: Some("io::NotFound: gone".to_owned()),
            error_type: Some("io::NotFound".to_owned()),
            stack_trace: Some("0: app::main".to_owned()),
            trace_id: Some("1".repeat(32)),
            span_id: Some("1".repeat(16)),
            spans: vec!["request".to_owned()],
            location: Some(Location {
                file: "src/main.rs".to_owned(),
                line: Some(1),
            }),
            breadcrumbs: vec![serde_json::from_value(json!({
                "timestamp": "2026-02-06T12:00:00Z", "level": "info", "logger": "app", "message": "m", "category": "ui"
            }))
            .unwrap()],
        };
        let value = serde_json::to_value(&whole).unwrap();
        let members = value.as_object().unwrap();
        let names: BTreeSet<&str> = members.keys().map(String::as_str).collect();
        let fields = Field::ALL.iter();
        let in_record = fields.filter(|field| field.written() == Written::InRecord);
        assert_eq!(names, in_record.map(|field| field.name()).collect());
        assert_eq!(serde_json::from_value::<Record>(value).unwrap(), whole);
    }
}
