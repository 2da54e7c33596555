//! What is put down while the mutex is held, to be done without it: see `chores`.

use std::path::PathBuf;

use super::adopt::Adopted;

/// Work that waits until the mutex is free.
#[derive(Debug)]
pub(super) enum Chore {
    /// A segment is delivered, or its loss is said: its file goes.
    Unlink(PathBuf),
    /// An adopted queue is done with: what it had put aside is taken over, then it is removed.
    Finish(Box<Adopted>),
    /// The root, with so many bytes more, is above its cap: the oldest adopted segments go.
    Trim { reserve: u64 },
}
