//! Takes the next records out of one queue, without changing anything.
//!
//! 1. From the confirmed position on, in the order of seq; a seq that was passed already is skipped.
//! 2. A batch ends at its limits, where the context changes, or at the end of the queue.
//! 3. A line that stands before others with lower seqs is misplaced, and no reason to skip those.
//! 4. Where a context line may be among damaged bytes, the records after it go under the bare context of the
//!    queue: better nobody's name than somebody else's.
//!
//! What it does not do: notice that a context line was there when whole lines from another place cover it exactly.

use std::io;
use std::sync::Arc;

use super::batch::{Batch, Token};
use super::chain::{View, path};
use super::context;
use super::head::Position;
use super::line::{PREFIX_BYTES, is_context, members};
use super::loss_record::Note;
use super::reader::{Found, Garbage, Reader};

/// What came of a drain.
#[derive(Debug)]
pub(super) struct Drained {
    pub(super) batch: Option<Batch>,
    /// Seqs before the position that were read to, or before the end, that were not there.
    pub(super) gaps: Vec<(u64, u64)>,
    /// Bytes before the position, or before the end, that are no whole line.
    pub(super) garbage_bytes: u64,
    /// Whether there is nothing behind, rather than something that can't be read now.
    pub(super) is_at_end: bool,
}

/// Takes up to `max_records` records and `max_bytes` joined bytes; a larger record comes alone.
/// `buffer` is what is read into, to be used again.
pub(super) fn drain(
    view: &View,
    max_records: usize,
    max_bytes: usize,
    buffer: &mut Vec<u8>,
) -> Drained {
    let mut drain = Drain {
        view,
        buffer,
        max_records: max_records.max(1),
        max_bytes,
        position: view.position,
        context: view.context.clone(),
        records_context: None,
        joined: Vec::with_capacity(likely_bytes(view, max_records, max_bytes)),
        starts: Vec::new(),
        end: view.position,
        gaps: Vec::new(),
        end_gaps: 0,
        garbage_bytes: 0,
        end_garbage_bytes: 0,
    };
    let is_at_end = drain.read_segments();
    drain.finish(is_at_end)
}

/// How large a batch is likely to get: records are about 300 bytes.
fn likely_bytes(view: &View, max_records: usize, max_bytes: usize) -> usize {
    let stored: u64 = view.segments.iter().map(|segment| segment.1).sum();
    let stored = usize::try_from(stored).unwrap_or(usize::MAX);
    max_records.saturating_mul(512).min(max_bytes).min(stored)
}

/// Every loss that is said in a queue from its confirmed position on, each with the seq of its record.
pub(super) fn notes(view: &View) -> Vec<(u64, Note)> {
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
                Ok(Found::Line { seq, len, .. }) => {
                    notes.extend(Note::decode(reader.line(len)).map(|note| (seq, note)));
                }
                Ok(Found::Garbage(_)) => {}
                Ok(Found::End) | Err(_) => break,
            }
        }
    }
    notes
}

impl View {
    /// The context that `position` says is in force there; nothing when its line is lost.
    pub(super) fn context_at(&self, position: Position) -> Option<Arc<str>> {
        let &(first_seq, bytes) = self
            .segments
            .iter()
            .find(|segment| segment.0 == position.segment)?;
        let file = self.storage.read(&path(&self.dir, first_seq)).ok()?;
        let mut reader = Reader::new(file, position.context?, bytes, u64::MAX);
        match reader.next() {
            Ok(Found::Line { len, .. }) if is_context(reader.line(len)) => {
                std::str::from_utf8(members(reader.line(len)))
                    .ok()
                    .map(Arc::from)
            }
            _ => None,
        }
    }

    /// Where a queue begins whose head is lost: at the lowest seq there is. That is the name of its oldest segment, as
    /// long as that begins with a whole record: lines that were written once more after a failed sync have lower seqs
    /// than their segment's name. Where its beginning is lost, what was written once more is in any later segment, so
    /// that all of them are read.
    pub(super) fn beginning(&self) -> Position {
        let oldest = self.segments.first().map_or(0, |segment| segment.0);
        let seq = self
            .first_seq_of_oldest()
            .or_else(|| self.lowest_seq())
            .map_or(oldest, |lowest| lowest.min(oldest));
        Position {
            segment: oldest,
            offset: 0,
            seq,
            context: None,
        }
    }

