//! The writing end of the process's own queue: one append-only segment at a time.
//!
//! 1. A line is one `write(2)`. One that fails is cut off again, and the segment is sealed for good.
//! 2. A segment begins with the context in force, and repeats it when it changes, and after a gap in the seqs.
//! 3. A segment is named by the first seq that is new in it; a line that is written once more, because its sync
//!    failed, keeps its seq and is skipped by readers that have it.
//! 4. A segment with any record in it, new or written once more, is never removed when it ends: the copy may be the one
//!    that a caller was told to be durable. Names only grow; after a segment that holds copies alone, the name of the
//!    next is one higher than the first seq in it.

use std::io;
use std::sync::Arc;

use super::chain::{Chain, Segment};
use super::context;
use super::line::Line;
use super::loss_record::Note;
use super::storage::{StoredFile, append_all};

#[derive(Debug)]
pub(super) struct Writer {
    pub(super) chain: Chain,
    /// The last segment, while it is written to.
    file: Option<Arc<dyn StoredFile>>,
    /// What is in it.
    holds: Holds,
    /// The lowest name that no segment with a record in it has had, also none that is to be removed.
    free_name: u64,
    /// How large that segment may get.
    limit: u64,
    /// The context in force in that segment.
    context: Option<Arc<str>>,
    context_line: Line,
    /// One more than the seq of the last line in the open segment.
    next_in_segment: u64,
    /// One more than the highest seq on disk.
    end_seq: u64,
    /// How many lines were written.
    ticket: u64,
    unsynced: Unsynced,
    /// Segments with loss records that are not synced. A removed one must not stay here: while its file is open, the
    /// disk does not get its room back.
    unsynced_notes: Vec<UnsyncedNotes>,
    /// Segments whose sync failed while loss records were kept. What else is in them is lost to a power loss, and the
    /// disk says so once: to whoever syncs them next it would be fine.
    failed_syncs: Vec<u64>,
    /// Whether the queue's directory is known to survive a power loss.
    is_kept_in_root: bool,
}

/// What records are in the open segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Nothing,
    /// Those whose seqs are lower than the end of what is on disk: written once more, or late.
    Copies,
    New,
}

/// A segment with loss records that are not synced.
#[derive(Debug)]
struct UnsyncedNotes {
    first_seq: u64,
    /// Of the last of them.
    ticket: u64,
    file: Arc<dyn StoredFile>,
}

/// What a sync has to take in.
#[derive(Debug, Default)]
pub(super) struct Unsynced {
    /// Files with their first seqs.
    pub(super) files: Vec<(u64, Arc<dyn StoredFile>)>,
    /// Whether names in the queue's directory are new.
    pub(super) has_new_names: bool,
    /// Whether the queue's directory is new in the root.
    pub(super) is_new_in_root: bool,
}

impl Writer {
    pub(super) fn new(chain: Chain) -> Self {
        Self {
            chain,
            file: None,
            holds: Holds::Nothing,
            free_name: 0,
            limit: 0,
            context: None,
            context_line: Line::new(),
            next_in_segment: 0,
            end_seq: 0,
            ticket: 0,
            unsynced: Unsynced {
                is_new_in_root: true,
                ..Unsynced::default()
            },
            unsynced_notes: Vec::new(),
            failed_syncs: Vec::new(),
            is_kept_in_root: false,
        }
    }

    /// Goes on behind the last segment of a queue whose records end before `end_seq`, in that segment while it is small.
    pub(super) fn going_on(chain: Chain, end_seq: u64) -> Self {
        let last = chain
            .segments
            .back()
            .map(|last| (last.first_seq, last.bytes));
        let mut writer = Self::new(chain);
        writer.end_seq = end_seq;
        let Some((first_seq, bytes)) = last else {
            return writer;
        };
        writer.free_name = first_seq + 1;
        if bytes < GOES_ON_BYTES
            && let Ok(file) = writer
                .chain
                .storage
                .open_to_append(&writer.chain.path(first_seq))
        {
            writer.unsynced.files.push((first_seq, Arc::clone(&file)));
            writer.file = Some(file);
            writer.holds = Holds::New;
            writer.limit = GOES_ON_BYTES;
        }
        writer
    }

