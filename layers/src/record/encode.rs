//! From the gate's clean values to the JSON of a record, in one pass and without a copy in between.
//!
//! No user code runs here: every value was rendered at the gate.

use std::io::Write as _;

use serde::Serialize;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::context::Member;
use crate::cut::{TRUNCATED, char_floor};
use crate::gate::{FieldPlan, Fields, Frame, Role, SpanFields, Value, crate_relative};
use crate::record::Level;
use crate::record::error::{RecordError, chain, message};
use crate::record::field::Field;
use crate::record::timestamp::timestamp;

/// Attributes of one record: more than any support engineer reads, and few enough to look for doubles among them.
const MAX_ATTRIBUTES: usize = 1_024;
/// Open spans whose fields are merged into a record, from the innermost out.
const MAX_SPANS: usize = 1_000;
/// Fields of open spans that are looked at for one record.
const MAX_SPAN_FIELDS: usize = 4 * MAX_ATTRIBUTES;
/// A record that is longer than this already, in bytes, takes of each further attribute only [`CUT_BYTES`]. Four times
/// what is kept, so that the guard has the largest ones to choose from.
const UNCUT_BYTES: usize = 256 * 1024;
const CUT_BYTES: usize = 256;
/// The longest name of a logger, in bytes. A record of the `log` crate gives any text.
const MAX_LOGGER_BYTES: usize = 256;

/// What a record carries besides its own values and its spans.
#[derive(Default)]
pub(crate) struct Extra<'a> {
    /// Trace and span id, lower hex.
    pub trace: Option<(u128, u64)>,
    /// The trail, as JSON objects joined by commas.
    pub breadcrumbs: &'a [u8],
    /// What the program is doing.
    pub context: &'a [Member],
}

/// Writes the members that a record begins with and a breadcrumb shares: `"timestamp":…,"level":…,"logger":…,"message":…`.
pub(crate) fn encode_head(frame: &Frame, out: &mut Vec<u8>) {
    encode_head_with(frame, &message(frame), out);
}

/// As [`encode_head`], with another message.
pub(crate) fn encode_head_with(frame: &Frame, message: &str, out: &mut Vec<u8>) {
    // The first has no comma before it.
    out.extend_from_slice(Field::Timestamp.key().get(1..).unwrap_or_default());
    out.push(b'"');
    timestamp(frame.timestamp, out);
    out.push(b'"');
    out.extend_from_slice(Field::Level.key());
    out.push(b'"');
    out.extend_from_slice(frame.level().as_str().as_bytes());
    out.push(b'"');
    out.extend_from_slice(Field::Logger.key());
    match frame.fields.text(frame.plan.index(Role::LogTarget)) {
        Some(target) => cut_text(target, MAX_LOGGER_BYTES, out),
        None => out.extend_from_slice(frame.plan.json.target.as_bytes()),
    }
    out.extend_from_slice(Field::Message.key());
    text(message, out);
}

/// Writes the whole record behind what `out` holds, from its first member to the closing brace.
/// `scope` gives the open spans, innermost first.
pub(crate) fn encode<'a, S, I>(
    frame: &Frame,
    scope: impl Fn() -> I,
    extra: &Extra<'_>,
    names: &mut Vec<&'static str>,
    out: &mut Vec<u8>,
) where
    S: LookupSpan<'a> + 'a,
    I: Iterator<Item = SpanRef<'a, S>>,
{
    out.extend_from_slice(&frame.head(encode_head));
    let the_error = RecordError::of(frame);
    attributes(frame, the_error.index, scope(), extra.context, names, out);
    error(&the_error, out);
    let told = frame.fields.text(frame.plan.index(Role::Stack));
    if let Some(stack) = told.or(the_error.stack.as_deref()) {
        out.extend_from_slice(Field::StackTrace.key());
        text(stack, out);
    }
    if let Some((trace_id, span_id)) = extra.trace {
        out.extend_from_slice(Field::TraceId.key());
        let _ = write!(out, "\"{trace_id:032x}\"");
        out.extend_from_slice(Field::SpanId.key());
        let _ = write!(out, "\"{span_id:016x}\"");
    }
    span_names(scope(), out);
    location(frame, out);
    if !extra.breadcrumbs.is_empty() {
        out.extend_from_slice(Field::Breadcrumbs.key());
        out.push(b'[');
        out.extend_from_slice(extra.breadcrumbs);
        out.push(b']');
    }
    out.push(b'}');
}

