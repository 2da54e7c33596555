//! Records that the sender itself has to write.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::queue::{Appended, DiskQueue, Durability, Line};
use crate::record::{self, Level, Record};

/// Puts a record of the library's own into the queue.
pub(super) fn note(
    queue: &DiskQueue,
    message: &str,
    attributes: Map<String, Value>,
    now: Timestamp,
) {
    let mut timestamp = Vec::new();
    record::timestamp(now, &mut timestamp);
    let record = Record {
        timestamp: String::from_utf8(timestamp).unwrap_or_default(),
        level: Level::Info,
        logger: "courier".to_owned(),
        message: message.to_owned(),
        attributes,
        error: None,
        stack_trace: None,
        trace_id: None,
        span_id: None,
        spans: Vec::new(),
        location: None,
        breadcrumbs: Vec::new(),
    };
    let mut line = Line::new();
    let json = serde_json::to_vec(&record).unwrap_or_default();
    line.body()
        .extend_from_slice(json.get(1..).unwrap_or_default());
    let _: Appended = queue.append(&mut line, Durability::PageCache);
}
