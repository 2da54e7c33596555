//! What is taken for a row of ours, and what is known from all of them.

use std::collections::{BTreeMap, HashMap};

use super::cell::{Row, Value};
use super::place::Place;
use crate::spool::consumer::{Consumer, Cursor, Position};
use crate::spool::integer::{read_seq, unsigned};
use crate::spool::ranges::{self, Range};

/// What was found in a damaged database.
#[derive(Debug, Default)]
pub struct Found {
    /// Where each whole frame lies, by its number.
    pub frames: BTreeMap<i64, Place>,
    /// Where the consumers stand, as far as they are known.
    pub cursors: Vec<(Consumer, Cursor)>,
    /// The names that were accepted, by subject and queue.
    pub accepted: HashMap<(String, String), Vec<Range>>,
    /// When a queue was heard, in hours since 1970, and how many of its seqs count as accepted without having come.
    pub queues: HashMap<(String, String), (i64, u64)>,
    /// Dead letters: number, time, reason, body, consumer.
    pub dead: BTreeMap<i64, (i64, String, Vec<u8>, String)>,
    /// The last whole frame, and how many records had ever been kept by then.
    whole_up_to: (i64, u64),
    /// The same of the last frame that is not whole.
    torn_up_to: (i64, u64),
}

impl Found {
    /// How many records had ever been kept, as far as anything that was found says.
    pub fn ever_kept(&self) -> u64 {
        let (id, whole) = self.whole_up_to;
        let (torn_id, torn) = self.torn_up_to;
        // What stands in a torn row may be anything; that much it may be.
        let most = unsigned(torn_id.saturating_sub(id)).saturating_mul(MAX_FRAME_RECORDS);
        let is_likely = torn_id > id && torn.checked_sub(whole).is_some_and(|more| more <= most);
        let named = self.accepted.values().flatten();
        let named = named.fold(0u64, |sum, range| {
            sum.saturating_add((range.last - range.first).saturating_add(1))
        });
        let closed = self.queues.values().map(|&(_, closed)| closed);
        let named = named.saturating_sub(closed.fold(0, u64::saturating_add));
        let cursors = self.cursors.iter().map(|(_, cursor)| cursor.at.records);
        let known = cursors
            .chain([whole, if is_likely { torn } else { 0 }])
            .max()
            .unwrap_or(0);
        // Ranges have no checksum: one that was garbled may end anywhere.
        if named.saturating_sub(known) > MAX_MORE_NAMED {
            return known;
        }
        known.max(named)
    }

    /// Puts ranges in order, once all pages were looked at.
    pub fn finish(&mut self) {
        for ranges in self.accepted.values_mut() {
            *ranges = ranges::join(ranges, &[]);
        }
    }

    pub fn take(&mut self, id: i64, row: Row, place: Place) {
        match &row[..] {
            // A frame, of the first format or of this one.
            [
                Value::Null,
                records,
                bytes,
                _,
                _,
                _,
                _,
                Value::Text(_),
                _,
                _,
                _,
                crc,
                Value::Blob(body),
                ..,
            ] if matches!(row.len(), 13 | 17 | 18) => {
                let (Some(records), Some(bytes)) = (records.integer(), bytes.integer()) else {
                    return;
                };
                let end = Position {
                    records: unsigned(records),
                    bytes: unsigned(bytes),
                };
                if crc.integer() == Some(i64::from(crc32fast::hash(body))) {
                    self.frames.insert(id, place);
                    self.whole_up_to = self.whole_up_to.max((id, end.records));
                } else {
                    self.torn_up_to = self.torn_up_to.max((id, end.records));
                }
            }
            [
                Value::Text(subject),
                Value::Text(queue),
                Value::Integer(heard),
                Value::Integer(_),
                Value::Integer(closed),
            ] => {
                let of = (subject.clone(), queue.clone());
                let newest = self.queues.entry(of).or_default();
                *newest = (*newest).max((*heard, unsigned(*closed)));
            }
            [Value::Text(name), frame, done, records, bytes] => {
                let number = |value: &Value| value.integer().map(unsigned);
                let (Some(consumer), Some(frame), Some(done), Some(records), Some(bytes)) = (
                    Consumer::named(name),
                    frame.integer(),
                    number(done),
                    number(records),
                    number(bytes),
                ) else {
                    return;
                };
                let at = Position { records, bytes };
                self.cursor(consumer, Cursor { frame, done, at });
            }
            [
                Value::Text(subject),
                Value::Text(queue),
                Value::Integer(first),
                Value::Integer(last),
            ] => {
                let range = Range {
                    first: read_seq(*first),
                    last: read_seq(*last),
                };
                if range.first <= range.last {
                    let of = (subject.clone(), queue.clone());
                    self.accepted.entry(of).or_default().push(range);
                }
            }
            [Value::Null, Value::Integer(at), reason, body, of @ ..] if of.len() <= 1 => {
                let (Some(reason), Some(body)) = (reason.text(), body.blob()) else {
                    return;
                };
                let of = of.first().and_then(Value::text).unwrap_or("export");
                let letter = (*at, reason.to_owned(), body.to_owned(), of.to_owned());
                self.dead.insert(id, letter);
            }
            _ => {}
        }
    }

    /// Of several pictures of a cursor the one that is furthest on is the newest.
    fn cursor(&mut self, consumer: Consumer, cursor: Cursor) {
        let known = self
            .cursors
            .iter_mut()
            .find(|(known, _)| *known == consumer);
        match known {
            Some((_, known)) if (known.frame, known.done) < (cursor.frame, cursor.done) => {
                *known = cursor;
            }
            Some(_) => {}
            None => self.cursors.push((consumer, cursor)),
        }
    }
}

/// No more records than that can have gone with a damaged database: names that say so are garbled.
const MAX_MORE_NAMED: u64 = 1 << 32;

/// A request has no more records, unless somebody raised the limit.
const MAX_FRAME_RECORDS: u64 = 10_000;
