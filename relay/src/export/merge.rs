//! Joins frames to requests, and takes them apart again when one of them is bad.
//!
//! Packed messages concatenate: a request is its frames as they lie, none of them unpacked.

use std::borrow::Cow;

use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use prost::Message;

use super::view::{Shown, View, slice};
use crate::spool::{Cursor, Pending, Position};
use crate::spool::{Packed, join};

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
    /// Where the frame begins and ends in the spool.
    pub begin: Position,
    /// See `begin`.
    pub end: Position,
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
            begin: pending.from,
            end: pending.to,
        };
        Self(frames.iter().enumerate().map(part).collect())
    }

    /// How many records are in it.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.0.iter().map(|part| part.to - part.from).sum()
    }

    /// How many bytes the frames of it have, before they were packed.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let bytes = |part: &Part| part.end.bytes.saturating_sub(part.begin.bytes);
        self.0.iter().map(bytes).sum()
    }

    /// Where the export stands once this piece, and all before it, is done.
    #[must_use]
    pub fn end(&self) -> Cursor {
        match self.0.last() {
            Some(part) if part.to == part.of => Cursor {
                frame: part.id,
                done: 0,
                at: part.end,
            },
            Some(part) => Cursor {
                frame: part.id - 1,
                done: part.to,
                at: part.begin,
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

    /// The one record of it as an encoded `ResourceLogs`; `None` when its frame is damaged.
    #[must_use]
    pub fn only(&self, frames: &[Pending]) -> Option<Vec<u8>> {
        let part = self.0.iter().find(|part| part.to > part.from)?;
        let message = frames.get(part.place)?.frame.packed.unpack()?;
        let logs = ResourceLogs::decode(&message[..]).ok()?;
        Some(slice(logs, part.from, part.to).encode_to_vec())
    }

    /// The frames of it that have records in it, and how many.
    pub fn frames(&self) -> impl Iterator<Item = (i64, u64)> {
        let parts = self.0.iter().filter(|part| part.to > part.from);
        parts.map(|part| (part.id, part.to - part.from))
    }

    /// Whether its request is only its frames joined.
    #[must_use]
    pub fn is_as_it_lies(&self, frames: &[Pending], view: &View) -> bool {
        self.0.iter().all(|part| {
            let pending = frames.get(part.place);
            part.from == 0
                && part.to == part.of
                && pending.is_none_or(|pending| !view.changes(&pending.frame))
        })
    }

    /// The request with these records, as `view` shows them.
    #[must_use]
    pub fn request(&self, frames: &[Pending], view: &View) -> Request {
        let mut request = Request::default();
        let mut packed: Vec<Cow<'_, Packed>> = Vec::new();
        for part in self.0.iter().filter(|part| part.to > part.from) {
            let Some(pending) = frames.get(part.place) else {
                continue;
            };
            let records = part.to - part.from;
            match view.see(&pending.frame, part.from, part.to) {
                Shown::Nothing => {}
                Shown::Records(seen) => {
                    request.shown += records;
                    packed.push(seen);
                }
                Shown::Damage => request.damaged.push((part.id, records)),
            }
        }
        if !packed.is_empty() {
            request.gzip = Some(join(packed.iter().map(Cow::as_ref)));
        }
        request
    }
}

/// What is sent for a piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The request; `None` when there is nothing to send.
    pub gzip: Option<Vec<u8>>,
    /// How many records are in the frames that it shows.
    pub shown: u64,
    /// The frames that are damaged, and how many of their records were to be sent.
    pub damaged: Vec<(i64, u64)>,
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::tonic::logs::v1::{LogRecord, ScopeLogs};

    use super::*;
    use crate::spool::Frame;

    /// A frame whose records have these times, in scopes of two.
    fn pending(id: i64, times: std::ops::Range<u64>) -> Pending {
        let records: Vec<LogRecord> = times
            .clone()
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
        let at = |records| Position { records, bytes: 0 };
        Pending {
            id,
            frame: Frame {
                packed: Packed::new(&logs.encode_to_vec()),
                records: records.len() as u64,
                ..Frame::default()
            },
            is_for_another: false,
            erased: 0,
            subject: String::new(),
            queue: None,
            from: at(times.start),
            to: at(times.end),
        }
    }

    fn behind(frame: i64, done: u64) -> Cursor {
        Cursor {
            frame,
            done,
            at: Position::default(),
        }
    }

    fn times(piece: &Piece, frames: &[Pending]) -> Vec<u64> {
        let request = piece.request(frames, &View::plain());
        assert_eq!(
            (request.shown, &request.damaged[..]),
            (piece.records(), &[][..])
        );
        let gzip = request.gzip.expect("a request");
        let mut request = Vec::new();
        flate2::read::GzDecoder::new(&gzip[..])
            .read_to_end(&mut request)
            .expect("it is gzip");
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
        let piece = Piece::of(&frames, behind(3, 0));
        assert!(piece.is_as_it_lies(&frames, &View::plain()));
        assert_eq!(times(&piece, &frames), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!((piece.end().frame, piece.end().done), (7, 0));
        assert_eq!(piece.end().at.records, 8);

        let piece = Piece::of(&frames, behind(3, 3));
        assert!(!piece.is_as_it_lies(&frames, &View::plain()));
        assert_eq!(times(&piece, &frames), [3, 4, 5, 6, 7]);
    }

    #[test]
    fn of_a_damaged_frame_among_others_the_others_are_sent_and_it_is_named() {
        let mut frames = [pending(4, 0..5), pending(7, 5..8), pending(9, 8..9)];
        frames[1].frame.packed.crc ^= 1;
        let view = View {
            window: Some(crate::export::clamp::Window::around(jiff::Timestamp::now())),
            ..View::plain()
        };
        let request = Piece::of(&frames, behind(3, 2)).request(&frames, &view);
        assert!(request.gzip.is_some());
        assert_eq!((request.shown, request.damaged), (4, vec![(7, 3)]));
        let alone = Piece::of(&frames[1..2], behind(6, 0));
        let request = alone.request(&frames[1..2], &view);
        assert_eq!((request.gzip, request.damaged), (None, vec![(7, 3)]));
        assert_eq!(alone.only(&frames[1..2]), None, "there is no letter in it");
    }

    #[test]
    fn halving_reaches_every_record_once_in_order_and_cursors_ascend() {
        let frames = [
            pending(4, 0..5),
            pending(7, 5..6),
            pending(8, 6..6),
            pending(9, 6..16),
        ];
        let mut open = vec![Piece::of(&frames, behind(3, 1))];
        let mut seen = Vec::new();
        let mut before = (3, 1);
        while let Some(piece) = open.pop() {
            if piece.records() > 1 {
                let (lower, upper) = piece.halves();
                assert!(lower.records() > 0 && upper.records() > 0);
                open.extend([upper, lower]);
                continue;
            }
            seen.extend(times(&piece, &frames));
            let end = piece.end();
            assert!(before < (end.frame, end.done), "{before:?} {end:?}");
            assert_eq!(end.at.records + end.done, *seen.last().expect("one") + 1);
            before = (end.frame, end.done);
        }
        assert_eq!(seen, (1..16).collect::<Vec<u64>>());
        assert_eq!(before, (9, 0));
    }
}