    /// The lowest seq of the oldest segment, from the lines before its first new one; nothing where some of them are not
    /// whole.
    fn first_seq_of_oldest(&self) -> Option<u64> {
        let &(oldest, bytes) = self.segments.first()?;
        let mut reader = Reader::new(
            self.storage.read(&path(&self.dir, oldest)).ok()?,
            0,
            bytes,
            u64::MAX,
        );
        let mut lowest = oldest;
        loop {
            match reader.next().ok()? {
                Found::Line { len, .. } if is_context(reader.line(len)) => {}
                Found::Line { seq, .. } if seq < oldest => lowest = lowest.min(seq),
                Found::Line { .. } => return Some(lowest),
                // Copies alone, all of them whole.
                Found::End if lowest < oldest => return Some(lowest),
                Found::Garbage(_) | Found::End => return None,
            }
        }
    }

    /// The lowest seq of any record.
    fn lowest_seq(&self) -> Option<u64> {
        let mut lowest = None;
        for &(segment, bytes) in &self.segments {
            let Ok(file) = self.storage.read(&path(&self.dir, segment)) else {
                continue;
            };
            let mut reader = Reader::new(file, 0, bytes, u64::MAX);
            while let Ok(found @ (Found::Line { .. } | Found::Garbage(_))) = reader.next() {
                if let Found::Line { seq, len, .. } = found
                    && !is_context(reader.line(len))
                {
                    lowest = Some(lowest.map_or(seq, |lowest: u64| lowest.min(seq)));
                }
            }
        }
        lowest
    }

    /// Whether the queue's first line was written by a version that this one does not know.
    pub(super) fn begins_with_newer_context(&self) -> bool {
        let oldest = self.segments.first().map_or(0, |segment| segment.0);
        let start = Position {
            segment: oldest,
            context: Some(0),
            ..Position::default()
        };
        self.context_at(start)
            .is_some_and(|members| context::is_newer(&members))
    }
}

struct Drain<'a> {
    view: &'a View,
    buffer: &'a mut Vec<u8>,
    max_records: usize,
    max_bytes: usize,
    /// Where reading has come to.
    position: Position,
    context: Option<Arc<str>>,
    /// The context of the records taken.
    records_context: Option<Arc<str>>,
    joined: Vec<u8>,
    starts: Vec<usize>,
    /// Behind the last record taken, where the context of the records is in force.
    end: Position,
    gaps: Vec<(u64, u64)>,
    /// How many of the gaps lie before `end`.
    end_gaps: usize,
    garbage_bytes: u64,
    end_garbage_bytes: u64,
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
            let buffer = std::mem::take(self.buffer);
            let reader = Reader::new(file, self.position.offset, bytes, seq_limit);
            let mut reader = reader.with_buffer(buffer, self.max_records);
            let then = self.read_segment(&mut reader);
            *self.buffer = reader.into_buffer();
            match then {
                Ok(Then::ReadOn) => {}
                Ok(Then::Stop) | Err(_) => return false,
            }
        }
        true
    }

    fn read_segment(&mut self, reader: &mut Reader) -> io::Result<Then> {
        let (mut before, mut ahead) = (Before::default(), None);
        loop {
            match reader.next()? {
                Found::End => return Ok(Then::ReadOn),
                Found::Garbage(garbage) => {
                    self.garbage_bytes += garbage.bytes;
                    before.garbage = Some(garbage);
                    before.passed = None;
                }
                Found::Line { seq, offset, len } if seq < self.position.seq => {
                    before.pass(seq, offset, reader.line(len));
                }
                Found::Line { seq, offset, len } if is_context(reader.line(len)) => {
                    let context = Some(Incoming::new(seq, offset, reader.line(len)));
                    before = Before {
                        context,
                        ..Before::default()
                    };
                }
                Found::Line { seq, offset, len } => {
                    if seq > self.position.seq {
                        let ahead = ahead.get_or_insert_with(|| Ahead::look(reader));
                        if ahead.has_any(self.position.seq, seq, offset) {
                            continue;
                        }
                    }
                    if before.is_any() {
                        self.switch_context(std::mem::take(&mut before), seq);
                    }
                    if self.take(seq, reader.line(len), reader.offset()) == Then::Stop {
                        return Ok(Then::Stop);
                    }
                }
            }
        }
    }

    /// Puts in force what came before the record `seq`, and puts out of force what may have been replaced there.
    fn switch_context(&mut self, before: Before, seq: u64) {
        let passed = before
            .passed
            .filter(|passed| passed.from_seq == self.position.seq);
        if let Some(incoming) = before.context.or(passed) {
            let is_for_this = incoming.from_seq <= seq;
            let members = incoming.members.filter(|_| is_for_this);
            self.position.context = members.as_ref().map(|_| incoming.offset);
            if self.context != members {
                self.context = members;
            }
        }
        let lost = seq - self.position.seq;
        if before
            .garbage
            .is_some_and(|garbage| garbage.may_hide_context(lost))
        {
            self.context = None;
            self.position.context = None;
        }
    }

    fn take(&mut self, seq: u64, line: &[u8], behind: u64) -> Then {
        let record = line.get(..line.len().saturating_sub(1)).unwrap_or_default();
        if !self.starts.is_empty() {
            let is_full = self.starts.len() >= self.max_records
                || self.joined.len() + 1 + record.len() > self.max_bytes;
            if is_full || self.context != self.records_context {
                return Then::Stop;
            }
            self.joined.push(b',');
        }
        if seq > self.position.seq {
            self.gaps.push((self.position.seq, seq - 1));
        }
        if self.starts.is_empty() {
            self.records_context.clone_from(&self.context);
        }
        self.starts.push(self.joined.len());
        self.joined.extend_from_slice(record);
        self.position.seq = seq + 1;
        self.position.offset = behind;
        self.end = self.position;
        self.end_gaps = self.gaps.len();
        self.end_garbage_bytes = self.garbage_bytes;
        match self.starts.len() >= self.max_records
            || self.joined.len() + PREFIX_BYTES > self.max_bytes
        {
            true => Then::Stop,
            false => Then::ReadOn,
        }
    }

    fn finish(mut self, is_at_end: bool) -> Drained {
        if self.starts.is_empty() {
            let is_end_known = self.view.end_seq < u64::MAX;
            if is_at_end && is_end_known && self.position.seq < self.view.end_seq {
                self.gaps.push((self.position.seq, self.view.end_seq - 1));
            }
            return Drained {
                batch: None,
                gaps: self.gaps,
                garbage_bytes: self.garbage_bytes,
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
                .clone()
                .unwrap_or_else(|| context::unknown(queue)),
            token: Token {
                queue,
                position: self.end,
                context: self.records_context,
                gaps: self.gaps.clone(),
            },
        };
        Drained {
            batch: Some(batch),
            gaps: self.gaps,
            garbage_bytes: self.end_garbage_bytes,
            is_at_end,
        }
    }
}

