//! `event_name`: what a client calls the event, else what we call our own.

use std::borrow::Cow;

use crate::wire::Record;
use crate::wire::json::Value;

/// Records of our programs' own, by logger and message, and the event that each is.
const OWN: [(&str, &str, &str); 7] = [
    ("courier", "session_start", "session.start"),
    ("courier", "session_end", "session.end"),
    ("courier", "app.crash", "app.crash"),
    (
        "courier",
        "session_unclean_exit",
        "courier.session.unclean_exit",
    ),
    ("courier", "log_level_changed", "courier.log_level_changed"),
    ("courier", "network_changed", "courier.network_changed"),
    ("courier", "records lost", "courier.records_lost"),
];

/// What a panic is called, as OpenTelemetry calls any error that was thrown.
const PANIC: &str = "exception";

/// The name of the event that a record is; `None` for most.
pub fn name<'r>(record: &'r Record<'_>) -> Option<&'r str> {
    if let Some(said) = record.event_name.as_deref() {
        return Some(said);
    }
    let is_panic = record.logger == "panic" && has(&record.attributes, "panic");
    if is_panic {
        return Some(PANIC);
    }
    if record.logger != "courier" {
        return None;
    }
    let own = OWN
        .iter()
        .find(|(logger, message, _)| record.logger == *logger && record.message == *message);
    own.map(|(_, _, name)| *name)
}

fn has(attributes: &[(Cow<'_, str>, Value<'_>)], name: &str) -> bool {
    attributes
        .iter()
        .any(|(key, value)| key == name && *value == Value::Bool(true))
}
