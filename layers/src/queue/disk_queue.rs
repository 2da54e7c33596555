//! The handle of a queue.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::appended::{Appended, Author, Durability};
use super::batch::{Batch, Token};
use super::context::Context;
use super::health::{Health, Pending};
use super::id::QueueId;
use super::line::Line;
use super::shared::{Current, InChild, Shared};
use crate::losses::Losses;

/// The queue of this process, and those that dead processes left. A cheap handle: clones share one queue.
///
/// When the last handle is dropped, everything is synced, and a queue that has nothing left in it is removed.
#[derive(Clone)]
pub struct DiskQueue(pub(super) Arc<Shared>);

impl fmt::Debug for DiskQueue {
    /// Shows nothing of its records or their context.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskQueue")
            .field("root", &self.root())
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

impl DiskQueue {
    /// The id of the queue that this process writes. A forked child has another one.
    #[must_use]
    pub fn id(&self) -> QueueId {
        self.engine().id()
    }

    /// The directory that holds the queues.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.0.settings.root()
    }

    /// Says what is true of the records that follow.
    pub fn set_context(&self, context: &Context) {
        let engine = self.engine();
        self.0.context.store(Arc::new(context.clone()));
        engine.ledger().set_context(context);
    }

    /// What a forked child begins with: asked in the child, once for each fork, with the id of its queue, before the
    /// first record that the child appends. Without it the child goes on under the parent's context. It must not use
    /// the queue. The first one set stays.
    pub(crate) fn in_child(
        &self,
        begin: impl Fn(QueueId) -> (Context, Option<Line>) + Send + Sync + 'static,
    ) {
        let _ = self.0.in_child.set(InChild(Box::new(begin)));
    }

    /// Calls back once the queue has moved into its directory, on the thread that found it usable; at once if it has
    /// already. For a queue that began without one; the first callback stays.
    pub(crate) fn when_moved_in(&self, then: impl FnOnce() + Send + 'static) {
        self.0.settings.moved_in().then(Box::new(then));
    }

    /// Calls back with true when [`rest`](Self::rest) finds nothing left, and with false before the program's next
    /// record is written. It must not use the queue. The first callback stays.
    pub(crate) fn when_at_rest(&self, tell: impl Fn(bool) + Send + Sync + 'static) {
        self.0.settings.rest().tell(tell);
    }

    /// Everything that was there is delivered, as far as the caller knows: the queue is at rest if so it is.
    pub(crate) fn rest(&self) {
        self.engine().rest();
    }

    /// What is true of the records that follow, as it was said last.
    pub(crate) fn context(&self) -> Arc<Context> {
        self.0.context.load_full()
    }

    /// Appends one record. The line's prefix is filled in, and the line can be cleared and used again.
    pub fn append(&self, line: &mut Line, durability: Durability) -> Appended {
        self.append_by(Author::Program, line, durability)
    }

    /// As [`append`](Self::append), for a record of the library's own: it ends no rest.
    pub(crate) fn append_own(&self, line: &mut Line) -> Appended {
        self.append_by(Author::Library, line, Durability::PageCache)
    }

    fn append_by(&self, author: Author, line: &mut Line, durability: Durability) -> Appended {
        loop {
            if let Some(appended) = self.engine().append(author, line, durability) {
                return appended;
            }
        }
    }

    /// The next records to deliver, up to `max_records` and `max_bytes` joined, from the oldest queue that has any.
    /// A record that is larger comes alone. Nothing changes until [`confirm`](Self::confirm): the same call gives
    /// the same records. Only a record that has killed [`PUT_ASIDE_AFTER`](super::PUT_ASIDE_AFTER) processes is put aside on the way.
    #[must_use]
    pub fn drain(&self, max_records: usize, max_bytes: usize) -> Option<Batch> {
        self.engine().drain(max_records, max_bytes)
    }

    /// Takes over the queues of programs on this root that have died meanwhile, and returns how many. The first start
    /// and a drain that finds nothing do so too.
    pub fn adopt(&self) -> usize {
        self.engine().adopt()
    }

    /// Says that everything before `token` is delivered or put aside. A token that is not ahead changes nothing.
    pub fn confirm(&self, token: &Token) {
        self.engine().ledger().confirm(token);
    }

    /// Puts records of `batch`, by index, aside into `rejected.jsonl`, each with its reason. To be called before the
    /// batch is confirmed.
    pub fn reject(&self, batch: &Batch, rejected: &[(usize, String)]) {
        self.engine().reject(batch, rejected);
    }

    /// What is still to be delivered, in this queue and the adopted ones.
    #[must_use]
    pub fn pending(&self) -> Pending {
        self.engine().ledger().pending()
    }

    /// Records lost since the program started, by reason.
    #[must_use]
    pub fn losses(&self) -> &Losses {
        &self.0.losses
    }

    /// Whether the disk takes what is written.
    #[must_use]
    pub fn health(&self) -> Health {
        self.engine().ledger().refusal.health()
    }

    /// Queues in the root that a newer version wrote: they are left as they are.
    #[must_use]
    pub fn newer(&self) -> Vec<QueueId> {
        self.engine().ledger().newer.clone()
    }

    /// Makes everything written so far survive a power loss, and tries once more what waits in memory.
    ///
    /// # Errors
    /// When the disk refuses. What could not be synced is in the page cache, or waits in memory.
    pub fn sync(&self) -> io::Result<()> {
        let engine = self.engine();
        engine.move_in();
        engine.look_at_space();
        engine.ledger().recover();
        engine.sync()?;
        match engine.ledger().refusal.health() {
            Health::Healthy => Ok(()),
            Health::Degraded(reason) => Err(io::Error::other(reason)),
        }
    }

    /// The program ends: what waits in memory is written, on a full disk in place of the oldest. A subscriber that is
    /// the program's keeps its queue for ever, so no drop does that.
    pub(crate) fn save_what_waits(&self) {
        self.engine().save_what_waits();
    }

    /// A layer has been made that writes to this queue.
    pub(crate) fn note_layer(&self) {
        self.0.has_layer.store(true, Ordering::Relaxed);
    }

    /// Whether one has ever been made.
    pub(crate) fn has_layer(&self) -> bool {
        self.0.has_layer.load(Ordering::Relaxed)
    }

    /// How many records wait in memory, because the disk refuses.
    pub(crate) fn waiting_in_memory(&self) -> u64 {
        self.engine().ledger().memory.records()
    }

    /// The program ends: what is being sent now is not to blame for that.
    pub(crate) fn absolve(&self) {
        self.engine().ledger().absolve();
    }

    /// Forgets all pending records of this queue and the adopted ones, and what was put aside. Returns how many
    /// records were pending.
    pub fn clear(&self) -> u64 {
        self.engine().clear()
    }

    /// This process's engine: a forked child gets one of its own.
    pub(super) fn engine(&self) -> Current<'_> {
        let engine = self.0.current();
        if !engine.is_here() {
            self.0.begin_again_after_fork();
        } else if engine.takes_leave() {
            self.0.begin_again_elsewhere();
        } else {
            return engine;
        }
        self.0.current()
    }
}
