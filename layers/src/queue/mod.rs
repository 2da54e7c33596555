//! Keeps records on the program's own disk until they are delivered. Usable without `tracing`.
//!
//! What it promises, in this order:
//!
//! 1. when [`append`](DiskQueue::append) returns, the record survives the death of the process;
//!    one that reported [`Appended::Durable`] survives a power loss;
//! 2. a record leaves only when it is confirmed, rejected for its content, cleared, or when the cap needs its room;
//! 3. each loss is counted by reason and said in the queue itself, as a record with the seqs that are missing;
//! 4. (queue id, seq) is never used twice;
//! 5. damage costs the damaged records only, and a disk that refuses never stops the program;
//! 6. the last of the disk is left to others: see [`Builder::keep_free`].
//!
//! The order that this needs on disk, which the simulated disk of the proofs checks before each unlink:
//!
//! 1. a loss record is written and synced, with the name of its file, before the segment goes whose loss it says; the
//!    loss records that a segment holds are said again before it goes;
//! 2. the head says that records are delivered before their segment goes; the head itself goes after the segments, and
//!    the lock last;
//! 3. a record that is written once more after a failed sync goes into a later segment, and neither copy counts as
//!    missing while the other is there;
//! 4. who adopts a queue goes by its lock first, then its head, then its segments; without a head it begins at the lowest
//!    seq there is, in any segment. It removes nothing that is not said or delivered;
//! 5. the name of a segment with a record in it is never given twice.
//!
//! Where the disk refuses a loss record or its sync, the cap is kept all the same, and where it is full the segment goes
//! first. With [`Fsync::Never`] nothing is synced.
//!
//! What it does not do: deliver, compress, or trust a network file system.
//!
//! ```
//! use tracing_courier::queue::{Appended, DiskQueue, Durability, Line};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let root = dir.path();
//! let queue = DiskQueue::open(root)?;
//! let mut line = Line::new();
//! line.body().extend_from_slice(br#""timestamp":"2026-02-06T12:00:00Z","level":"info","message":"hello"}"#);
//! assert_eq!(queue.append(&mut line, Durability::PageCache), Appended::InPageCache);
//!
//! let batch = queue.drain(100, 900_000).ok_or("nothing pending")?;
//! assert_eq!(batch.len(), 1);
//! queue.confirm(batch.token()); // once it is delivered
//! assert_eq!(queue.pending().records, 0);
//! # Ok(())
//! # }
//! ```

mod adopt;
mod attempt;
mod batch;
mod bell;
mod carry;
mod chain;
mod chores;
mod commit;
mod context;
mod disk;
mod drain;
mod engine;
mod guard;
mod head;
mod holes;
mod home;
mod housekeeping;
mod id;
mod in_hand;
pub mod inspect;
mod ledger;
mod line;
mod memory;
mod moving;
mod note;
mod open;
mod origin;
mod outcome;
#[cfg(test)]
mod proofs;
mod reader;
mod rejected;
mod rest;
mod room;
mod shared;
mod space;
mod storage;
mod sync;
mod takeover;
mod trouble;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use attempt::{ALONE_AFTER, Attempt, PUT_ASIDE_AFTER};
pub use batch::{Batch, Token};
pub use context::Context;
pub use id::QueueId;
pub use line::Line;
pub use memory::MEMORY_BYTES;
pub use open::{
    Builder, DEFAULT_FSYNC_INTERVAL, DEFAULT_MAX_BYTES, DEFAULT_MAX_QUEUES, Fsync, MIN_MAX_BYTES,
    OpenError,
};
pub use trouble::DEFAULT_KEEP_FREE_PERCENT;

use crate::losses::{Loss, Losses};
use engine::Engine;
use housekeeping::Housekeeping;
use shared::{Current, InChild, Shared};

/// The queue of this process, and those that dead processes left. A cheap handle: clones share one queue.
///
/// When the last handle is dropped, everything is synced, and a queue that has nothing left in it is removed.
#[derive(Clone, Debug)]
pub struct DiskQueue(Arc<Shared>);

/// How safe a record is asked to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// To survive the process: enough for all but the last words.
    PageCache,
    /// To survive a power loss, where the [`Fsync`] mode has it so: a FATAL record.
    Durable,
}

/// Whose words a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Author {
    Program,
    /// `network_changed`, say: nothing that the program waits for.
    Library,
}

/// How safe a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a record may be lost"]
pub enum Appended {
    /// Synced: survives a power loss.
    Durable,
    /// Written: survives the death of the process.
    InPageCache,
    /// The disk refuses; the record waits in memory, bounded by [`MEMORY_BYTES`].
    InMemory,
    /// Lost, counted, and said in the queue.
    Lost(Loss),
}

/// What is still to be delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// Records, damaged ones included until their place is passed.
    pub records: u64,
    /// Bytes on disk, or in memory.
    pub bytes: u64,
}

/// Whether the disk takes what is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It does.
    Healthy,
    /// It does not, for this reason; records wait in memory, and the disk is tried again.
    Degraded(String),
}

impl DiskQueue {
    /// Opens a new queue under `root`, with the defaults, and adopts those that dead processes left there.
    ///
    /// # Errors
    /// When the root, or a directory in it, can't be made.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::builder(root.as_ref()).open()
    }

    /// Settings for a queue under `root`.
    pub fn builder(root: impl Into<PathBuf>) -> Builder {
        Builder::new(root.into())
    }

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
    /// the same records. Only a record that has killed [`PUT_ASIDE_AFTER`] processes is put aside on the way.
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
        self.engine().ledger().health()
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
        match engine.ledger().health() {
            Health::Healthy => Ok(()),
            Health::Degraded(reason) => Err(io::Error::other(reason)),
        }
    }

    /// The program ends: what waits in memory is written, on a full disk in place of the oldest. A subscriber that is
    /// the program's keeps its queue for ever, so no drop does that.
    pub(crate) fn save_what_waits(&self) {
        self.engine().save_what_waits();
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

    fn new(
        settings: Builder,
        engine: Arc<Engine>,
        thread: Option<Housekeeping>,
        losses: Arc<Losses>,
    ) -> Self {
        Self(Arc::new(Shared::new(settings, engine, thread, losses)))
    }

    /// This process's engine: a forked child gets one of its own.
    fn engine(&self) -> Current<'_> {
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