    /// Whether `bytes` more fit into the open segment.
    pub(super) fn has_room(&self, bytes: u64) -> bool {
        self.file.is_some() && (self.open_bytes() + bytes <= self.limit || self.holds != Holds::New)
    }

    /// Bytes in the segment that is being written.
    pub(super) fn open_bytes(&self) -> u64 {
        self.chain
            .segments
            .back()
            .map_or(0, |segment| segment.bytes)
    }

    /// Begins a new segment of up to `limit` bytes for `seq`. The one before it was sealed.
    pub(super) fn begin_segment(&mut self, seq: u64, limit: u64) -> io::Result<()> {
        debug_assert!(self.file.is_none());
        let from_seq = seq.max(self.end_seq);
        let first_seq = from_seq.max(self.free_name);
        let file = self.create(first_seq)?;
        self.chain.segments.push_back(Segment {
            first_seq,
            from_seq,
            bytes: 0,
            notes: Vec::new(),
        });
        self.context = None;
        self.unsynced.files.push((first_seq, Arc::clone(&file)));
        self.unsynced.has_new_names = true;
        self.file = Some(file);
        self.holds = Holds::Nothing;
        self.limit = limit;
        Ok(())
    }

    /// Writes a stamped line and, when it is not the one in force, its context before it. An error seals the segment
    /// and leaves nothing of the line, as far as the disk lets it be cut off.
    pub(super) fn write(&mut self, seq: u64, line: &[u8], context: &Arc<str>) -> io::Result<u64> {
        // Taken out, not cloned: this is the path of each record.
        let Some(file) = self.file.take() else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let before = self.open_bytes();
        if seq != self.end_seq || seq != self.next_in_segment {
            // Readers that have passed the lines before trust a context only across seqs without a gap. A copy of an
            // older record may stand before this one.
            self.context = None;
        }
        let written = self
            .write_context(&*file, seq, context)
            .and_then(|()| append_all(&*file, line));
        match written {
            Ok(()) => {
                self.file = Some(file);
                self.grow(line.len());
                self.next_in_segment = seq + 1;
                if seq >= self.end_seq {
                    self.holds = Holds::New;
                    self.end_seq = seq + 1;
                } else if self.holds == Holds::Nothing {
                    self.holds = Holds::Copies;
                }
                self.ticket += 1;
                Ok(self.ticket)
            }
            Err(error) => {
                let whole = self.open_bytes().max(before);
                let _ = file.set_len(whole);
                self.file = Some(file);
                self.seal();
                Err(error)
            }
        }
    }

    /// Remembers that `note` is in the open segment, as the record `seq`.
    pub(super) fn keep_note(&mut self, seq: u64, note: Note) {
        let (Some(segment), Some(file)) = (self.chain.segments.back_mut(), &self.file) else {
            return;
        };
        segment.notes.push((seq, note));
        match self.unsynced_notes.last_mut() {
            Some(last) if last.first_seq == segment.first_seq => last.ticket = self.ticket,
            _ => self.unsynced_notes.push(UnsyncedNotes {
                first_seq: segment.first_seq,
                ticket: self.ticket,
                file: Arc::clone(file),
            }),
        }
    }

    /// Makes the loss records survive a power loss: what they tell of is about to go. An error seals the segment.
    pub(super) fn sync_notes(&mut self) -> io::Result<()> {
        if self.unsynced_notes.is_empty() {
            return Ok(());
        }
        let synced = self.sync_notes_now();
        match synced {
            Ok(()) => self.unsynced_notes.clear(),
            Err(_) => self.seal(),
        }
        synced
    }

    /// Everything up to `ticket` was synced.
    pub(super) fn forget_notes_up_to(&mut self, ticket: u64) {
        self.unsynced_notes.retain(|notes| notes.ticket > ticket);
    }

    /// Whether the segment that is being written, or the directory for the next, was removed by somebody else.
    pub(super) fn has_lost_home(&self) -> bool {
        let is_gone = |looked: io::Result<()>| {
            looked.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        };
        let storage = &self.chain.storage;
        match self.chain.segments.back().filter(|_| self.file.is_some()) {
            Some(open) => is_gone(storage.file_len(&self.chain.path(open.first_seq)).map(drop)),
            None => is_gone(storage.file_len(&self.chain.dir).map(drop)),
        }
    }

