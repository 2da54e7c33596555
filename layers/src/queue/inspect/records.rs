//! The undelivered records of one queue, one by one.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::batch::Batch;
use super::super::chain::View;
use super::super::drain::{drain, notes};
use super::super::holes::Holes;
use super::super::line::PREFIX_BYTES;
use super::stored::StoredQueue;

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

impl StoredRecord {
    /// The record's members after `q`, up to the closing brace.
    #[must_use]
    pub fn members(&self) -> &[u8] {
        let end = self.json.len().saturating_sub(1);
        self.json.get(PREFIX_BYTES..end).unwrap_or_default()
    }
}

/// What was not whole, from the confirmed position on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Seqs that are missing, with no loss record that speaks of them.
    pub records: u64,
    /// Bytes that are no whole line.
    pub bytes: u64,
}

/// The undelivered records of one queue, by seq. Reads as it goes: what a sender would drain, and as it would.
#[derive(Debug)]
pub struct Records {
    view: View,
    taken: VecDeque<StoredRecord>,
    explained: Option<Holes>,
    is_living: bool,
    is_at_end: bool,
    confirmed_by_now: u64,
    damage: Damage,
    buffer: Vec<u8>,
}

impl StoredQueue {
    /// The undelivered records, by seq.
    #[must_use]
    pub fn records(&self) -> Records {
        Records::new(self)
    }
}

impl Records {
    fn new(queue: &StoredQueue) -> Self {
        let mut view = queue.view();
        view.context = view.context_at(view.position);
        Self {
            view,
            taken: VecDeque::new(),
            explained: None,
            is_living: queue.is_living(),
            is_at_end: queue.is_newer(),
            confirmed_by_now: if queue.is_living() {
                queue.confirmed_by_now()
            } else {
                0
            },
            damage: Damage::default(),
            buffer: Vec::new(),
        }
    }

    /// What was not whole so far; complete after the last record.
    #[must_use]
    pub fn damage(&self) -> Damage {
        self.damage
    }

    fn read_on(&mut self) {
        let drained = drain(&self.view, RECORDS_AT_ONCE, BYTES_AT_ONCE, &mut self.buffer);
        for (first, last) in drained.gaps {
            self.count_gap(first, last);
        }
        match drained.batch {
            Some(batch) => {
                self.damage.bytes += drained.garbage_bytes;
                self.view.position = batch.token.position;
                self.view.context.clone_from(&batch.token.context);
                self.take(&batch);
            }
            None => {
                self.is_at_end = true;
                // At the end of a living queue it is the line that is being written.
                if !self.is_living {
                    self.damage.bytes += drained.garbage_bytes;
                }
            }
        }
    }

    fn take(&mut self, batch: &Batch) {
        for index in 0..batch.len() {
            self.taken.push_back(StoredRecord {
                seq: batch.seq(index).unwrap_or_default(),
                json: batch.record(index).to_vec(),
                context: Arc::clone(&batch.context),
            });
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
            let notes = notes(view).into_iter().map(|(_, note)| note);
            for note in notes.filter(|note| note.queue == view.id) {
                holes.add(note.first_seq, note.last_seq);
            }
            holes
        });
        let missing = explained.cut_from(first, last);
        self.damage.records += missing
            .iter()
            .map(|(first, last)| last - first + 1)
            .sum::<u64>();
    }
}

impl Iterator for Records {
    type Item = StoredRecord;

    fn next(&mut self) -> Option<StoredRecord> {
        while self.taken.is_empty() && !self.is_at_end {
            self.read_on();
        }
        self.taken.pop_front()
    }
}

const RECORDS_AT_ONCE: usize = 1000;
const BYTES_AT_ONCE: usize = 1024 * 1024;
