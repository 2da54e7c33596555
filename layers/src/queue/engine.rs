//! One process's side of a queue: the ledger behind its mutex, and what happens outside of that.
//!
//! 1. Under the mutex: one write. Syncs, reads, unlinks and surveys of the root run outside (see `chores`).
//! 2. A record that is to be durable waits for a sync that began after its write; when that fails it is written once
//!    more into a fresh segment and synced there; when that fails too, the answer says that it is in the page cache.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::adopt::{lock_text, remove_all, survey};
use super::appended::{Appended, Author, Durability};
use super::batch::Batch;
use super::bell::Bell;
use super::chain::View;
use super::commit::Commit;
use super::drain::{drain, notes};
use super::fork_check::Origin;
use super::fsync::{self, Fsync};
use super::guard::LedgerGuard;
use super::health::Health;
use super::holes::Holes;
use super::home::Home;
use super::id::QueueId;
use super::ledger::{Ledger, Stored};
use super::line::Line;
use super::rejected::Rejected;
use super::rest::Rest;
use super::sending::{ALONE_AFTER, PUT_ASIDE_AFTER};
use super::storage::{Lock, Storage};
use super::trouble::Floor;

#[derive(Debug)]
pub(super) struct Engine {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) root: PathBuf,
    id: QueueId,
    fsync: Fsync,
    origin: Origin,
    ledger: Mutex<Ledger>,
    rejected: Mutex<Rejected>,
    commit: Commit,
    /// What is read into when records go out.
    buffer: Mutex<Vec<u8>>,
    /// One survey of the root at a time.
    surveying: Mutex<()>,
    bell: Bell,
    /// Somebody removed the directory; the next caller begins a new queue.
    has_lost_home: AtomicBool,
    pub(super) lock: Mutex<Option<Lock>>,
    pub(super) home: Home,
    pub(super) floor: Floor,
    pub(super) rest: Rest,
}

/// Where a queue is.
pub(super) struct Place {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) root: PathBuf,
    /// Of its directory, if it has one.
    pub(super) lock: Option<Lock>,
}

impl Engine {
    pub(super) fn new(
        place: Place,
        fsync: Fsync,
        ledger: Ledger,
        rejected: Rejected,
        home: Home,
        floor: Floor,
        rest: Rest,
    ) -> Self {
        let Place {
            storage,
            root,
            lock,
        } = place;
        Self {
            storage,
            root,
            id: ledger.id(),
            fsync,
            origin: Origin::here(),
            ledger: Mutex::new(ledger),
            rejected: Mutex::new(rejected),
            commit: Commit::default(),
            buffer: Mutex::default(),
            surveying: Mutex::new(()),
            bell: Bell::default(),
            has_lost_home: AtomicBool::new(false),
            lock: Mutex::new(lock),
            home,
            floor,
            rest,
        }
    }

    pub(super) fn id(&self) -> QueueId {
        self.id
    }

    /// False in a forked child of the process that the queue was opened in.
    pub(super) fn is_here(&self) -> bool {
        self.origin.is_here()
    }

    pub(super) fn bell(&self) -> &Bell {
        &self.bell
    }

