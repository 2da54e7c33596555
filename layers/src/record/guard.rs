//! The guard: no encoded record is over 64 KiB.
//!
//! It cuts in the order that the table of fields gives (the contract's: message, attributes from the largest, stack
//! trace, error, breadcrumbs), on character boundaries, and marks each cut. Nearly no record comes here, so it works on
//! the decoded [`Record`].

use serde::Serialize;
use serde_json::{Map, Value};

use super::field::Field;
use super::shape::{Breadcrumb, Record};
use crate::cut::TRUNCATED;

/// The most an encoded record takes on disk, in bytes: its line with the prefix, its breadcrumbs and the newline.
/// From the contract.
pub const MAX_RECORD_BYTES: usize = 64 * 1024;

/// What is left of each text in a first round, in bytes: a record without a word helps nobody.
const LEAST_BYTES: usize = 256;

/// Cuts the record that begins at `start` in `line` (its members and closing brace) so that the whole line, with the
/// newline to come, is at most [`MAX_RECORD_BYTES`]. Returns how many cuts that took; 0 for a record that fits.
pub(crate) fn fit(line: &mut Vec<u8>, start: usize) -> u64 {
    if line.len() < MAX_RECORD_BYTES {
        return 0;
    }
    let mut json = vec![b'{'];
    json.extend_from_slice(line.get(start..).unwrap_or_default());
    // Our own encoder wrote it, so it parses.
    let Ok(mut record) = serde_json::from_slice::<Record>(&json) else {
        return 0;
    };
    let cuts = cut(&mut record, MAX_RECORD_BYTES - start);
    line.truncate(start);
    line.extend_from_slice(encoded(&record).get(1..).unwrap_or_default());
    cuts
}

/// Each part is measured once, so that a record of megabytes costs a few passes over it and not one for each cut.
fn cut(record: &mut Record, max_bytes: usize) -> u64 {
    let mut cuts = 0;
    let mut over = over(record, max_bytes);
    for least in [LEAST_BYTES, 0] {
        for field in Field::in_order_of_cutting() {
            cuts += match part(record, field) {
                Part::Text(text) => shorten(text, &mut over, least),
                Part::Attributes(attributes) => shorten_largest(attributes, &mut over, least),
                Part::Breadcrumbs(crumbs) => drop_oldest(crumbs, &mut over),
                Part::Uncut => 0,
            };
        }
    }
    // Thousands of fields with nothing in them: the last of them go.
    while over > 0
        && let Some((name, value)) = pop_last(&mut record.attributes)
    {
        // With the colon and the comma.
        over = over.saturating_sub(encoded(&name).len() + encoded(&value).len() + 2);
        cuts += 1;
    }
    cuts
}

/// What of a record can be cut, and how.
enum Part<'r> {
    Text(&'r mut String),
    Attributes(&'r mut Map<String, Value>),
    Breadcrumbs(&'r mut Vec<Breadcrumb>),
    /// Nothing is cut of it, or it is not there.
    Uncut,
}

fn part(record: &mut Record, field: Field) -> Part<'_> {
    let text = |text| Option::map_or(text, Part::Uncut, Part::Text);
    match field {
        Field::Message => Part::Text(&mut record.message),
        Field::Attributes => Part::Attributes(&mut record.attributes),
        Field::Error => text(record.error.as_mut()),
        Field::StackTrace => text(record.stack_trace.as_mut()),
        Field::Breadcrumbs => Part::Breadcrumbs(&mut record.breadcrumbs),
        Field::Queued
        | Field::Timestamp
        | Field::Level
        | Field::Logger
        | Field::ErrorType
        | Field::TraceId
        | Field::SpanId
        | Field::Spans
        | Field::Location
        | Field::EventName
        | Field::Install
        | Field::Session
        | Field::User => Part::Uncut,
    }
}

/// Drops breadcrumbs, the oldest first, until nothing is `over`; how many.
fn drop_oldest(crumbs: &mut Vec<Breadcrumb>, over: &mut usize) -> u64 {
    let mut dropped = 0;
    for crumb in &*crumbs {
        if *over == 0 {
            break;
        }
        // With the comma behind it.
        *over = over.saturating_sub(encoded(crumb).len() + 1);
        dropped += 1;
    }
    crumbs.drain(..dropped);
    u64::try_from(dropped).unwrap_or(u64::MAX)
}

/// Shortens attributes, the largest first, until nothing is `over`; how many.
fn shorten_largest(attributes: &mut Map<String, Value>, over: &mut usize, least: usize) -> u64 {
    let mut cuts = 0;
    for name in largest_first(attributes, least, *over) {
        if *over == 0 {
            break;
        }
        if let Some(value) = attributes.get_mut(&name) {
            cuts += shorten_value(value, over, least);
        }
    }
    cuts
}

fn pop_last(attributes: &mut Map<String, Value>) -> Option<(String, Value)> {
    let last = attributes.keys().next_back()?.clone();
    attributes.remove_entry(&last)
}

/// Bytes that are too many.
fn over(record: &Record, max_bytes: usize) -> usize {
    encoded(record).len().saturating_sub(max_bytes)
}

fn encoded<T: Serialize + ?Sized>(part: &T) -> Vec<u8> {
    serde_json::to_vec(part).unwrap_or_default()
}

/// The attributes that a cut to `least` would shorten, the largest first; none where nothing is `over`.
fn largest_first(attributes: &Map<String, Value>, least: usize, over: usize) -> Vec<String> {
    if over == 0 {
        return Vec::new();
    }
    let mut large: Vec<(usize, &String)> = attributes
        .iter()
        .map(|(name, value)| (encoded_len(value), name))
        .filter(|&(len, _)| len > least + TRUNCATED.len() + 2)
        .collect();
    large.sort_by_key(|&(len, _)| std::cmp::Reverse(len));
    large.into_iter().map(|(_, name)| name.clone()).collect()
}

fn encoded_len(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        nested => nested.to_string().len(),
    }
}

