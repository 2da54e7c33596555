//! The undelivered records of one queue, one by one.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::chain::{self, View};
use super::super::context;
use super::super::drain::notes;
use super::super::holes::Holes;
use super::super::line::{PREFIX_BYTES, is_context, members};
use super::super::reader::{Found, Garbage, Reader};
use super::StoredQueue;

/// One record as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its seq; with the queue's id its name for ever.
    pub seq: u64,
    /// The record as on the wire, with its `q`: one JSON object without a newline.
    pub json: Vec<u8>,
    /// Members that are true of it, as in a request body: `"context":{…},"resource":{…}`.
    pub context: Arc<str>,
}

/// What was not whole, from the confirmed position on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Seqs that are missing, with no loss record that speaks of them.
    pub records: u64,
    /// Bytes that are no whole line.
    pub bytes: u64,
}

/// The undelivered records of one queue, by seq. Reads as it goes, one segment at a time.
#[derive(Debug)]
pub struct Records {
    view: View,
    segments: VecDeque<(u64, u64)>,
    reader: Option<Reader>,
    context: Option<Arc<str>>,
    expected: u64,
    garbage: Option<Garbage>,
    explained: Option<Holes>,
    is_living: bool,
    confirmed_by_now: u64,
    damage: Damage,
}

impl Records {
    pub(super) fn new(queue: &StoredQueue) -> Self {
        let mut view = queue.view();
        let position = view.position;
        view.segments
            .retain(|segment| segment.0 >= position.segment);
        let mut records = Self {
            segments: view.segments.iter().copied().collect(),
            reader: None,
            context: None,
            expected: position.seq,
            garbage: None,
            explained: None,
            is_living: queue.is_living(),
            confirmed_by_now: if queue.is_living() {
                queue.confirmed_by_now()
            } else {
                0
            },
            damage: Damage::default(),
            view,
        };
        records.context = position
            .context
            .and_then(|offset| records.context_at(position.segment, offset));
        records
    }

    /// What was not whole so far; complete after the last record.
    #[must_use]
    pub fn damage(&self) -> Damage {
        self.damage
    }

    fn context_at(&self, first_seq: u64, offset: u64) -> Option<Arc<str>> {
        let &(_, bytes) = self
            .view
            .segments
            .iter()
            .find(|segment| segment.0 == first_seq)?;
        let file = self
            .view
            .storage
            .read(&chain::path(&self.view.dir, first_seq))
            .ok()?;
        let mut reader = Reader::new(file, offset, bytes, u64::MAX);
        match reader.next() {
            Ok(Found::Line { len, .. }) if is_context(reader.line(len)) => {
                context_of(reader.line(len))
            }
            _ => None,
        }
    }

    /// The reader of the segment at hand, or of the next one; nothing at the end.
    fn open_next(&mut self) -> Option<Reader> {
        while let Some((first_seq, bytes)) = self.segments.pop_front() {
            let position = self.view.position;
            let offset = if first_seq == position.segment {
                position.offset
            } else {
                0
            };
            let limit = self.segments.front().map_or(u64::MAX, |next| next.0);
            match self
                .view
                .storage
                .read(&chain::path(&self.view.dir, first_seq))
            {
                Ok(file) => return Some(Reader::new(file, offset, bytes, limit)),
                // Gone: confirmed by now, or its records will be missing.
                Err(_) => self.garbage = None,
            }
        }
        None
    }

    fn count_garbage(&mut self, garbage: Garbage) {
        let is_at_the_end = self.segments.is_empty();
        self.garbage = Some(garbage);
        // At the end of a living queue it is the line that is being written.
        if !(self.is_living && is_at_the_end) {
            self.damage.bytes += garbage.bytes;
        }
    }

    fn count_gap(&mut self, first: u64, last: u64) {
        let first = first.max(self.confirmed_by_now);
        if first > last {
            return;
        }
        let view = &self.view;
        let explained = self.explained.get_or_insert_with(|| {
            let mut holes = Holes::default();
            for note in notes(view).into_iter().filter(|note| note.queue == view.id) {
                holes.add(note.first_seq, note.last_seq);
            }
            holes
        });
        let missing: u64 = explained
            .cut_from(first, last)
            .iter()
            .map(|(first, last)| last - first + 1)
            .sum();
        self.damage.records += missing;
    }

    fn record(&mut self, seq: u64, line: &[u8]) -> StoredRecord {
        let lost = seq - self.expected;
        if self
            .garbage
            .take()
            .is_some_and(|garbage| garbage.may_hide_context(lost))
        {
            self.context = None;
        }
        if lost > 0 {
            self.count_gap(self.expected, seq - 1);
        }
        self.expected = seq + 1;
        StoredRecord {
            seq,
            json: line
                .get(..line.len().saturating_sub(1))
                .unwrap_or_default()
                .to_vec(),
            context: self
                .context
                .clone()
                .unwrap_or_else(|| context::unknown(self.view.id)),
        }
    }
}

impl Iterator for Records {
    type Item = StoredRecord;

    fn next(&mut self) -> Option<StoredRecord> {
        loop {
            let mut reader = match self.reader.take() {
                Some(reader) => reader,
                None => self.open_next()?,
            };
            match reader.next() {
                Ok(Found::End) | Err(_) => continue,
                Ok(Found::Garbage(garbage)) => self.count_garbage(garbage),
                Ok(Found::Line { len, .. }) if is_context(reader.line(len)) => {
                    self.garbage = None;
                    self.context = context_of(reader.line(len));
                }
                Ok(Found::Line { seq, .. }) if seq < self.expected => {}
                Ok(Found::Line { seq, len, .. }) => {
                    let record = self.record(seq, reader.line(len));
                    self.reader = Some(reader);
                    return Some(record);
                }
            }
            self.reader = Some(reader);
        }
    }
}

fn context_of(line: &[u8]) -> Option<Arc<str>> {
    std::str::from_utf8(members(line)).ok().map(Arc::from)
}

impl StoredRecord {
    /// The record's members after `q`, up to the closing brace.
    #[must_use]
    pub fn members(&self) -> &[u8] {
        let end = self.json.len().saturating_sub(1);
        self.json.get(PREFIX_BYTES..end).unwrap_or_default()
    }
}
