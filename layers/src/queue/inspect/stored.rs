//! The queues at a path, each as it stood when it was looked at.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::InspectError;
use super::plain;
use crate::queue::QueueId;
use crate::queue::adopt::LOCK_NAME;
use crate::queue::chain::{self, View};
use crate::queue::file_system::FileSystem;
use crate::queue::head::{self, Position, Stored};
use crate::queue::storage::Storage;

/// One queue directory, as it stood when it was looked at.
#[derive(Debug)]
pub struct StoredQueue {
    pub(super) id: QueueId,
    pub(super) dir: PathBuf,
    owner: Owner,
    state: State,
    /// First seq and bytes of each.
    pub(super) segments: Vec<(u64, u64)>,
}

/// Whose a queue is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Owner {
    /// A process has its lock; what it wrote about itself: process id, then program.
    Living(String),
    /// Nobody has its lock: the next process that starts or drains in this root adopts it.
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Known { position: Position, generation: u64 },
    Newer,
}

/// The queues at `path`, a root or one `q-` directory, oldest first.
///
/// # Errors
/// When `path` can't be listed.
pub fn queues(path: impl AsRef<Path>) -> Result<Vec<StoredQueue>, InspectError> {
    let path = path.as_ref();
    let unreadable = |source| InspectError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let absolute = path.canonicalize().map_err(unreadable)?;
    let own_name = absolute.file_name().and_then(|name| name.to_str());
    if let Some(id) = own_name.and_then(QueueId::from_dir_name) {
        return Ok(vec![StoredQueue::look(id, path.to_owned())?]);
    }
    let mut queues = Vec::new();
    for name in FileSystem.names(path).map_err(unreadable)? {
        if let Some(id) = QueueId::from_dir_name(&name) {
            let dir = path.join(name);
            plain::check_link(&dir)?;
            match StoredQueue::look(id, dir) {
                // Drained and removed since the listing, or not a queue's.
                Err(InspectError::Unreadable { source, .. })
                    if matches!(
                        source.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                    ) => {}
                looked => queues.push(looked?),
            }
        }
    }
    queues.sort_by_key(|queue| (queue.generation(), queue.id));
    Ok(queues)
}

impl StoredQueue {
    /// The queue's id.
    #[must_use]
    pub fn id(&self) -> QueueId {
        self.id
    }

    /// Its directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whose it is.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Whether a newer version wrote it; then it has no records as far as this one knows.
    #[must_use]
    pub fn is_newer(&self) -> bool {
        self.state == State::Newer
    }

    /// Number of segment files.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.segments.len()
    }

    /// Bytes in them, delivered ones included.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.1).sum()
    }

    fn look(id: QueueId, dir: PathBuf) -> Result<Self, InspectError> {
        let names = FileSystem
            .names(&dir)
            .map_err(|source| InspectError::Unreadable {
                path: dir.clone(),
                source,
            })?;
        // All of it before any of it is opened.
        for name in &names {
            if chain::first_seq(name).is_some() || [LOCK_NAME, head::FILE_NAME].contains(&&**name) {
                plain::check_file(&dir.join(name))?;
            }
        }
        let owner = owner(&dir.join(LOCK_NAME));
        // The segments first: a head that is read later is at most further on.
        let mut segments = Vec::new();
        for name in &names {
            if let Some(first_seq) = chain::first_seq(name)
                && let Ok(found) = fs::symlink_metadata(dir.join(name))
            {
                segments.push((first_seq, found.len()));
            }
        }
        segments.sort_unstable();
        let stored = head::read(&FileSystem, &dir.join(head::FILE_NAME));
        let is_without_head = matches!(stored, Stored::Lost);
        let state = match stored {
            Stored::Newer => State::Newer,
            Stored::Slot { slot, .. } => State::Known {
                position: slot.position,
                generation: slot.generation,
            },
            Stored::Lost => State::Known {
                position: Position::default(),
                generation: 0,
            },
        };
        let mut queue = Self {
            id,
            dir,
            owner,
            state,
            segments,
        };
        if queue.view().begins_with_newer_context() {
            queue.state = State::Newer;
        } else if is_without_head {
            queue.state = State::Known {
                position: queue.view().beginning(),
                generation: 0,
            };
        }
        Ok(queue)
    }

    pub(super) fn generation(&self) -> u64 {
        match self.state {
            State::Known { generation, .. } => generation,
            State::Newer => u64::MAX,
        }
    }

    pub(super) fn position(&self) -> Option<Position> {
        match self.state {
            State::Known { position, .. } => Some(position),
            State::Newer => None,
        }
    }

    /// The queue as a reader sees it. Its last seq is not known: nothing says what came after the last whole line.
    pub(super) fn view(&self) -> View {
        let position = self.position().unwrap_or_default();
        View {
            storage: Arc::new(FileSystem),
            id: self.id,
            dir: self.dir.clone(),
            segments: if self.is_newer() {
                Vec::new()
            } else {
                self.segments.clone()
            },
            position,
            attempts: 0,
            context: None,
            end_seq: u64::MAX,
        }
    }

    /// Up to which seq its owner has confirmed by now.
    pub(super) fn confirmed_by_now(&self) -> u64 {
        match head::read(&FileSystem, &self.dir.join(head::FILE_NAME)) {
            Stored::Slot { slot, .. } => slot.position.seq,
            // Removed altogether: drained.
            _ if !self.dir.exists() => u64::MAX,
            _ => 0,
        }
    }

    pub(super) fn is_living(&self) -> bool {
        matches!(self.owner, Owner::Living(_))
    }
}

fn owner(lock: &Path) -> Owner {
    let Ok(file) = File::open(lock) else {
        return Owner::Gone;
    };
    // Shared, and let go of at once: it can't be had while the owner lives.
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            Owner::Living(fs::read_to_string(lock).unwrap_or_default())
        }
        _ => Owner::Gone,
    }
}