/// What stands before a record: a context line, and garbage behind that.
#[derive(Default)]
struct Before {
    context: Option<Incoming>,
    garbage: Option<Garbage>,
    /// The context of records that were passed already, true of what follows if they lead up to it without a gap:
    /// otherwise they are copies from another place.
    passed: Option<Incoming>,
}

/// A context line that waits for the first record it is true of.
struct Incoming {
    from_seq: u64,
    offset: u64,
    members: Option<Arc<str>>,
}

impl Incoming {
    fn new(from_seq: u64, offset: u64, line: &[u8]) -> Self {
        let members = std::str::from_utf8(members(line)).ok().map(Arc::from);
        Self {
            from_seq,
            offset,
            members,
        }
    }
}

impl Before {
    fn is_any(&self) -> bool {
        self.context.is_some() || self.garbage.is_some() || self.passed.is_some()
    }

    /// Takes note of a line whose seq was passed already.
    fn pass(&mut self, seq: u64, offset: u64, line: &[u8]) {
        if is_context(line) {
            self.passed = Some(Incoming::new(seq, offset, line));
        } else if let Some(passed) = self.passed.take_if(|passed| passed.from_seq == seq) {
            self.passed = Some(Incoming {
                from_seq: seq + 1,
                ..passed
            });
        } else {
            self.passed = None;
        }
    }
}

/// The records that are still to come in a segment, by seq and offset.
struct Ahead(Vec<(u64, u64)>);

impl Ahead {
    fn look(reader: &Reader) -> Self {
        let (mut reader, mut records) = (reader.fork(), Vec::new());
        loop {
            match reader.next() {
                Ok(Found::Line { seq, offset, len }) if !is_context(reader.line(len)) => {
                    records.push((seq, offset))
                }
                Ok(Found::Line { .. } | Found::Garbage(_)) => {}
                Ok(Found::End) | Err(_) => break,
            }
        }
        records.sort_unstable();
        Self(records)
    }

    /// Whether a record from `first_seq` up to but not `end_seq` stands behind `offset`.
    fn has_any(&self, first_seq: u64, end_seq: u64, offset: u64) -> bool {
        let from = self.0.partition_point(|&(seq, _)| seq < first_seq);
        let rest = self
            .0
            .iter()
            .skip(from)
            .take_while(|&&(seq, _)| seq < end_seq);
        rest.into_iter().any(|&(_, at)| at > offset)
    }
}