/// The open spans alone, as an object with `attributes` and `spans`; each span's fields as the first gate has cleaned
/// them.
pub(crate) fn encode_spans<'a, S, I>(scope: impl Fn() -> I) -> Vec<u8>
where
    S: LookupSpan<'a> + 'a,
    I: Iterator<Item = SpanRef<'a, S>>,
{
    let mut out = b"{\"attributes\":{".to_vec();
    let mut names = Vec::new();
    for span in scope().take(MAX_SPANS) {
        let extensions = span.extensions();
        let Some(kept) = extensions.get::<SpanFields>().map(SpanFields::any) else {
            continue;
        };
        for (index, field) in kept.plan.fields.iter().enumerate() {
            if names.len() < MAX_ATTRIBUTES && !names.contains(&field.name) {
                member(&kept.fields, index, field, &mut names, &mut out);
            }
        }
    }
    out.push(b'}');
    span_names(scope(), &mut out);
    out.push(b'}');
    out
}

/// A string. Most have nothing to escape and are copied as they are.
fn text(text: &str, out: &mut Vec<u8>) {
    // All of its bytes, without an early end: so it is done many at a time.
    let is_plain = text.bytes().fold(true, |is_plain, byte| {
        is_plain & (byte >= b' ') & (byte != b'"') & (byte != b'\\')
    });
    if is_plain {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        json(text, out);
    }
}

/// A string of which at most `max_bytes` are kept.
fn cut_text(whole: &str, max_bytes: usize, out: &mut Vec<u8>) {
    if whole.len() <= max_bytes {
        return text(whole, out);
    }
    let head = whole
        .get(..char_floor(whole, max_bytes))
        .unwrap_or_default();
    text(&format!("{head}{TRUNCATED}"), out);
}

fn json<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    // Into memory, of a type without maps of odd keys: it can't fail.
    let _ = serde_json::to_writer(out, value);
}

/// The event's own attributes, then those of its spans from the innermost out, then the context, each name once.
fn attributes<'a, S>(
    frame: &Frame,
    error_index: Option<usize>,
    scope: impl Iterator<Item = SpanRef<'a, S>>,
    context: &[Member],
    names: &mut Vec<&'static str>,
    out: &mut Vec<u8>,
) where
    S: LookupSpan<'a> + 'a,
{
    names.clear();
    let start = out.len();
    out.extend_from_slice(Field::Attributes.key());
    out.push(b'{');
    let opened = out.len();
    for (index, field) in frame.plan.fields.iter().enumerate() {
        if names.len() < MAX_ATTRIBUTES && is_attribute(frame, index, field.role, error_index) {
            member(&frame.fields, index, field, names, out);
        }
    }
    let mut left = MAX_SPAN_FIELDS;
    for span in scope.take(MAX_SPANS) {
        let extensions = span.extensions();
        let all = extensions.get::<SpanFields>();
        let Some(kept) = all.and_then(|all| all.of(frame.gate)) else {
            continue;
        };
        for (index, field) in kept.plan.fields.iter().enumerate() {
            if left == 0 || names.len() >= MAX_ATTRIBUTES {
                break;
            }
            left -= 1;
            if !names.contains(&field.name) {
                member(&kept.fields, index, field, names, out);
            }
        }
    }
    for Member { name, json } in context {
        if !names.contains(&name.as_str()) {
            if out.len() > opened {
                out.push(b',');
            }
            text(name, out);
            out.push(b':');
            out.extend_from_slice(json.as_bytes());
        }
    }
    if out.len() == opened {
        out.truncate(start);
    } else {
        out.push(b'}');
    }
}

