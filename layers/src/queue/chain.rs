//! The segments of one queue directory, oldest first, and how far they are confirmed.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::batch::Token;
use super::blocks::on_disk;
use super::head::{self, Head, Position, Slot};
use super::id::QueueId;
use super::line::parse_hex;
use super::loss_record::Note;
use super::sending::Sending;
use super::storage::Storage;

/// One segment file.
#[derive(Debug)]
pub(super) struct Segment {
    /// Its name: the seq of its first new record, or one higher behind a segment that holds copies alone.
    pub(super) first_seq: u64,
    /// The seq of its first new record, as far as is known: at most its name.
    pub(super) from_seq: u64,
    /// Bytes in it that are lines.
    pub(super) bytes: u64,
    /// Losses that are said in it, each with the seq of its record: to be said again when that is dropped.
    pub(super) notes: Vec<(u64, Note)>,
}

impl Segment {
    /// The losses that are said in it from `seq` on: what lies before is delivered.
    pub(super) fn take_notes_from(&mut self, seq: u64) -> impl Iterator<Item = Note> {
        let notes = std::mem::take(&mut self.notes).into_iter();
        notes
            .filter(move |&(at, _)| at >= seq)
            .map(|(_, note)| note)
    }
}

/// The segments of one queue.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) id: QueueId,
    pub(super) dir: PathBuf,
    pub(super) segments: VecDeque<Segment>,
    pub(super) slot: Slot,
    /// The context in force at the confirmed position; nothing at the start of a segment, or when its line is lost.
    pub(super) context: Option<Arc<str>>,
    pub(super) head: Head,
    /// The send from the confirmed position that is under way in this process.
    pub(super) sending: Option<Sending>,
}

/// What a reader needs, so that it can read without holding the queue up.
#[derive(Debug)]
pub(super) struct View {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) id: QueueId,
    pub(super) dir: PathBuf,
    /// First seq and bytes of each segment that is not wholly confirmed.
    pub(super) segments: Vec<(u64, u64)>,
    pub(super) position: Position,
    /// How many processes have died sending from there.
    pub(super) attempts: u64,
    pub(super) context: Option<Arc<str>>,
    /// One more than the last seq that can be there.
    pub(super) end_seq: u64,
}

impl Chain {
    pub(super) fn new(storage: Arc<dyn Storage>, root: &Path, id: QueueId, turn: u64) -> Self {
        let dir = root.join(id.dir_name());
        let head = Head::new(Arc::clone(&storage), dir.join(head::FILE_NAME), turn);
        Self {
            storage,
            id,
            dir,
            segments: VecDeque::new(),
            slot: Slot::default(),
            context: None,
            head,
            sending: None,
        }
    }

    pub(super) fn view(&self, end_seq: u64) -> View {
        View {
            storage: Arc::clone(&self.storage),
            id: self.id,
            dir: self.dir.clone(),
            segments: self
                .segments
                .iter()
                .map(|segment| (segment.first_seq, segment.bytes))
                .collect(),
            position: self.slot.position,
            attempts: self.slot.attempts - u64::from(self.sending.is_some()),
            context: self.context.clone(),
            end_seq,
        }
    }

    /// Bytes not yet confirmed.
    pub(super) fn pending_bytes(&self) -> u64 {
        let total: u64 = self.segments.iter().map(|segment| segment.bytes).sum();
        let confirmed = match self.segments.front() {
            Some(oldest) if oldest.first_seq == self.slot.position.segment => {
                self.slot.position.offset
            }
            _ => 0,
        };
        total.saturating_sub(confirmed)
    }

    /// Bytes that the segments take on disk.
    pub(super) fn disk_bytes(&self) -> u64 {
        self.segments
            .iter()
            .map(|segment| on_disk(segment.bytes))
            .sum()
    }

    /// Moves the confirmed position on, in memory.
    pub(super) fn step_to(&mut self, token: &Token) {
        self.slot.position = token.position;
        self.clear_attempts();
        self.context.clone_from(&token.context);
    }

    /// Writes the confirmed position down and takes out the segments that are wholly behind it, but never the last.
    /// Their files are to be removed.
    pub(super) fn leave_behind(&mut self) -> Vec<Segment> {
        let mut behind = Vec::new();
        while self.segments.len() > 1 && self.is_front_behind() {
            behind.extend(self.segments.pop_front());
        }
        self.step_to_front();
        self.write_head();
        behind
    }

    /// Takes the oldest segment out of the chain and returns the seqs that it still held. The file stays: the loss is
    /// to be said first.
    pub(super) fn drop_oldest(&mut self, end_seq: u64) -> Option<(Segment, Range<u64>)> {
        let dropped = self.segments.pop_front()?;
        let next = self.segments.front();
        let (next_segment, next_seq) = match next {
            Some(next) => (next.first_seq, next.from_seq),
            None => (end_seq.max(dropped.first_seq + 1), end_seq),
        };
        let first_seq = self.slot.position.seq.max(dropped.from_seq);
        let lost = first_seq.min(next_seq)..next_seq;
        if self.slot.position.segment < next_segment {
            self.slot.position = Position {
                segment: next_segment,
                offset: 0,
                seq: next_seq.max(self.slot.position.seq),
                context: None,
            };
            self.clear_attempts();
            self.context = None;
        }
        Some((dropped, lost))
    }

    /// Its directory has become the one of this queue.
    pub(super) fn move_to(&mut self, dir: PathBuf, id: QueueId) {
        self.head.move_to(dir.join(head::FILE_NAME));
        self.dir = dir;
        self.id = id;
    }

    /// Writes the confirmed position down. Where that fails the position is only known in memory: after a crash the
    /// relay sees duplicates.
    pub(super) fn write_head(&mut self) {
        let _ = self.head.write(&self.slot);
    }

    pub(super) fn path(&self, first_seq: u64) -> PathBuf {
        path(&self.dir, first_seq)
    }

    fn is_front_behind(&self) -> bool {
        let position = &self.slot.position;
        self.segments.front().is_some_and(|front| {
            front.first_seq < position.segment
                || (front.first_seq == position.segment && front.bytes <= position.offset)
        })
    }

    /// A position in a segment that is gone means the start of the oldest that is there.
    fn step_to_front(&mut self) {
        if let Some(front) = self.segments.front()
            && front.first_seq > self.slot.position.segment
        {
            let seq = self.slot.position.seq;
            self.slot.position = Position {
                segment: front.first_seq,
                offset: 0,
                seq,
                context: None,
            };
            self.context = None;
        }
    }
}

/// Path of the segment whose first record has `first_seq`.
pub(super) fn path(dir: &Path, first_seq: u64) -> PathBuf {
    dir.join(format!("seg-{first_seq:016x}.jsonl"))
}

/// First seq of the segment with this name, if it is a segment's.
pub(super) fn first_seq(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("seg-")?.strip_suffix(".jsonl")?;
    parse_hex(digits.as_bytes().first_chunk::<16>()?).filter(|_| digits.len() == 16)
}