    pub(super) fn ledger(&self) -> LedgerGuard<'_> {
        LedgerGuard::new(
            self,
            self.ledger.lock().unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// What the relay refused. Never locked before the ledger is, in the same thread, so that neither waits for the other.
    pub(super) fn rejected(&self) -> MutexGuard<'_, Rejected> {
        self.rejected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn storage(&self) -> &dyn Storage {
        &*self.storage
    }

    pub(super) fn surveying(&self) -> &Mutex<()> {
        &self.surveying
    }

    /// How long the housekeeping waits between a write and its sync.
    pub(super) fn interval(&self) -> Duration {
        match self.fsync {
            Fsync::Interval(interval) => interval,
            Fsync::Never | Fsync::Fatal | Fsync::Always => fsync::DEFAULT_FSYNC_INTERVAL,
        }
    }

    /// Nothing when another engine took over.
    pub(super) fn append(
        &self,
        author: Author,
        line: &mut Line,
        durability: Durability,
    ) -> Option<Appended> {
        let body = line.close();
        let is_waited_for = match (self.fsync, durability) {
            (Fsync::Always, _) | (Fsync::Fatal, Durability::Durable) => true,
            (Fsync::Never | Fsync::Interval(_) | Fsync::Fatal, _) => false,
        };
        let stored = {
            let mut ledger = self.ledger();
            if durability == Durability::Durable {
                ledger.absolve();
            }
            if ledger.is_full_to_the_brim(line.len()) {
                drop(ledger);
                self.spill();
                ledger = self.ledger();
            }
            if !ledger.has_room(line.len()) {
                ledger.make_room_ahead(line.len());
                // The room is there when the guard is dropped.
                drop(ledger);
                ledger = self.ledger();
            }
            if author == Author::Program {
                self.end_rest(&mut ledger);
            }
            ledger.append(line, &body, is_waited_for)
        };
        let stored = match stored {
            Stored::Full { seq } => {
                self.make_way();
                self.ledger().try_again(seq)
            }
            stored => stored,
        };
        self.bell.ring();
        Some(match stored {
            Stored::OnDisk { seq, ticket } if is_waited_for => {
                let appended = self.make_durable(seq, ticket);
                self.ledger().let_go(seq);
                appended
            }
            Stored::OnDisk { .. } => Appended::InPageCache,
            Stored::InMemory | Stored::Full { .. } => Appended::InMemory,
            Stored::Lost(reason) => Appended::Lost(reason),
            Stored::Elsewhere => return None,
        })
    }

    /// Whether the queue's directory was found to be gone since the last call.
    pub(super) fn takes_leave(&self) -> bool {
        self.has_lost_home.load(Ordering::Relaxed)
            && self.has_lost_home.swap(false, Ordering::AcqRel)
    }

    /// Syncs everything that is written.
    pub(super) fn sync(&self) -> io::Result<()> {
        let ticket = self.ledger().writer.ticket();
        self.commit.wait(ticket, || self.sync_now())
    }

    /// The housekeeping's round.
    pub(super) fn keep_house(&self) {
        self.move_in_if_due();
        self.look_at_space();
        let comes_again = {
            let mut ledger = self.ledger();
            ledger.recover();
            if !self.home.is_missing() && ledger.has_lost_home() {
                self.has_lost_home.store(true, Ordering::Release);
            }
            ledger.age_attempts() || ledger.refusal.health() != Health::Healthy
        };
        if self.fsync != Fsync::Never {
            // A failed sync seals its segment; the next round syncs what came after.
            let _ = self.sync();
        }
        let ahead = self.ledger().ahead();
        self.trim(ahead);
        if comes_again {
            self.bell.ring();
        }
    }

    pub(super) fn drain(&self, max_records: usize, max_bytes: usize) -> Option<Batch> {
        if let Some(batch) = self.drain_known(max_records, max_bytes) {
            return Some(batch);
        }
        match self.adopt() {
            0 => None,
            _ => self.drain_known(max_records, max_bytes),
        }
    }

    /// Adopts the queues of processes that have died since; returns how many.
    pub(super) fn adopt(&self) -> usize {
        let _one = self
            .surveying
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut known = vec![self.id];
        known.extend(self.ledger().adopted.iter().map(|adopted| adopted.chain.id));
        let found = survey(&self.storage, &self.root, &known, &lock_text());
        let count = found.adopted.len();
        self.ledger().take_in(found);
        count
    }

    /// Writes what waits in memory, which is about to be gone.
    pub(super) fn save_what_waits(&self) {
        self.move_in();
        self.make_way();
    }

    /// Ends the queue: what waits in memory is written, on a full disk in place of the oldest; what is written is
    /// synced, and a queue that has nothing left in it is removed.
    pub(super) fn close(&self) {
        self.save_what_waits();
        if self.fsync != Fsync::Never {
            let _ = self.sync();
        }
        let lock = self
            .lock
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let is_empty = self.ledger().is_empty() && self.rejected().bytes() == 0;
        if is_empty && lock.is_some() {
            remove_all(&*self.storage, &self.root.join(self.id.dir_name()));
        }
        drop(lock);
    }

    /// Another engine took over. A forked child closes its copies of the locks, so that the parent's queues are free
    /// once the parent is gone; those that the parent was using in the moment of the fork stay with the child.
    pub(super) fn let_go_of_locks(&self) {
        if let Ok(mut lock) = self.lock.try_lock() {
            drop(lock.take());
        }
        if let Ok(mut ledger) = self.ledger.try_lock() {
            ledger.adopted.clear();
        }
    }

    fn make_durable(&self, seq: u64, ticket: u64) -> Appended {
        let mut ticket = ticket;
        for _ in 0..2 {
            if self.commit.wait(ticket, || self.sync_now()).is_ok() {
                return Appended::Durable;
            }
            match self.ledger().ticket_again(seq) {
                Some(again) if again != ticket => ticket = again,
                _ => break,
            }
        }
        Appended::InPageCache
    }

    /// Syncs everything written so far; says up to which ticket.
    fn sync_now(&self) -> (u64, io::Result<()>) {
        let (upto, unsynced) = self.ledger().writer.take_unsynced();
        let mut failed = Vec::new();
        let mut result = Ok(());
        for (first_seq, file) in &unsynced.files {
            if let Err(error) = file.sync() {
                failed.push(*first_seq);
                result = Err(error);
            }
        }
        let dir = self.root.join(self.id.dir_name());
        let names = if unsynced.has_new_names {
            self.storage.sync_dir(&dir)
        } else {
            Ok(())
        };
        let in_root = if unsynced.is_new_in_root {
            self.storage.sync_dir(&self.root)
        } else {
            Ok(())
        };
        let result = result
            .and(names.as_ref().map(|&()| ()).map_err(copy))
            .and(in_root.as_ref().map(|&()| ()).map_err(copy));
        let mut ledger = self.ledger();
        let failed_before = ledger.writer.take_failed_syncs();
        let result = match failed_before.is_empty() {
            true => result,
            false => result.and(Err(io::Error::other(
                "an earlier sync of the same file failed",
            ))),
        };
        failed.extend(failed_before);
        if result.is_ok() {
            ledger.writer.forget_notes_up_to(upto);
        } else {
            ledger.writer.give_back(names.is_err(), in_root.is_err());
            for first_seq in failed {
                ledger.writer.forget_unsynced(first_seq);
                ledger.writer.seal_if_open(first_seq);
            }
            ledger.rewrite_in_hand();
        }
        (upto, result)
    }

    /// Puts the one record of `batch` aside: it has killed too many processes.
    fn put_aside(&self, batch: &Batch, deaths: u64) {
        let reason = format!("{deaths} processes died while they sent it");
        self.reject(batch, &[(0, reason)]);
        self.ledger().confirm(batch.token());
    }

    fn drain_known(&self, max_records: usize, max_bytes: usize) -> Option<Batch> {
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut at = 0;
        loop {
            let view = self
                .ledger()
                .adopted
                .get(at)
                .map(|adopted| adopted.chain.view(adopted.end_seq));
            let Some(view) = view else {
                break;
            };
            let most = if view.attempts >= ALONE_AFTER {
                1
            } else {
                max_records
            };
            let drained = drain(&view, most, max_bytes, &mut buffer);
            let gaps = unexplained(&view, drained.gaps, Holes::default());
            match drained.batch {
                Some(batch) if view.attempts >= PUT_ASIDE_AFTER => {
                    self.put_aside(&with_gaps(batch, gaps), view.attempts);
                }
                Some(batch) => return Some(with_gaps(batch, gaps)),
                None if drained.is_at_end => self.ledger().retire(&view, &gaps),
                None => at += 1,
            }
        }
        let view = {
            let ledger = self.ledger();
            ledger.writer.chain.view(ledger.writer.end_seq())
        };
        let drained = drain(&view, max_records, max_bytes, &mut buffer);
        drop(buffer);
        match drained.batch {
            Some(batch) => {
                let holes = self.ledger().account.holes().clone();
                let gaps = unexplained(&view, drained.gaps, holes);
                Some(with_gaps(batch, gaps))
            }
            None if drained.is_at_end => self.ledger().memory.drain(&view, max_records, max_bytes),
            None => None,
        }
    }
}

/// The gaps that neither `holes` nor a loss that is said in the queue accounts for.
fn unexplained(view: &View, gaps: Vec<(u64, u64)>, mut holes: Holes) -> Vec<(u64, u64)> {
    if gaps.is_empty() {
        return gaps;
    }
    for (_, note) in notes(view) {
        if note.queue == view.id {
            holes.add(note.first_seq, note.last_seq);
        }
    }
    gaps.into_iter()
        .flat_map(|(first, last)| holes.cut_from(first, last))
        .collect()
}

fn with_gaps(mut batch: Batch, gaps: Vec<(u64, u64)>) -> Batch {
    batch.token.gaps = gaps;
    batch
}

fn copy(error: &io::Error) -> io::Error {
    error.kind().into()
}
