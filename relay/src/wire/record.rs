//! One record, as its client wrote it.
//!
//! Only `timestamp`, `level` and `message` are required. A known field of a type that it can't have is kept as an
//! attribute of that name, like an unknown field, rather than costing the record.

use std::borrow::Cow;

use tracing_courier::Level;
use tracing_courier::record::Field;

use super::dropped::Dropped;
use super::fields::{Fields, Location, Spare};
use super::json::{Error, Members, Next, Reader, Value};
use super::timestamp;

/// One record, borrowing from the body.
#[derive(Debug)]
pub struct Record<'a> {
    /// Its place in the batch as it was sent, from 0.
    pub index: u64,
    /// Its number in its disk queue, from `q`.
    pub seq: Option<u64>,
    /// When, in Unix nanoseconds by the client's clock.
    pub unix_nanos: i128,
    /// The timestamp as it was written.
    pub timestamp: Cow<'a, str>,
    /// How bad.
    pub level: Level,
    /// Who logged it; empty when it did not say.
    pub logger: Cow<'a, str>,
    /// What happened.
    pub message: Cow<'a, str>,
    /// Typed fields, keys unique: those of `attributes`, then the record's unknown fields unless null or taken.
    pub attributes: Vec<(Cow<'a, str>, Value<'a>)>,
    /// The error's text, with its causes.
    pub error: Option<Cow<'a, str>>,
    /// The error's type: an identifier or a path, [`error_type::is_type`](super::error_type::is_type). Empty where the
    /// client says that there is none.
    pub error_type: Option<Cow<'a, str>>,
    /// Frames as text.
    pub stack_trace: Option<Cow<'a, str>>,
    /// Hex, not yet checked.
    pub trace_id: Option<Cow<'a, str>>,
    /// Hex, not yet checked.
    pub span_id: Option<Cow<'a, str>>,
    /// Which kind of event, where the client says so: a name of few, `app.jank`.
    pub event_name: Option<Cow<'a, str>>,
    /// Which installation, where the record itself says so.
    pub install: Option<Cow<'a, str>>,
    /// Which run of the program, where the record itself says so.
    pub session: Option<Cow<'a, str>>,
    /// Which user, where the record itself says so.
    pub user: Claim<'a>,
    /// The names of the spans that it was logged in.
    pub spans: Option<Value<'a>>,
    /// The file that logged it.
    pub file: Option<Cow<'a, str>>,
    /// The line that logged it.
    pub line: Option<i64>,
    /// What happened before.
    pub breadcrumbs: Option<Value<'a>>,
    /// What of it was over the cap on members.
    pub dropped: Dropped,
}

/// The value of one field.
#[derive(Debug)]
pub enum Part<'r, 'a> {
    /// A text.
    Text(&'r mut Cow<'a, str>),
    /// Named values.
    Members(&'r mut Members<'a>),
    /// A value of any kind.
    Value(&'r mut Value<'a>),
    /// The record has none, or nothing that anybody may change.
    Absent,
}

/// What a record says about its user.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Claim<'a> {
    /// Nothing: the context's user holds.
    #[default]
    Silent,
    /// `null`: nobody was logged in.
    Nobody,
    /// This one.
    Is(Cow<'a, str>),
}

/// Why a record can't be taken, for the client's developer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reject {
    /// An array, a string, a number.
    #[error("a record must be a JSON object")]
    NotAnObject,
    /// There is no `timestamp`, or it is null.
    #[error("`timestamp` is missing")]
    NoTimestamp,
    /// It is something else.
    #[error("`timestamp` must be an RFC 3339 string, for example 2026-02-06T12:00:00.000Z")]
    BadTimestamp,
    /// There is no `level`, or it is null.
    #[error("`level` is missing")]
    NoLevel,
    /// It is something else.
    #[error("`level` must be trace, debug, info, warning, error or fatal")]
    BadLevel,
    /// There is no `message`, or it is null.
    #[error("`message` is missing")]
    NoMessage,
    /// It is something else.
    #[error("`message` must be a string")]
    BadMessage,
}

impl Reject {
    /// The reason as one word, for counting.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAnObject => "not_an_object",
            Self::NoTimestamp => "no_timestamp",
            Self::BadTimestamp => "bad_timestamp",
            Self::NoLevel => "no_level",
            Self::BadLevel => "bad_level",
            Self::NoMessage => "no_message",
            Self::BadMessage => "bad_message",
        }
    }
}

