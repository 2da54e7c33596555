//! Keeps times within what an upstream takes.
//!
//! Some backends drop records that are too old or too new. Those are moved to the edge of [now − 23 h, now + 55 min],
//! keeping their order by a microsecond each; `client.timestamp` then says what it was. The spool keeps the true time:
//! a request that is sent again is clamped again.

use crate::spool::Frame;
use jiff::{SignedDuration, Timestamp};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs};

/// The times that an upstream takes, in Unix nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    first: u64,
    last: u64,
}

impl Window {
    /// What an upstream takes that gets it at `now`.
    #[must_use]
    pub fn around(now: Timestamp) -> Self {
        let nanos = |time: Timestamp| u64::try_from(time.as_nanosecond()).unwrap_or_default();
        Self {
            first: nanos(now.saturating_sub(PAST).unwrap_or(now)),
            last: nanos(now.saturating_add(FUTURE).unwrap_or(now)),
        }
    }

    /// Whether every record of the frame is within it.
    #[must_use]
    pub fn holds(&self, frame: &Frame) -> bool {
        self.first <= frame.oldest && frame.newest <= self.last
    }

    /// Moves the records that are not within it to its edges.
    pub fn clamp(&self, logs: &mut ResourceLogs) {
        let mut records: Vec<&mut LogRecord> = logs
            .scope_logs
            .iter_mut()
            .flat_map(|scope| &mut scope.log_records)
            .collect();
        records.sort_by_key(|record| record.time_unix_nano);
        let (mut early, mut late) = (self.first, self.last);
        for record in records {
            if record.time_unix_nano < self.first {
                move_to(record, early);
                early += STEP_NANOS;
            } else if record.time_unix_nano > self.last {
                move_to(record, late);
                late += STEP_NANOS;
            }
        }
    }
}

fn move_to(record: &mut LogRecord, time: u64) {
    let was = record.time_unix_nano;
    record.time_unix_nano = time;
    let has_said = record
        .attributes
        .iter()
        .any(|pair| pair.key == "client.timestamp");
    if !has_said {
        let was = Timestamp::from_nanosecond(i128::from(was))
            .map(|was| was.to_string())
            .unwrap_or_default();
        let value = Some(AnyValue {
            value: Some(Value::StringValue(was)),
        });
        record.attributes.push(KeyValue {
            key: "client.timestamp".to_owned(),
            value,
            ..KeyValue::default()
        });
    }
}

const PAST: SignedDuration = SignedDuration::from_hours(23);
const FUTURE: SignedDuration = SignedDuration::from_mins(55);
const STEP_NANOS: u64 = 1000;

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::logs::v1::ScopeLogs;

    use super::*;

    fn frame(times: &[&str]) -> (Frame, ResourceLogs) {
        let nanos = |text: &&str| {
            let time: Timestamp = text.parse().expect("a timestamp");
            u64::try_from(time.as_nanosecond()).expect("after 1970")
        };
        let times: Vec<u64> = times.iter().map(nanos).collect();
        let log_records = times
            .iter()
            .map(|&time| LogRecord {
                time_unix_nano: time,
                ..LogRecord::default()
            })
            .collect();
        let scope = ScopeLogs {
            log_records,
            ..ScopeLogs::default()
        };
        let logs = ResourceLogs {
            scope_logs: vec![scope],
            ..ResourceLogs::default()
        };
        let frame = Frame {
            oldest: times.iter().min().copied().expect("one"),
            newest: times.iter().max().copied().expect("one"),
            ..Frame::default()
        };
        (frame, logs)
    }

    fn window() -> Window {
        Window::around("2026-02-06T12:00:00Z".parse().expect("a timestamp"))
    }

    #[test]
    fn a_frame_within_the_window_is_left_alone() {
        let (frame, logs) = frame(&["2026-02-05T13:00:00Z", "2026-02-06T12:55:00Z"]);
        assert!(window().holds(&frame));
        let mut clamped = logs.clone();
        window().clamp(&mut clamped);
        assert_eq!(clamped, logs);
    }

    #[test]
    fn what_is_outside_goes_to_the_edge_in_its_order_and_says_what_it_was() {
        let (frame, mut logs) = frame(&[
            "2020-01-02T00:00:00Z",
            "2020-01-01T00:00:00Z",
            "2026-02-06T11:00:00Z",
            "2031-01-01T00:00:00Z",
        ]);
        assert!(!window().holds(&frame));
        window().clamp(&mut logs);
        let seen: Vec<(String, Option<String>)> = logs.scope_logs[0]
            .log_records
            .iter()
            .map(|record| {
                let time = Timestamp::from_nanosecond(i128::from(record.time_unix_nano))
                    .expect("a time")
                    .to_string();
                let said = record
                    .attributes
                    .first()
                    .and_then(|pair| pair.value.clone()?.value);
                let said = said.map(|value| {
                    if let Value::StringValue(text) = value {
                        text
                    } else {
                        panic!("text")
                    }
                });
                (time, said)
            })
            .collect();
        let pair = |time: &str, said: Option<&str>| (time.to_owned(), said.map(str::to_owned));
        assert_eq!(
            seen,
            [
                pair("2026-02-05T13:00:00.000001Z", Some("2020-01-02T00:00:00Z")),
                pair("2026-02-05T13:00:00Z", Some("2020-01-01T00:00:00Z")),
                pair("2026-02-06T11:00:00Z", None),
                pair("2026-02-06T12:55:00Z", Some("2031-01-01T00:00:00Z")),
            ]
        );
    }
}