    /// Ends the open segment. One without a record is emptied, and its name is free again.
    pub(super) fn seal(&mut self) {
        self.context = None;
        let Some(file) = self.file.take() else {
            return;
        };
        if self.holds == Holds::Nothing {
            if let Some(empty) = self.chain.segments.pop_back() {
                self.let_go(empty.first_seq);
                let _ = file.set_len(0);
            }
        } else if let Some(last) = self.chain.segments.back() {
            self.free_name = last.first_seq + 1;
        }
    }

    /// Ends the segment with this name, if it is the open one: its sync failed.
    pub(super) fn seal_if_open(&mut self, first_seq: u64) {
        if self
            .chain
            .segments
            .back()
            .is_some_and(|segment| segment.first_seq == first_seq)
        {
            self.seal();
        }
    }

    /// How many lines were written, and what of them is not synced yet.
    pub(super) fn take_unsynced(&mut self) -> (u64, Unsynced) {
        let taken = std::mem::take(&mut self.unsynced);
        // The open segment goes on to be written.
        if let (Some(file), Some(segment)) = (&self.file, self.chain.segments.back()) {
            self.unsynced
                .files
                .push((segment.first_seq, Arc::clone(file)));
        }
        (self.ticket, taken)
    }

    /// The segments whose sync failed meanwhile, as loss records were kept.
    pub(super) fn take_failed_syncs(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.failed_syncs)
    }

    /// Takes back what could not be synced of the directories, to try again.
    pub(super) fn give_back(&mut self, names: bool, in_root: bool) {
        self.unsynced.has_new_names |= names;
        self.unsynced.is_new_in_root |= in_root;
    }

    /// One more than the highest seq on disk.
    pub(super) fn end_seq(&self) -> u64 {
        self.end_seq
    }

    /// How many lines were written.
    pub(super) fn ticket(&self) -> u64 {
        self.ticket
    }

    /// Forgets a segment that is gone.
    pub(super) fn forget_unsynced(&mut self, first_seq: u64) {
        self.unsynced.files.retain(|&(other, _)| other != first_seq);
    }

    /// Lets go of the file of a segment that is about to be removed.
    pub(super) fn let_go(&mut self, first_seq: u64) {
        self.forget_unsynced(first_seq);
        self.unsynced_notes
            .retain(|notes| notes.first_seq != first_seq);
    }

    fn sync_notes_now(&mut self) -> io::Result<()> {
        for notes in &self.unsynced_notes {
            let synced = notes.file.sync();
            if synced.is_err() {
                self.failed_syncs.push(notes.first_seq);
            }
            synced?;
        }
        let Chain { storage, dir, .. } = &self.chain;
        storage.sync_dir(dir)?;
        if let Some(root) = dir.parent().filter(|_| !self.is_kept_in_root) {
            storage.sync_dir(root)?;
            self.is_kept_in_root = true;
        }
        Ok(())
    }

    fn create(&self, first_seq: u64) -> io::Result<Arc<dyn StoredFile>> {
        let path = self.chain.path(first_seq);
        match self.chain.storage.create(&path) {
            // One that was sealed without a record.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let file = self.chain.storage.open_to_append(&path)?;
                file.set_len(0).map(|()| file)
            }
            created => created,
        }
    }

    fn write_context(
        &mut self,
        file: &dyn StoredFile,
        seq: u64,
        wanted: &Arc<str>,
    ) -> io::Result<()> {
        if self
            .context
            .as_ref()
            .is_some_and(|context| Arc::ptr_eq(context, wanted))
        {
            return Ok(());
        }
        context::encode(&mut self.context_line, wanted);
        let body = self.context_line.close();
        append_all(file, self.context_line.stamp(seq, &body))?;
        self.grow(self.context_line.len());
        self.context = Some(Arc::clone(wanted));
        Ok(())
    }

    fn grow(&mut self, bytes: usize) {
        if let Some(segment) = self.chain.segments.back_mut() {
            segment.bytes += bytes as u64;
        }
    }
}

/// As large as a segment gets that several runs of a program write to: as a new one of a quiet queue.
const GOES_ON_BYTES: u64 = 64 * 1024;
