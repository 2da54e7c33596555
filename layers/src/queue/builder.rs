//! Settings of a queue, and how one begins: a new directory of its own, and the ones that dead processes left.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::adopt::{LOCK_NAME, Survey, lock_text, survey};
use super::cap::Cap;
use super::chain::Chain;
use super::engine::{Engine, Place};
use super::file_system::FileSystem;
use super::fsync::Fsync;
use super::home::{Home, MovedIn};
use super::housekeeping::Housekeeping;
use super::id::{Ids, QueueId};
use super::ledger::Ledger;
use super::rejected::Rejected;
use super::rest::Rest;
use super::storage::{Lock, Storage};
use super::trouble::{Floor, Trouble};
use super::writer::Writer;
use crate::clock::Clock;
use crate::losses::Losses;

/// The queue can't be opened. Nothing of the program's is installed yet, and nothing was removed.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The queue's root could not be made. Check the path and its owner.
    #[error("cannot make queue root `{}`", .root.display())]
    Root {
        /// The root that was asked for.
        root: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// The queue's own directory in the root could not be made or locked. Check that the root can be written to.
    #[error("cannot make a queue in `{}`", .root.display())]
    Queue {
        /// The root that was asked for.
        root: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// The cap is too small for a queue to work in. Set at least [`MIN_MAX_BYTES`].
    #[error("max_bytes is {max_bytes}; it must be at least {MIN_MAX_BYTES}")]
    CapTooSmall {
        /// The cap that was asked for.
        max_bytes: u64,
    },
    /// The cap of the root is below the cap of one queue.
    #[error("max_root_bytes is {max_root_bytes}; it must be at least max_bytes, {max_bytes}")]
    RootCapTooSmall {
        /// The cap of the root that was asked for.
        max_root_bytes: u64,
        /// The cap of one queue.
        max_bytes: u64,
    },
    /// The interval is zero. Use [`Fsync::Always`] where nothing may be unsynced.
    #[error("the fsync interval is zero; use Fsync::Always")]
    ZeroInterval,
    /// The housekeeping thread could not be started.
    #[error("cannot start the queue's thread")]
    Thread(#[source] io::Error),
}
courier_sanitize::debug_is_display!(OpenError);

/// Settings of a queue.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    root: PathBuf,
    max_bytes: u64,
    max_root_bytes: Option<u64>,
    fsync: Fsync,
    clock: Clock,
    storage: Arc<dyn Storage>,
    ids: Ids,
    has_thread: bool,
    keep_free: Option<u64>,
    moved_in: MovedIn,
    rest: Rest,
    goes_on: bool,
}

impl Builder {
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            root,
            max_bytes: DEFAULT_MAX_BYTES,
            max_root_bytes: None,
            fsync: Fsync::default(),
            clock: Clock::default(),
            storage: Arc::new(FileSystem),
            ids: Ids::default(),
            has_thread: true,
            keep_free: None,
            moved_in: MovedIn::default(),
            rest: Rest::default(),
            goes_on: false,
        }
    }

    /// Sets the cap of this process's queue on disk, in bytes. By default [`DEFAULT_MAX_BYTES`].
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets the cap of this queue and those of dead processes together. By default [`DEFAULT_MAX_QUEUES`] times the
    /// cap of one. Queues of other living processes have their own.
    pub fn max_root_bytes(mut self, bytes: u64) -> Self {
        self.max_root_bytes = Some(bytes);
        self
    }

    /// Sets how much of the file system is left to others, in bytes. By default [`DEFAULT_KEEP_FREE_PERCENT`](super::DEFAULT_KEEP_FREE_PERCENT) of it.
    /// Below it records wait in memory, bounded by [`MEMORY_BYTES`](super::MEMORY_BYTES), and after that each new one
    /// costs the oldest; [`Health`](super::Health) says `disk full`. A FATAL record and the end of the program may go
    /// below it. It is looked at about once a second, so that a burst may go below it too.
    pub fn keep_free(mut self, bytes: u64) -> Self {
        self.keep_free = Some(bytes);
        self
    }

    /// Sets when records are made to survive a power loss. By default [`Fsync::Fatal`].
    pub fn fsync(mut self, fsync: Fsync) -> Self {
        self.fsync = fsync;
        self
    }

    /// Sets where the time of loss records comes from. By default the system.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Goes on in the directory that a dead program left, where it is a plain one: see [`super::carry`].
    pub(crate) fn goes_on(mut self, goes_on: bool) -> Self {
        self.goes_on = goes_on;
        self
    }

    #[cfg(test)]
    pub(super) fn storage(mut self, storage: Arc<dyn Storage>) -> Self {
        self.storage = storage;
        self
    }

    #[cfg(test)]
    pub(super) fn ids(mut self, ids: Ids) -> Self {
        self.ids = ids;
        self
    }

    /// Without the thread a test calls its rounds itself.
    #[cfg(test)]
    pub(super) fn without_thread(mut self) -> Self {
        self.has_thread = false;
        self
    }

    pub(super) fn begin(&self, losses: &Arc<Losses>) -> Result<Arc<Engine>, OpenError> {
        let root = &self.root;
        self.storage
            .make_root(root)
            .map_err(|source| OpenError::Root {
                root: root.clone(),
                source,
            })?;
        self.start(losses).map_err(|source| OpenError::Queue {
            root: root.clone(),
            source,
        })
    }

    /// Where the program goes later must not matter. Without a current directory it stays as it is.
    pub(super) fn fix_root(&mut self) {
        if let Ok(root) = std::path::absolute(&self.root) {
            self.root = root;
        }
    }

    pub(super) fn moved_in(&self) -> &MovedIn {
        &self.moved_in
    }

    pub(super) fn rest(&self) -> &Rest {
        &self.rest
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// A queue of this process's own, with what dead processes left adopted.
    pub(super) fn start(&self, losses: &Arc<Losses>) -> io::Result<Arc<Engine>> {
        self.storage.make_root(&self.root)?;
        if self.goes_on
            && let Some(engine) = self.go_on(losses)
        {
            return Ok(engine);
        }
        let (id, lock) = make_home(&*self.storage, &self.root, &self.ids)?;
        Ok(self.engine(id, Some(lock), losses))
    }

    /// A queue whose directory could not be made, for this reason: it keeps its records in memory.
    pub(super) fn start_homeless(&self, losses: &Arc<Losses>, reason: &str) -> Arc<Engine> {
        let engine = self.engine(self.ids.next(), None, losses);
        engine.ledger().refusal.bar(Trouble::without_home(reason));
        engine
    }

    pub(super) fn start_thread(&self, engine: &Arc<Engine>) -> io::Result<Option<Housekeeping>> {
        self.has_thread
            .then(|| Housekeeping::start(Arc::clone(engine)))
            .transpose()
    }

    fn engine(&self, id: QueueId, lock: Option<Lock>, losses: &Arc<Losses>) -> Arc<Engine> {
        let survey = survey(&self.storage, &self.root, &[id], &lock_text());
        let mut chain = Chain::new(Arc::clone(&self.storage), &self.root, id, 0);
        chain.slot.generation = survey.generation + 1;
        chain.write_head();
        self.engine_of(Writer::new(chain), lock, survey, losses)
    }

    /// The engine of a queue that is written by `writer`. What was found in its root is older.
    pub(super) fn engine_of(
        &self,
        writer: Writer,
        lock: Option<Lock>,
        survey: Survey,
        losses: &Arc<Losses>,
    ) -> Arc<Engine> {
        let cap = self.cap();
        let rejected = Rejected::new(
            Arc::clone(&self.storage),
            &writer.chain.dir,
            cap.max_rejected_bytes(),
        );
        let ledger = Ledger::new(
            writer,
            cap,
            self.fsync,
            Arc::clone(losses),
            self.clock.clone(),
        );
        let storage = Arc::clone(&self.storage);
        let home = Home::new(lock.is_some(), self.moved_in.clone());
        let place = Place {
            storage,
            root: self.root.clone(),
            lock,
        };
        let floor = Floor::new(self.keep_free);
        let engine = Engine::new(
            place,
            self.fsync,
            ledger,
            rejected,
            home,
            floor,
            self.rest.clone(),
        );
        engine.ledger().take_in(survey);
        Arc::new(engine)
    }

    pub(super) fn disk(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    pub(super) fn next_id(&self) -> QueueId {
        self.ids.next()
    }

    pub(super) fn cap(&self) -> Cap {
        let max_root_bytes = self
            .max_root_bytes
            .unwrap_or(self.max_bytes.saturating_mul(DEFAULT_MAX_QUEUES));
        Cap {
            max_bytes: self.max_bytes,
            max_root_bytes,
        }
    }

    pub(crate) fn check(&self) -> Result<(), OpenError> {
        let Cap {
            max_bytes,
            max_root_bytes,
        } = self.cap();
        if max_bytes < MIN_MAX_BYTES {
            return Err(OpenError::CapTooSmall { max_bytes });
        }
        if max_root_bytes < max_bytes {
            return Err(OpenError::RootCapTooSmall {
                max_root_bytes,
                max_bytes,
            });
        }
        if self.fsync == Fsync::Interval(Duration::ZERO) {
            return Err(OpenError::ZeroInterval);
        }
        Ok(())
    }
}

/// Makes a directory under a new id and takes its lock.
fn make_home(storage: &dyn Storage, root: &Path, ids: &Ids) -> io::Result<(QueueId, Lock)> {
    for _ in 0..TRIES_FOR_A_HOME {
        let id = ids.next();
        let dir = root.join(id.dir_name());
        match storage.make_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            made => made?,
        }
        // Another process may adopt the directory before it has its lock; then it is that one's to remove.
        match storage.lock(&dir.join(LOCK_NAME), &lock_text()) {
            Ok(Some(lock)) => return Ok((id, lock)),
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let _ = storage.remove_dir(&dir);
                return Err(error);
            }
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Cap of one queue on disk: 10 MiB, about 35,000 records, a week of a quiet device.
pub const DEFAULT_MAX_BYTES: u64 = 10 * 1024 * 1024;

/// The smallest cap: sixteen segments of one block each.
pub const MIN_MAX_BYTES: u64 = 64 * 1024;

/// How many full queues a root holds by default: a device that crashes and restarts without a network fills it, and
/// no more.
pub const DEFAULT_MAX_QUEUES: u64 = 4;

const TRIES_FOR_A_HOME: u32 = 16;
