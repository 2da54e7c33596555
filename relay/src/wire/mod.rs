//! What a client sent: an envelope, and record by record what is whole, so that one bad record costs itself.
//!
//! Any body that is JSON and has an array of logs is a [`Batch`]. What a record lacks is said in words for the client's
//! developer. Wrong types around the records (a `resource` that is a number) are passed
//! over: they are no reason to refuse what is whole.

mod dropped;
pub mod error_type;
mod fields;
mod identifier;
pub mod json;
mod members;
mod record;
mod timestamp;
pub mod uid;

use std::borrow::Cow;

use tracing_courier::record::Field;

pub use dropped::Dropped;
use identifier::identifier;
pub use json::DEPTH;
use json::{Next, Reader, Value};
pub use record::{Claim, Part, Record, Reject};

/// One request's body.
#[derive(Debug, Default)]
pub struct Batch<'a> {
    /// Attributes of the program that logged.
    pub resource: Vec<(Cow<'a, str>, Value<'a>)>,
    /// What of the resource was over the cap on members.
    pub resource_dropped: Dropped,
    /// What holds for every record that does not say otherwise.
    pub context: Context<'a>,
    /// When the client sent it by its own clock, in Unix nanoseconds; what no clock says (before 1970, from 2200 on) is
    /// ignored.
    pub sent_at: Option<i128>,
    /// The records that are whole.
    pub records: Vec<Record<'a>>,
    /// Which of the others lacks what.
    pub rejected: Vec<(usize, Reject)>,
    /// How many there were in all; more than were asked for are counted and not read.
    pub sent: usize,
}

/// The batch's `context`.
#[derive(Debug, Default)]
pub struct Context<'a> {
    /// Which disk queue the records' seqs belong to.
    pub queue: Option<Cow<'a, str>>,
    /// Which installation.
    pub install: Option<Cow<'a, str>>,
    /// Which run of the program.
    pub session: Option<Cow<'a, str>>,
    /// Who was logged in.
    pub user: Option<Cow<'a, str>>,
}

/// The body is not a batch at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not UTF-8, so they can't be JSON.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// The text is not JSON.
    #[error("the body is {0}")]
    NotJson(#[from] json::Error),
    /// Neither a bare array nor an object with an array `logs`.
    #[error("the body has no `logs` array")]
    NoLogs,
}

/// Reads `body`, of which at most `max_records` are wanted.
///
/// # Errors
///
/// When nothing in it can be taken: see [`Error`].
pub fn parse(body: &[u8], max_records: usize) -> Result<Batch<'_>, Error> {
    let text = std::str::from_utf8(body).map_err(|_| Error::NotUtf8)?;
    let mut batch = Batch::default();
    let mut logs = None;
    let mut reader = Reader::new(text);
    match reader.next_kind()? {
        Next::List => logs = Some(Logs::read(&mut reader, max_records)?),
        Next::Map => reader.map(|reader, key| {
            let kind = reader.next_kind()?;
            match (key.as_ref(), kind) {
                ("logs", Next::List) => logs = Some(Logs::read(reader, max_records)?),
                ("logs", _) => {
                    reader.skip()?;
                    logs = None;
                }
                ("resource", Next::Map) => batch.resource = reader.members(DEPTH + 1)?,
                ("context", Next::Map) => batch.context = context(reader)?,
                ("sentAt" | "sent_at", Next::Text) => {
                    let said = timestamp::unix_nanos(&reader.string()?);
                    batch.sent_at = said.filter(|nanos| CLOCKS.contains(nanos));
                }
                _ => {
                    reader.skip()?;
                }
            }
            Ok(())
        })?,
        Next::Text | Next::Scalar => {
            reader.skip()?;
        }
    }
    reader.end()?;
    let logs = logs.ok_or(Error::NoLogs)?;
    batch.resource_dropped = members::cap_resource(&mut batch.resource);
    (batch.records, batch.rejected, batch.sent) = (logs.records, logs.rejected, logs.sent);
    Ok(batch)
}

/// What a clock may say, from 1970 to 2200, in Unix nanoseconds. By what lies outside no record's time is corrected.
const CLOCKS: std::ops::Range<i128> = 0..7_258_118_400_000_000_000;

/// A longer id of the context is cut; no id that means anything is.
const MAX_ID_BYTES: usize = 1024;

/// A longer name of a queue is ignored with its seqs, by the contract; ours have 16 bytes.
const MAX_QUEUE_BYTES: usize = 64;

/// What stands where text was cut.
pub const CUT_MARK: &str = "…[truncated]";

/// The `logs` array.
#[derive(Default)]
struct Logs<'a> {
    records: Vec<Record<'a>>,
    rejected: Vec<(usize, Reject)>,
    sent: usize,
}

impl<'a> Logs<'a> {
    fn read(reader: &mut Reader<'a>, max_records: usize) -> Result<Self, json::Error> {
        let mut logs = Self::default();
        reader.list(|reader| {
            if logs.sent >= max_records {
                reader.skip()?;
            } else {
                match Record::read(reader)? {
                    Ok(mut record) => {
                        record.index = u64::try_from(logs.sent).unwrap_or(u64::MAX);
                        members::cap(&mut record);
                        logs.records.push(record);
                    }
                    Err(reject) => logs.rejected.push((logs.sent, reject)),
                }
            }
            logs.sent += 1;
            Ok(())
        })?;
        Ok(logs)
    }
}

