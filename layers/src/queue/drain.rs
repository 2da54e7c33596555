//! Takes the next records out of one queue, without changing anything.
//!
//! 1. From the confirmed position on, in the order of seq; a seq that was passed already is skipped.
//! 2. A batch ends at its limits, where the context changes, or at the end of the queue.
//! 3. Where a context line may be among damaged bytes, the records after it go under the bare context of the
//!    queue: better nobody's name than somebody else's.

use std::io;
use std::sync::Arc;

use super::batch::{Batch, Token};
use super::chain::{View, path};
use super::context;
use super::head::Position;
use super::line::{PREFIX_BYTES, is_context, members};
use super::note::Note;
use super::reader::{Found, Garbage, Reader};

/// What came of a drain.
#[derive(Debug)]
pub(super) struct Drained {
    pub(super) batch: Option<Batch>,
    /// Seqs before the position that were read to, or before the end, that were not there.
    pub(super) gaps: Vec<(u64, u64)>,
    /// Whether there is nothing behind, rather than something that can't be read now.
    pub(super) is_at_end: bool,
}

/// Takes up to `max_records` records and `max_bytes` joined bytes; a larger record comes alone.
pub(super) fn drain(view: &View, max_records: usize, max_bytes: usize) -> Drained {
    let mut drain = Drain {
        view,
        max_records: max_records.max(1),
        max_bytes,
        position: view.position,
        context: view.context.clone(),
        records_context: None,
        joined: Vec::new(),
        starts: Vec::new(),
        end: view.position,
        end_context: None,
        gaps: Vec::new(),
        end_gaps: 0,
    };
    let is_at_end = drain.read_segments();
    drain.finish(is_at_end)
}

/// Every loss that is said in a queue from its confirmed position on.
pub(super) fn notes(view: &View) -> Vec<Note> {
    let mut notes = Vec::new();
    for &(first_seq, bytes) in &view.segments {
        let Ok(file) = view.storage.read(&path(&view.dir, first_seq)) else {
            continue;
        };
        let offset = if first_seq == view.position.segment {
            view.position.offset
        } else {
            0
        };
        let mut reader = Reader::new(file, offset, bytes, u64::MAX);
        loop {
            match reader.next() {
                Ok(Found::Line { len, .. }) => notes.extend(Note::decode(reader.line(len))),
                Ok(Found::Garbage(_)) => {}
                Ok(Found::End) | Err(_) => break,
            }
        }
    }
    notes
}

struct Drain<'a> {
    view: &'a View,
    max_records: usize,
    max_bytes: usize,
    /// Where reading has come to.
    position: Position,
    context: Option<Arc<str>>,
    /// The context of the records taken.
    records_context: Option<Arc<str>>,
    joined: Vec<u8>,
    starts: Vec<usize>,
    /// Behind the last record taken.
    end: Position,
    end_context: Option<Arc<str>>,
    gaps: Vec<(u64, u64)>,
    /// How many of the gaps lie before `end`.
    end_gaps: usize,
}

/// Whether to read on.
#[derive(PartialEq, Eq)]
enum Then {
    ReadOn,
    Stop,
}

impl Drain<'_> {
    /// Reads until the batch is full; true when the queue ended first.
    fn read_segments(&mut self) -> bool {
        let view = self.view;
        let mut limits = view
            .segments
            .iter()
            .skip(1)
            .map(|&(first_seq, _)| first_seq);
        for &(first_seq, bytes) in &view.segments {
            let seq_limit = limits.next().unwrap_or(view.end_seq);
            if first_seq < self.position.segment {
                continue;
            }
            if first_seq > self.position.segment {
                let seq = self.position.seq;
                self.position = Position {
                    segment: first_seq,
                    offset: 0,
                    seq,
                    context: None,
                };
            }
            let file = match view.storage.read(&path(&view.dir, first_seq)) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(_) => return false,
            };
            let reader = Reader::new(file, self.position.offset, bytes, seq_limit);
            match self.read_segment(reader) {
                Ok(Then::ReadOn) => {}
                Ok(Then::Stop) | Err(_) => return false,
            }
        }
        true
    }

    fn read_segment(&mut self, mut reader: Reader) -> io::Result<Then> {
        let mut garbage = None;
        loop {
            let then = match reader.next()? {
                Found::End => return Ok(Then::ReadOn),
                Found::Garbage(skipped) => {
                    garbage = Some(skipped);
                    Then::ReadOn
                }
                Found::Line { offset, len, .. } if is_context(reader.line(len)) => {
                    garbage = None;
                    self.switch_context(reader.line(len), offset)
                }
                Found::Line { seq, .. } if seq < self.position.seq => Then::ReadOn,
                Found::Line { seq, len, .. } => {
                    self.take(seq, reader.line(len), garbage.take(), reader.offset())
                }
            };
            if then == Then::Stop {
                return Ok(Then::Stop);
            }
        }
    }

    fn switch_context(&mut self, line: &[u8], offset: u64) -> Then {
        let members = std::str::from_utf8(members(line)).ok();
        if members.is_none() || members != self.context.as_deref() {
            self.context = members.map(Arc::from);
        }
        self.position.context = members.map(|_| offset);
        Then::ReadOn
    }

    fn take(&mut self, seq: u64, line: &[u8], garbage: Option<Garbage>, behind: u64) -> Then {
        let lost = seq - self.position.seq;
        if garbage.is_some_and(|garbage| garbage.may_hide_context(lost)) {
            self.context = None;
            self.position.context = None;
        }
        let record = line.get(..line.len().saturating_sub(1)).unwrap_or_default();
        if !self.starts.is_empty() {
            let is_full = self.starts.len() >= self.max_records
                || self.joined.len() + 1 + record.len() > self.max_bytes;
            if is_full || self.context != self.records_context {
                return Then::Stop;
            }
            self.joined.push(b',');
        }
        if lost > 0 {
            self.gaps.push((self.position.seq, seq - 1));
        }
        self.records_context.clone_from(&self.context);
        self.starts.push(self.joined.len());
        self.joined.extend_from_slice(record);
        self.position.seq = seq + 1;
        self.position.offset = behind;
        self.end = self.position;
        self.end_context.clone_from(&self.context);
        self.end_gaps = self.gaps.len();
        match self.starts.len() >= self.max_records
            || self.joined.len() + PREFIX_BYTES > self.max_bytes
        {
            true => Then::Stop,
            false => Then::ReadOn,
        }
    }

    fn finish(mut self, is_at_end: bool) -> Drained {
        if self.starts.is_empty() {
            if is_at_end && self.position.seq < self.view.end_seq {
                self.gaps.push((self.position.seq, self.view.end_seq - 1));
            }
            return Drained {
                batch: None,
                gaps: self.gaps,
                is_at_end,
            };
        }
        self.gaps.truncate(self.end_gaps);
        let queue = self.view.id;
        let batch = Batch {
            joined: self.joined,
            starts: self.starts,
            context: self
                .records_context
                .unwrap_or_else(|| context::unknown(queue)),
            token: Token {
                queue,
                position: self.end,
                context: self.end_context,
                gaps: self.gaps.clone(),
            },
        };
        Drained {
            batch: Some(batch),
            gaps: self.gaps,
            is_at_end,
        }
    }
}
