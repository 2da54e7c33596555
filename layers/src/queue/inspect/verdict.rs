//! Reads a whole queue directory and counts what is whole and what is not, by reason.

use std::collections::BTreeMap;
use std::fs;

use super::super::chain;
use super::super::file_system::FileSystem;
use super::super::head::{self, Stored};
use super::super::holes::Holes;
use super::super::line::is_context;
use super::super::loss_record::Note;
use super::super::reader::{Found, Reader};
use super::super::storage::Storage;
use super::stored::StoredQueue;

/// What `head.json` is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadState {
    /// It says how far the queue is confirmed.
    Whole,
    /// There is none: nothing was confirmed yet, or it was removed.
    #[default]
    Missing,
    /// Neither of its slots is whole. The queue begins again at its oldest segment.
    Damaged,
    /// A newer version wrote it.
    Newer,
}

/// What a queue directory was found to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// Whole records, delivered ones included.
    pub records: u64,
    /// Of these, still to be delivered.
    pub undelivered: u64,
    /// Whole context lines.
    pub contexts: u64,
    /// Lines whose seq had come before: written once more after a failed sync, or copied by a broken disk.
    pub repeated: u64,
    /// Seqs that are missing from the undelivered ones, with no loss record that speaks of them.
    pub missing: u64,
    /// Places where bytes are no whole line.
    pub damaged_places: u64,
    /// Bytes in those places.
    pub damaged_bytes: u64,
    /// Segments that could not be read at all.
    pub unreadable_segments: u64,
    /// The state of `head.json`.
    pub head: HeadState,
    /// Records that the queue itself says were lost, by reason.
    pub said_lost: BTreeMap<&'static str, u64>,
    /// Whether a newer version wrote it; then nothing else was looked at.
    pub is_newer: bool,
}

impl Verdict {
    /// Whether everything that should be there is there and whole. Losses that the queue speaks of are not damage.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !self.is_newer
            && self.missing == 0
            && self.damaged_places == 0
            && self.unreadable_segments == 0
            && self.head != HeadState::Damaged
    }
}

impl StoredQueue {
    /// Reads all of it and counts what is whole and what is not.
    #[must_use]
    pub fn verify(&self) -> Verdict {
        verify(self)
    }
}

fn verify(queue: &StoredQueue) -> Verdict {
    let mut verdict = Verdict {
        head: head_state(queue),
        is_newer: queue.is_newer(),
        ..Verdict::default()
    };
    let Some(position) = queue.position() else {
        return verdict;
    };
    let (mut seen, mut said) = (Holes::default(), Holes::default());
    let mut end_seq = position.seq;
    let mut segments = queue.segments.iter().peekable();
    while let Some(&(first_seq, bytes)) = segments.next() {
        let limit = segments.peek().map_or(u64::MAX, |next| next.0);
        let file = match FileSystem.read(&chain::path(&queue.dir, first_seq)) {
            Ok(file) => file,
            Err(_) if queue.is_living() && queue.confirmed_by_now() >= limit => continue,
            Err(_) => {
                verdict.unreadable_segments += 1;
                continue;
            }
        };
        let mut reader = Reader::new(file, 0, bytes, limit);
        loop {
            match reader.next() {
                Ok(Found::End) => break,
                Ok(Found::Garbage(garbage)) => {
                    let is_being_written =
                        queue.is_living() && limit == u64::MAX && reader.offset() >= bytes;
                    if !is_being_written {
                        verdict.damaged_places += 1;
                        verdict.damaged_bytes += garbage.bytes;
                    }
                }
                Ok(Found::Line { len, .. }) if is_context(reader.line(len)) => {
                    verdict.contexts += 1
                }
                Ok(Found::Line { seq, .. }) if seen.count(seq, seq + 1) > 0 => {
                    verdict.repeated += 1
                }
                Ok(Found::Line { seq, len, .. }) => {
                    verdict.records += 1;
                    verdict.undelivered += u64::from(seq >= position.seq);
                    if let Some(note) = Note::decode(reader.line(len)) {
                        *verdict.said_lost.entry(note.reason.as_str()).or_default() += note.count;
                        if note.queue == queue.id {
                            said.add(note.first_seq, note.last_seq);
                        }
                    }
                    seen.add(seq, seq);
                    end_seq = end_seq.max(seq + 1);
                }
                Err(_) => {
                    verdict.unreadable_segments += 1;
                    break;
                }
            }
        }
    }
    let confirmed = if queue.is_living() {
        queue.confirmed_by_now()
    } else {
        position.seq
    };
    let undelivered = confirmed.min(end_seq)..end_seq;
    let gaps = if undelivered.is_empty() {
        Vec::new()
    } else {
        seen.cut_from(undelivered.start, undelivered.end - 1)
    };
    for (first, last) in gaps {
        let missing = said.cut_from(first, last);
        verdict.missing += missing
            .iter()
            .map(|(first, last)| last - first + 1)
            .sum::<u64>();
    }
    verdict
}

fn head_state(queue: &StoredQueue) -> HeadState {
    let path = queue.dir.join(head::FILE_NAME);
    match head::read(&FileSystem, &path) {
        Stored::Slot { .. } => HeadState::Whole,
        Stored::Newer => HeadState::Newer,
        Stored::Lost if fs::metadata(&path).is_ok_and(|found| found.len() > 0) => {
            HeadState::Damaged
        }
        Stored::Lost => HeadState::Missing,
    }
}
