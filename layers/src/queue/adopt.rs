//! Takes over the queues that dead processes left in the root.
//!
//! 1. Whoever gets the lock adopts; nobody else can, and nobody appends to an adopted queue.
//! 2. Oldest first: each queue's head says how many generations came before it, no clock does.
//! 3. A directory of a newer version is left as it is.
//!
//! What it does not do: read the records. Only the end of the last segment is looked at, for the last seq.

use std::path::Path;
use std::sync::Arc;

use super::blocks::{BLOCK_BYTES, on_disk};
use super::chain::{self, Chain, Segment, View};
use super::drain::notes;
use super::head::{self, Slot, Stored};
use super::id::QueueId;
use super::line::is_context;
use super::loss_record::Note;
use super::reader::{Found, Reader};
use super::storage::{Lock, Storage};

/// The queue of a dead process.
#[derive(Debug)]
pub(super) struct Adopted {
    pub(super) chain: Chain,
    /// One more than the last seq in it.
    pub(super) end_seq: u64,
    pub(super) lock: Lock,
}

impl Adopted {
    pub(super) fn pending_records(&self) -> u64 {
        self.end_seq.saturating_sub(self.chain.slot.position.seq)
    }

    /// Whether everything in it is confirmed.
    pub(super) fn is_done(&self) -> bool {
        self.chain.slot.position.seq >= self.end_seq
    }

    pub(super) fn disk_bytes(&self) -> u64 {
        self.chain.disk_bytes() + 3 * BLOCK_BYTES
    }

    /// What has to be read of its segments, from the oldest on, before they go.
    pub(super) fn oldest(&self) -> impl Iterator<Item = (u64, Oldest)> {
        let segments = self.chain.segments.iter().enumerate();
        segments.map(|(at, segment)| {
            let mut view = self.chain.view(self.end_seq);
            view.segments = view.segments.into_iter().skip(at).take(2).collect();
            (on_disk(segment.bytes), Oldest(view))
        })
    }

    /// Removes its files, the lock last, and its directory.
    pub(super) fn remove(self) {
        remove_all(&*self.chain.storage, &self.chain.dir);
        drop(self.lock);
    }
}

/// The oldest segment of an adopted queue, and the one behind it, to be read.
#[derive(Debug)]
pub(super) struct Oldest(View);

/// What has to be known of an adopted segment before it goes.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) queue: QueueId,
    /// Its name.
    pub(super) first_seq: u64,
    /// The lowest seq in it.
    pub(super) from_seq: u64,
    /// The lowest seq in the next.
    pub(super) next_from_seq: Option<u64>,
    /// The losses that are said in it, each with the seq of its record.
    pub(super) notes: Vec<(u64, Note)>,
}

impl Oldest {
    /// Reads the segment.
    pub(super) fn read(self) -> Read {
        let Self(mut view) = self;
        let next = view.segments.split_off(view.segments.len().min(1));
        let (from, notes) = (view.beginning(), notes(&view));
        view.segments = next;
        let next = (!view.segments.is_empty()).then(|| view.beginning());
        Read {
            queue: view.id,
            first_seq: from.segment,
            from_seq: from.seq,
            next_from_seq: next.map(|next| next.seq),
            notes,
        }
    }
}

/// Removes the files of a queue and its directory. The head goes after what it says to be delivered, or a kill in between
/// would bring that back; the lock last.
pub(super) fn remove_all(storage: &dyn Storage, dir: &Path) {
    let mut names = storage.names(dir).unwrap_or_default();
    names.retain(|name| name != LOCK_NAME && name != head::FILE_NAME);
    let last = [head::FILE_NAME, LOCK_NAME];
    for name in names.iter().map(String::as_str).chain(last) {
        let _ = storage.remove_file(&dir.join(name));
    }
    let _ = storage.remove_dir(dir);
}

/// What stood in the root.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Queues that are ours now, oldest first.
    pub(super) adopted: Vec<Adopted>,
    /// The highest generation of any queue, adopted or living.
    pub(super) generation: u64,
    /// Queues of a newer version.
    pub(super) newer: Vec<QueueId>,
}