/// As [`shorten`]; a nested value becomes the text of its JSON.
fn shorten_value(value: &mut Value, over: &mut usize, least: usize) -> u64 {
    let before = encoded(value).len();
    let mut text = match value.take() {
        Value::String(text) => text,
        other => other.to_string(),
    };
    // As text it may have become longer, by its escaped quotes.
    let as_text = encoded(&text).len();
    *over = (*over + as_text).saturating_sub(before);
    let cuts = shorten(&mut text, over, least);
    *value = Value::String(text);
    cuts
}

/// Cuts at least `over` encoded bytes off the end of `text`, but leaves `least` bytes, and takes what it has cut from
/// `over`. 1 if anything was cut.
fn shorten(text: &mut String, over: &mut usize, least: usize) -> u64 {
    if *over == 0 || text.len() <= least + TRUNCATED.len() {
        return 0;
    }
    let enough = *over + TRUNCATED.len();
    let mut keep = text.len();
    let mut cut = 0;
    for (at, char) in text.char_indices().rev() {
        if cut >= enough || at < least {
            break;
        }
        keep = at;
        cut += escaped_len(char);
    }
    text.truncate(keep);
    text.push_str(TRUNCATED);
    *over = over.saturating_sub(cut.saturating_sub(TRUNCATED.len()));
    1
}

/// The bytes that a character takes in a JSON string.
fn escaped_len(char: char) -> usize {
    match char {
        '"' | '\\' | '\u{8}' | '\u{c}' | '\n' | '\r' | '\t' => 2,
        '\0'..'\u{20}' => 6,
        _ => char.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(message: usize, attributes: &[usize], stack: usize, crumbs: usize) -> Record {
        let attributes: serde_json::Map<_, _> = attributes
            .iter()
            .enumerate()
            .map(|(at, &len)| (format!("a{at}"), json!("ä".repeat(len / 2))))
            .collect();
        let crumb = json!({"timestamp": "2026-02-06T12:00:00.000000000Z", "level": "info", "logger": "a", "message": "m".repeat(200), "category": "system"});
        serde_json::from_value(json!({
            "timestamp": "2026-02-06T12:00:00.000000000Z", "level": "error", "message": "\u{1}".repeat(message),
            "attributes": attributes, "stackTrace": "s".repeat(stack), "breadcrumbs": vec![crumb; crumbs],
        }))
        .unwrap()
    }

    #[test]
    fn a_record_that_is_too_long_is_cut_in_the_order_of_the_contract() {
        for (name, mut given, untouched) in [
            (
                "only the message",
                record(20_000, &[2_000, 100], 500, 5),
                "attributes stack",
            ),
            (
                "then the largest attribute",
                record(300, &[90_000, 9_000], 500, 5),
                "a1 stack",
            ),
            ("then the stack", record(10, &[100], 90_000, 5), "a0"),
            (
                "everything",
                record(90_000, &[90_000, 90_000], 90_000, 20),
                "",
            ),
        ] {
            let before = given.clone();
            assert!(cut(&mut given, MAX_RECORD_BYTES) > 0, "{name}");
            assert!(encoded(&given).len() <= MAX_RECORD_BYTES, "{name}");
            if untouched.contains("stack") {
                assert_eq!(given.stack_trace, before.stack_trace, "{name}");
            }
            if untouched.contains("attributes") {
                assert_eq!(given.attributes, before.attributes, "{name}");
            }
            for kept in ["a0", "a1"].iter().filter(|kept| untouched.contains(*kept)) {
                assert_eq!(given.attributes[*kept], before.attributes[*kept], "{name}");
            }
            assert_eq!(given.breadcrumbs.len(), before.breadcrumbs.len(), "{name}");
        }
    }

    #[test]
    fn a_record_of_megabytes_in_thousands_of_attributes_is_cut_in_a_few_passes() {
        for (attributes, of) in [(2_000, 1_000), (20_000, 0), (40, 60_000)] {
            let mut given = record(10, &vec![of; attributes], 500, 5);
            given.attributes["a1"] = json!({"nested": ["\"quoted\"".repeat(of / 10), 1]});
            let before = std::time::Instant::now();
            assert!(cut(&mut given, MAX_RECORD_BYTES) > 0);
            let took = before.elapsed();
            // One encoding for each cut would be minutes.
            assert!(took.as_secs() < 5, "{attributes} of {of}: {took:?}");
            let len = encoded(&given).len();
            assert!(len <= MAX_RECORD_BYTES, "{attributes} of {of}: {len}");
            assert!(len > MAX_RECORD_BYTES - 1024, "{attributes} of {of}: {len}");
        }
    }

    #[test]
    fn a_cut_takes_no_more_than_it_must() {
        let mut given = record(20_000, &[], 0, 0);
        cut(&mut given, MAX_RECORD_BYTES);
        assert!(given.message.ends_with(TRUNCATED));
        assert!(encoded(&given).len() > MAX_RECORD_BYTES - 16);
    }
}
