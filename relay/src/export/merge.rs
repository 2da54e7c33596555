//! Joins frames to requests, and takes them apart again when one of them is bad.
//!
//! Protobuf messages concatenate: a request is its frames, each with a tag and a length before it, none of them decoded.

use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};

use crate::spool::{Cursor, Frame, Pending};

/// Some records of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The frame's place in the list that was read.
    pub place: usize,
    /// The frame's number.
    pub id: i64,
    /// The first of the records.
    pub from: u64,
    /// The first record behind them.
    pub to: u64,
    /// How many records the whole frame has.
    pub of: u64,
}

/// Records that go upstream in one request, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece(Vec<Part>);

impl Piece {
    /// All that is left of `frames` behind `cursor`.
    #[must_use]
    pub fn of(frames: &[Pending], cursor: Cursor) -> Self {
        let part = |(place, pending): (usize, &Pending)| Part {
            place,
            id: pending.id,
            from: if place == 0 {
                cursor.done.min(pending.frame.records)
            } else {
                0
            },
            to: pending.frame.records,
            of: pending.frame.records,
        };
        Self(frames.iter().enumerate().map(part).collect())
    }

    /// How many records are in it.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.0.iter().map(|part| part.to - part.from).sum()
    }

    /// Where the export stands once this piece, and all before it, is done.
    #[must_use]
    pub fn end(&self) -> Cursor {
        match self.0.last() {
            Some(part) if part.to == part.of => Cursor {
                frame: part.id,
                done: 0,
            },
            Some(part) => Cursor {
                frame: part.id - 1,
                done: part.to,
            },
            None => Cursor::default(),
        }
    }

    /// The lower and the upper half, by records.
    #[must_use]
    pub fn halves(self) -> (Self, Self) {
        let mut left = self.records() / 2;
        let (mut lower, mut upper) = (Vec::new(), Vec::new());
        for part in self.0 {
            let cut = part.from + left.min(part.to - part.from);
            left -= cut - part.from;
            // A frame without records belongs to whatever is before it.
            if cut > part.from || (part.from == part.to && upper.is_empty()) {
                lower.push(Part { to: cut, ..part });
            }
            if part.to > cut {
                upper.push(Part { from: cut, ..part });
            }
        }
        (Self(lower), Self(upper))
    }

    /// The one record of it as an encoded `ResourceLogs`.
    #[must_use]
    pub fn only(&self, frames: &[Pending]) -> Vec<u8> {
        let part = self.0.iter().find(|part| part.to > part.from);
        let decoded = part.and_then(|part| {
            let body = &frames.get(part.place)?.frame.body;
            let logs = ResourceLogs::decode(&body[..]).ok()?;
            Some(slice(logs, part.from, part.to).encode_to_vec())
        });
        decoded.unwrap_or_default()
    }

    /// The request with these records; `change` may rewrite a frame that has to be decoded for it.
    #[must_use]
    pub fn request(
        &self,
        frames: &[Pending],
        change: impl Fn(&Frame) -> Option<ResourceLogs>,
    ) -> Vec<u8> {
        let bytes: usize = frames
            .iter()
            .map(|pending| pending.frame.body.len() + 8)
            .sum();
        let mut request = Vec::with_capacity(bytes);
        for part in &self.0 {
            let Some(pending) = frames.get(part.place).filter(|_| part.to > part.from) else {
                continue;
            };
            let changed = change(&pending.frame);
            if changed.is_none() && part.from == 0 && part.to == part.of {
                push(&pending.frame.body, &mut request);
                continue;
            }
            let decoded = changed.or_else(|| ResourceLogs::decode(&pending.frame.body[..]).ok());
            if let Some(logs) = decoded {
                push(
                    &slice(logs, part.from, part.to).encode_to_vec(),
                    &mut request,
                );
            }
        }
        request
    }
}

/// Appends one frame to a request.
pub fn push(frame: &[u8], request: &mut Vec<u8>) {
    encode_key(RESOURCE_LOGS_FIELD, WireType::LengthDelimited, request);
    encode_varint(u64::try_from(frame.len()).unwrap_or_default(), request);
    request.extend_from_slice(frame);
}

/// The records of `logs` from `from` up to `to`, counted through its scopes.
#[must_use]
pub fn slice(mut logs: ResourceLogs, from: u64, to: u64) -> ResourceLogs {
    let mut at = 0;
    for scope in &mut logs.scope_logs {
        scope.log_records.retain(|_| {
            at += 1;
            (from..to).contains(&(at - 1))
        });
    }
    logs.scope_logs
        .retain(|scope| !scope.log_records.is_empty());
    logs
}

/// `repeated ResourceLogs resource_logs = 1` of `ExportLogsServiceRequest`.
const RESOURCE_LOGS_FIELD: u32 = 1;

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::tonic::logs::v1::{LogRecord, ScopeLogs};

    use super::*;

    /// A frame whose records have these times, in scopes of two.
    fn pending(id: i64, times: std::ops::Range<u64>) -> Pending {
        let records: Vec<LogRecord> = times
            .map(|time| LogRecord {
                time_unix_nano: time,
                ..LogRecord::default()
            })
            .collect();
        let scope_logs = records
            .chunks(2)
            .map(|records| ScopeLogs {
                log_records: records.to_vec(),
                ..ScopeLogs::default()
            })
            .collect();
        let logs = ResourceLogs {
            scope_logs,
            ..ResourceLogs::default()
        };
        Pending {
            id,
            frame: Frame {
                body: logs.encode_to_vec(),
                records: records.len() as u64,
                ..Frame::default()
            },
        }
    }

    fn times(piece: &Piece, frames: &[Pending]) -> Vec<u64> {
        let request = piece.request(frames, |_| None);
        let request = ExportLogsServiceRequest::decode(&request[..]).expect("it decodes");
        let scopes = request
            .resource_logs
            .into_iter()
            .flat_map(|logs| logs.scope_logs);
        scopes
            .flat_map(|scope| scope.log_records)
            .map(|record| record.time_unix_nano)
            .collect()
    }

    #[test]
    fn a_request_is_its_frames_behind_the_cursor() {
        let frames = [pending(4, 0..5), pending(7, 5..8)];
        let piece = Piece::of(&frames, Cursor { frame: 3, done: 0 });
        assert_eq!(times(&piece, &frames), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(piece.end(), Cursor { frame: 7, done: 0 });

        let piece = Piece::of(&frames, Cursor { frame: 3, done: 3 });
        assert_eq!(times(&piece, &frames), [3, 4, 5, 6, 7]);
    }

    #[test]
    fn halving_reaches_every_record_once_in_order_and_cursors_ascend() {
        let frames = [
            pending(4, 0..5),
            pending(7, 5..6),
            pending(8, 6..6),
            pending(9, 6..16),
        ];
        let mut open = vec![Piece::of(&frames, Cursor { frame: 3, done: 1 })];
        let mut seen = Vec::new();
        let mut before = Cursor { frame: 3, done: 1 };
        while let Some(piece) = open.pop() {
            if piece.records() > 1 {
                let (lower, upper) = piece.halves();
                assert!(lower.records() > 0 && upper.records() > 0);
                open.extend([upper, lower]);
                continue;
            }
            seen.extend(times(&piece, &frames));
            let end = piece.end();
            assert!(
                (before.frame, before.done) < (end.frame, end.done),
                "{before:?} {end:?}"
            );
            before = end;
        }
        assert_eq!(seen, (1..16).collect::<Vec<u64>>());
        assert_eq!(before, Cursor { frame: 9, done: 0 });
    }
}