fn context<'a>(reader: &mut Reader<'a>) -> Result<Context<'a>, json::Error> {
    let mut context = Context::default();
    reader.map(|reader, key| {
        let value = reader.value(0)?;
        let place = match Field::read(&key) {
            Some(Field::Install) => &mut context.install,
            Some(Field::Session) => &mut context.session,
            Some(Field::User) => &mut context.user,
            None if key == "queue" => &mut context.queue,
            _ => return Ok(()),
        };
        *place = identifier(value).ok();
        Ok(())
    })?;
    // Half of a queue's name is another queue's name.
    context.queue = context.queue.filter(|queue| queue.len() <= MAX_QUEUE_BYTES);
    for id in [
        &mut context.install,
        &mut context.session,
        &mut context.user,
    ] {
        cut(id);
    }
    Ok(context)
}

/// An id of the context is written into every record: a long one would be a thousand times as long.
fn cut(id: &mut Option<Cow<'_, str>>) {
    if let Some(text) = id
        && text.len() > MAX_ID_BYTES
    {
        let room = MAX_ID_BYTES - CUT_MARK.len();
        let kept = text.get(..text.floor_char_boundary(room));
        *id = Some(Cow::Owned(format!(
            "{}{CUT_MARK}",
            kept.unwrap_or_default()
        )));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_array_is_a_batch_and_camel_and_snake_case_are_one_field() {
        let batch = parse(br#" [{"a":1}, 2] "#, 1000).expect("a bare array is a batch");
        assert_eq!(
            (batch.sent, &batch.rejected[..]),
            (2, &[(0, Reject::NoTimestamp), (1, Reject::NotAnObject)][..])
        );

        let batch = parse(br#"{"logs":[],"sent_at":"1970-01-01T00:00:01Z","context":{"install_id":"i","userId":7,"session_id":""}}"#, 1000)
            .expect("an object is a batch");
        assert_eq!(batch.sent_at, Some(1_000_000_000));
        assert_eq!(batch.context.install.as_deref(), Some("i"));
        assert_eq!(batch.context.user.as_deref(), Some("7"));
        assert_eq!(batch.context.session, None);
    }

    #[test]
    fn what_has_no_logs_array_is_refused() {
        for body in [
            &b"{}"[..],
            br#"{"logs":1}"#,
            br#"{"logs":[],"logs":null}"#,
            b"1",
            b"null",
            b"\"logs\"",
        ] {
            assert_eq!(
                parse(body, 1000).err(),
                Some(Error::NoLogs),
                "{}",
                String::from_utf8_lossy(body)
            );
        }
        for body in [
            &b""[..],
            b"{",
            br#"{"logs":[]"#,
            br#"{"logs":[]} x"#,
            br#"{"logs":[{"a"}]}"#,
        ] {
            assert!(
                matches!(parse(body, 1000), Err(Error::NotJson(_))),
                "{}",
                String::from_utf8_lossy(body)
            );
        }
        assert_eq!(parse(b"[\"\xff\"]", 1000).err(), Some(Error::NotUtf8));
    }

    #[test]
    fn an_id_of_the_context_is_not_written_a_thousand_times_if_it_is_long() {
        let long = "é".repeat(600);
        let body = format!(
            r#"{{"context":{{"userId":"{long}","queue":"{long}","installId":"{}"}},"logs":[]}}"#,
            "i".repeat(1024)
        );
        let batch = parse(body.as_bytes(), 1).expect("a batch");
        let user = batch.context.user.expect("it is there");
        assert!(user.len() <= 1024 && user.ends_with(CUT_MARK), "{user}");
        assert_eq!(batch.context.queue, None, "half a name is another name");
        assert_eq!(
            batch.context.install.as_deref(),
            Some(&*"i".repeat(1024)),
            "what fits stays"
        );
    }

    #[test]
    fn a_queues_name_of_more_than_64_bytes_is_ignored() {
        for (bytes, is_kept) in [(64, true), (65, false)] {
            let name = "q".repeat(bytes);
            let body = format!(r#"{{"context":{{"queue":"{name}"}},"logs":[]}}"#);
            let batch = parse(body.as_bytes(), 1).expect("a batch");
            assert_eq!(batch.context.queue.is_some(), is_kept, "{bytes} bytes");
        }
    }

    #[test]
    fn what_no_clock_says_is_ignored() {
        for (said, is_taken) in [
            ("1969-12-31T23:59:59Z", false),
            ("1970-01-01T00:00:00Z", true),
            ("2199-12-31T23:59:59.999Z", true),
            ("2200-01-01T00:00:00Z", false),
            ("9999-12-31T23:59:59Z", false),
            ("-000001-01-01T00:00:00Z", false),
        ] {
            let body = format!(r#"{{"sentAt":"{said}","logs":[]}}"#);
            let batch = parse(body.as_bytes(), 1).expect("a batch");
            assert_eq!(batch.sent_at.is_some(), is_taken, "{said}");
        }
    }

    #[test]
    fn wrong_types_around_the_records_cost_nothing() {
        let batch = parse(
            br#"{"resource":7,"context":[],"sentAt":12,"logs":[1]}"#,
            1000,
        )
        .expect("the logs are whole");
        assert_eq!(
            (batch.resource.len(), batch.sent_at, batch.sent),
            (0, None, 1)
        );
    }
}