impl<'a> Record<'a> {
    /// What stands in a field.
    pub fn part(&mut self, field: Field) -> Part<'_, 'a> {
        fn text<'r, 'a>(text: &'r mut Option<Cow<'a, str>>) -> Part<'r, 'a> {
            text.as_mut().map_or(Part::Absent, Part::Text)
        }
        fn value<'r, 'a>(value: &'r mut Option<Value<'a>>) -> Part<'r, 'a> {
            value.as_mut().map_or(Part::Absent, Part::Value)
        }
        match field {
            Field::Message => Part::Text(&mut self.message),
            Field::Attributes => Part::Members(&mut self.attributes),
            Field::Error => text(&mut self.error),
            Field::ErrorType => text(&mut self.error_type),
            Field::StackTrace => text(&mut self.stack_trace),
            Field::TraceId => text(&mut self.trace_id),
            Field::SpanId => text(&mut self.span_id),
            Field::EventName => text(&mut self.event_name),
            Field::Spans => value(&mut self.spans),
            Field::Breadcrumbs => value(&mut self.breadcrumbs),
            // What a location says besides file and line is among the attributes.
            Field::Queued
            | Field::Timestamp
            | Field::Level
            | Field::Logger
            | Field::Location
            | Field::Install
            | Field::Session
            | Field::User => Part::Absent,
        }
    }

    /// Reads one element of the `logs` array: a record, or what is wrong with it.
    ///
    /// # Errors
    ///
    /// When it is not JSON.
    pub fn read(reader: &mut Reader<'a>) -> Result<Result<Self, Reject>, Error> {
        if reader.next_kind()? != Next::Map {
            reader.skip()?;
            return Ok(Err(Reject::NotAnObject));
        }
        Ok(Fields::read(reader)?.try_into())
    }
}

impl<'a> TryFrom<Fields<'a>> for Record<'a> {
    type Error = Reject;

    fn try_from(mut fields: Fields<'a>) -> Result<Self, Reject> {
        let mut spare = Spare(std::mem::take(&mut fields.unknown));
        let Location { file, line, rest } = std::mem::take(&mut fields.location);
        let mut take = |field| fields.take(field);
        let timestamp = take(Field::Timestamp);
        let timestamp = required(timestamp, Reject::NoTimestamp, Reject::BadTimestamp)?;
        let unix_nanos = timestamp::unix_nanos(&timestamp).ok_or(Reject::BadTimestamp)?;
        let level = required(take(Field::Level), Reject::NoLevel, Reject::BadLevel)?;
        let level = level.parse().map_err(|_| Reject::BadLevel)?;
        let message = required(take(Field::Message), Reject::NoMessage, Reject::BadMessage)?;

        let attributes = match take(Field::Attributes) {
            Some(Value::Map(attributes)) => attributes,
            other => {
                spare.keep(Field::Attributes, other);
                Vec::new()
            }
        };
        spare.keep(Field::Location, rest);
        let record = Self {
            index: 0,
            seq: take(Field::Queued).and_then(|q| {
                if let Value::Text(q) = q {
                    seq(&q)
                } else {
                    None
                }
            }),
            unix_nanos,
            timestamp,
            level,
            logger: spare
                .text(Field::Logger, take(Field::Logger))
                .unwrap_or_default(),
            message,
            error: spare.text(Field::Error, take(Field::Error)),
            error_type: spare.error_type(take(Field::ErrorType)),
            stack_trace: spare.text(Field::StackTrace, take(Field::StackTrace)),
            trace_id: spare.text(Field::TraceId, spelled(take(Field::TraceId))),
            span_id: spare.text(Field::SpanId, spelled(take(Field::SpanId))),
            event_name: spare.text(Field::EventName, take(Field::EventName)),
            install: spare.identifier(Field::Install, take(Field::Install)),
            session: spare.identifier(Field::Session, take(Field::Session)),
            user: match take(Field::User) {
                None => Claim::Silent,
                Some(Value::Null) => Claim::Nobody,
                user => spare
                    .identifier(Field::User, user)
                    .map_or(Claim::Silent, Claim::Is),
            },
            spans: some(take(Field::Spans)),
            file,
            line,
            breadcrumbs: some(take(Field::Breadcrumbs)),
            attributes: spare.join(attributes),
            dropped: Dropped::default(),
        };
        Ok(record)
    }
}

fn required<'a>(
    value: Option<Value<'a>>,
    missing: Reject,
    wrong: Reject,
) -> Result<Cow<'a, str>, Reject> {
    match value {
        Some(Value::Text(text)) => Ok(text),
        None | Some(Value::Null) => Err(missing),
        Some(_) => Err(wrong),
    }
}