/// Whether a field of the event is one of its attributes, or has a place of its own in the record.
fn is_attribute(frame: &Frame, index: usize, role: Role, error_index: Option<usize>) -> bool {
    match role {
        Role::Attribute | Role::Error => error_index != Some(index),
        // A second message keeps its name; an empty one says nothing.
        Role::Message => {
            frame.message_index() != Some(index) && frame.fields.text(Some(index)) != Some("")
        }
        Role::Fatal => frame.level() != Level::Fatal,
        Role::Stack => frame.plan.index(role) != Some(index),
        _ => false,
    }
}

fn member(
    fields: &Fields,
    index: usize,
    field: &FieldPlan,
    names: &mut Vec<&'static str>,
    out: &mut Vec<u8>,
) {
    let Some(value) = fields.get(index) else {
        return;
    };
    if !names.is_empty() {
        out.push(b',');
    }
    names.push(field.name);
    // The guard will cut it anyway, and should have no megabytes to go through.
    let is_short = out.len() < UNCUT_BYTES;
    out.extend_from_slice(field.key.as_bytes());
    match value {
        Value::Bool(value) => json(&value, out),
        Value::I64(value) => json(&value, out),
        Value::U64(value) => json(&value, out),
        Value::I128(value) => wide(i64::try_from(value).is_ok(), value, out),
        Value::U128(value) => wide(u64::try_from(value).is_ok(), value, out),
        Value::F64(value) if value.is_finite() => json(&value, out),
        Value::F64(value) => json(&format_args!("{value}"), out),
        Value::Str(value) | Value::Text(value) if is_short => text(value, out),
        Value::Str(value) | Value::Text(value) => cut_text(value, CUT_BYTES, out),
        Value::Bytes(bytes) if is_short => json(&format_args!("{bytes:02x?}"), out),
        Value::Bytes(_) => text(TRUNCATED, out),
        Value::Error(error) if is_short => text(&chain(error), out),
        Value::Error(error) => cut_text(&error.message, CUT_BYTES, out),
        Value::Tree(tree, _) if is_short => json(tree, out),
        Value::Tree(_, shown) => cut_text(shown, CUT_BYTES, out),
    }
}

/// A number beyond 64 bits travels as its digits in a string: most JSON readers would round it.
fn wide(fits: bool, value: impl std::fmt::Display, out: &mut Vec<u8>) {
    if fits {
        let _ = write!(out, "{value}");
    } else {
        let _ = write!(out, "\"{value}\"");
    }
}

fn error(error: &RecordError<'_>, out: &mut Vec<u8>) {
    for (field, value) in [(Field::Error, &error.text), (Field::ErrorType, &error.kind)] {
        if let Some(value) = value {
            out.extend_from_slice(field.key());
            text(value, out);
        }
    }
}

fn span_names<'a, S>(scope: impl Iterator<Item = SpanRef<'a, S>>, out: &mut Vec<u8>)
where
    S: LookupSpan<'a> + 'a,
{
    const DEEP: usize = 16;
    let mut names = [""; DEEP];
    let mut depth = 0;
    // Deeper than that, the outermost are left out.
    for (name, span) in names.iter_mut().zip(scope) {
        *name = span.name();
        depth += 1;
    }
    if depth == 0 {
        return;
    }
    out.extend_from_slice(Field::Spans.key());
    out.push(b'[');
    for (at, name) in names.iter().take(depth).rev().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        text(name, out);
    }
    out.push(b']');
}

fn location(frame: &Frame, out: &mut Vec<u8>) {
    // A record of the `log` crate says where it comes from by itself.
    let Some(file) = frame.fields.text(frame.plan.index(Role::LogFile)) else {
        if let Some(location) = &frame.plan.json.location {
            out.extend_from_slice(Field::Location.key());
            out.extend_from_slice(location.as_bytes());
        }
        return;
    };
    out.extend_from_slice(Field::Location.key());
    out.extend_from_slice(b"{\"file\":");
    text(crate_relative(file), out);
    let line = frame.plan.index(Role::LogLine);
    if let Some(Value::U64(line)) = line.and_then(|index| frame.fields.get(index)) {
        let _ = write!(out, ",\"line\":{line}");
    }
    out.push(b'}');
}
