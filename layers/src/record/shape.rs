//! A record as everybody but the encoder sees it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::level::Level;

/// What was logged, once: as on the wire (`contract/README.md`), without its place in a queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
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