/// A number as its text: an id that is none, and kept as that.
fn spelled(value: Option<Value<'_>>) -> Option<Value<'_>> {
    value.map(|value| match value {
        Value::Int(number) => Value::Text(Cow::Owned(number.to_string())),
        Value::Number(text) => Value::Text(Cow::Borrowed(text)),
        other => other,
    })
}

fn some(value: Option<Value<'_>>) -> Option<Value<'_>> {
    value.filter(|value| !matches!(value, Value::Null) && *value != Value::List(Vec::new()))
}

/// The seq of `<seq 16 hex>-<len 8 hex>-<crc 8 hex>`; the rest guards the disk, not the wire.
fn seq(q: &str) -> Option<u64> {
    let bytes: &[u8; 34] = q.as_bytes().try_into().ok()?;
    let (seq, rest) = bytes.split_first_chunk::<16>()?;
    let [b'-', rest @ ..] = rest else { return None };
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let [b'-', crc @ ..] = rest else { return None };
    if !length.iter().chain(crc).all(u8::is_ascii_hexdigit) {
        return None;
    }
    seq.iter().try_fold(0, |seq, &digit| {
        Some(seq << 4 | u64::from(char::from(digit).to_digit(16)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = r#""timestamp":"2026-02-06T12:00:00Z","level":"info","message":"m""#;

    fn parse(more: &str) -> Record<'static> {
        let text: &'static str = format!("{{{LEAST}{more}}}").leak();
        Record::read(&mut Reader::new(text))
            .expect("JSON")
            .expect("the record is whole")
    }

    #[test]
    fn each_lack_has_its_reason() {
        let cases = [
            ("[]", Reject::NotAnObject),
            ("\"x\"", Reject::NotAnObject),
            ("{}", Reject::NoTimestamp),
            (
                r#"{"timestamp":null,"level":"info","message":"m"}"#,
                Reject::NoTimestamp,
            ),
            (
                r#"{"timestamp":1,"level":"info","message":"m"}"#,
                Reject::BadTimestamp,
            ),
            (
                r#"{"timestamp":"yesterday","level":"info","message":"m"}"#,
                Reject::BadTimestamp,
            ),
            (
                r#"{"timestamp":"2026-02-06T12:00:00Z","message":"m"}"#,
                Reject::NoLevel,
            ),
            (
                r#"{"timestamp":"2026-02-06T12:00:00Z","level":"loud","message":"m"}"#,
                Reject::BadLevel,
            ),
            (
                r#"{"timestamp":"2026-02-06T12:00:00Z","level":9,"message":"m"}"#,
                Reject::BadLevel,
            ),
            (
                r#"{"timestamp":"2026-02-06T12:00:00Z","level":"info"}"#,
                Reject::NoMessage,
            ),
            (
                r#"{"timestamp":"2026-02-06T12:00:00Z","level":"info","message":{}}"#,
                Reject::BadMessage,
            ),
        ];
        for (text, reason) in cases {
            assert_eq!(
                Record::read(&mut Reader::new(text)).expect("JSON").err(),
                Some(reason),
                "{text}"
            );
        }
    }

    #[test]
    fn unknown_fields_become_attributes_unless_null_or_taken() {
        let record = parse(
            r#","attributes":{"a":1},"a":2,"none":null,"active_run":{"run_id":"r"},"q":"bad","logger":7"#,
        );
        assert_eq!(
            record.attributes,
            [
                ("a".into(), Value::Int(1)),
                (
                    "active_run".into(),
                    Value::Map(vec![("run_id".into(), Value::Text("r".into()))])
                ),
                ("logger".into(), Value::Int(7)),
            ]
        );
        assert_eq!(record.seq, None);
    }

    #[test]
    fn what_a_location_says_beside_file_and_line_stays_an_attribute() {
        let record =
            parse(r#","location":{"file":"a.rs","line":"7","column":9},"spans":{"not":"a list"}"#);
        assert_eq!((record.file.as_deref(), record.line), (Some("a.rs"), None));
        let rest = vec![
            ("line".into(), Value::Text("7".into())),
            ("column".into(), Value::Int(9)),
        ];
        assert_eq!(record.attributes, [("location".into(), Value::Map(rest))]);
        let record = parse(r#","location":{"file":null,"line":3}"#);
        assert_eq!((record.file, record.line), (None, Some(3)));
        assert_eq!(record.attributes, []);
    }

    #[test]
    fn camel_and_snake_case_are_one_field_and_the_last_wins() {
        let record = parse(
            r#","install_id":"a","installId":"b","stack_trace":"s","traceId":"t","user_id":null"#,
        );
        assert_eq!(record.install.as_deref(), Some("b"));
        assert_eq!(record.stack_trace.as_deref(), Some("s"));
        assert_eq!(record.trace_id.as_deref(), Some("t"));
        assert_eq!(record.user, Claim::Nobody);
        assert_eq!(parse("").user, Claim::Silent);
    }

    #[test]
    fn only_the_seq_of_a_whole_q_is_read() {
        let cases = [
            ("000000000000002a-000001f3-9c0d11e2", Some(42)),
            ("ffffffffffffffff-00000000-00000000", Some(u64::MAX)),
            ("2a-1f3-9c0d11e2", None),
            ("000000000000002a", None),
            ("000000000000002a-000001f3-9c0d11e2-", None),
            ("+00000000000002a-000001f3-9c0d11e2", None),
            ("", None),
        ];
        for (q, expected) in cases {
            assert_eq!(seq(q), expected, "{q}");
        }
    }
}