/// Adopts whatever in `root` has no owner, except the queues in `known`.
pub(super) fn survey(
    storage: &Arc<dyn Storage>,
    root: &Path,
    known: &[QueueId],
    lock_text: &str,
) -> Survey {
    let mut survey = Survey::default();
    let names = storage.names(root).unwrap_or_default();
    let mut ids: Vec<QueueId> = names
        .iter()
        .filter_map(|name| QueueId::from_dir_name(name))
        .collect();
    ids.retain(|id| !known.contains(id));
    ids.sort_unstable();
    for id in ids {
        let dir = root.join(id.dir_name());
        let stored = head::read(&**storage, &dir.join(head::FILE_NAME));
        let (slot, turn) = match stored {
            Stored::Newer => {
                survey.newer.push(id);
                continue;
            }
            Stored::Slot { slot, turn } => (Some(slot), turn),
            Stored::Lost => (None, 0),
        };
        survey.generation = survey
            .generation
            .max(slot.map_or(0, |slot| slot.generation));
        let Ok(Some(lock)) = storage.lock(&dir.join(LOCK_NAME), lock_text) else {
            continue;
        };
        // Read again: its owner may have moved it until the moment it let go of the lock.
        let (slot, turn) = match head::read(&**storage, &dir.join(head::FILE_NAME)) {
            Stored::Slot { slot, turn } => (Some(slot), turn),
            _ => (slot, turn),
        };
        let chain = Chain::new(Arc::clone(storage), root, id, turn);
        match adopt(chain, slot, lock) {
            Some(adopted) => survey.adopted.push(adopted),
            None => survey.newer.push(id),
        }
    }
    survey
        .adopted
        .sort_by_key(|adopted| (adopted.chain.slot.generation, adopted.chain.id));
    survey
}

/// Text of a lock file, for people.
pub(super) fn lock_text() -> String {
    let program = std::env::args_os().next().unwrap_or_default();
    format!(
        "{}\n{}\n",
        std::process::id(),
        Path::new(&program).display()
    )
}

/// Nothing when it is of a newer version.
fn adopt(mut chain: Chain, slot: Option<Slot>, lock: Lock) -> Option<Adopted> {
    let names = chain.storage.names(&chain.dir).unwrap_or_default();
    let mut first_seqs: Vec<u64> = names
        .iter()
        .filter_map(|name| chain::first_seq(name))
        .collect();
    first_seqs.sort_unstable();
    for first_seq in first_seqs {
        let bytes = chain.storage.file_len(&chain.path(first_seq)).unwrap_or(0);
        chain.segments.push_back(Segment {
            first_seq,
            from_seq: first_seq,
            bytes,
            notes: Vec::new(),
        });
    }
    if view_of_all(&chain).begins_with_newer_context() {
        return None;
    }
    let end_seq = end_seq(&chain);
    match slot {
        Some(slot) => chain.slot = slot,
        None => chain.slot.position = view_of_all(&chain).beginning(),
    }
    chain.drop_confirmed();
    chain.context = view_of_all(&chain).context_at(chain.slot.position);
    Some(Adopted {
        chain,
        end_seq,
        lock,
    })
}

fn view_of_all(chain: &Chain) -> View {
    chain.view(u64::MAX)
}

/// One more than the last whole record's seq, looked for from the end.
fn end_seq(chain: &Chain) -> u64 {
    for segment in chain.segments.iter().rev() {
        let Ok(file) = chain.storage.read(&chain.path(segment.first_seq)) else {
            continue;
        };
        let mut looked_at = TAIL_BYTES;
        loop {
            let from = segment.bytes.saturating_sub(looked_at);
            let mut reader = Reader::new(Arc::clone(&file), from, segment.bytes, u64::MAX);
            let mut last = None;
            while let Ok(found @ (Found::Line { .. } | Found::Garbage(_))) = reader.next() {
                if let Found::Line { seq, len, .. } = found {
                    let next = if is_context(reader.line(len)) {
                        seq
                    } else {
                        seq + 1
                    };
                    last = last.max(Some(next));
                }
            }
            match last {
                Some(end_seq) => return end_seq.max(segment.first_seq),
                None if from == 0 => break,
                None => looked_at = looked_at.saturating_mul(4),
            }
        }
    }
    chain.segments.back().map_or(0, |last| last.first_seq)
}

impl Chain {
    /// Removes the segments that lie before the confirmed position: their removal was cut short.
    fn drop_confirmed(&mut self) {
        let mut behind = Vec::new();
        while self
            .segments
            .front()
            .is_some_and(|front| front.first_seq < self.slot.position.segment)
            && self
                .segments
                .get(1)
                .is_some_and(|next| next.first_seq <= self.slot.position.segment)
        {
            behind.extend(self.segments.pop_front());
        }
        for segment in behind {
            let _ = self.storage.remove_file(&self.path(segment.first_seq));
        }
    }
}

/// Name of the lock file.
pub(super) const LOCK_NAME: &str = "lock";

/// How much of the last segment is looked at first: more than the longest record.
const TAIL_BYTES: u64 = 128 * 1024;
