//! How safe a record is asked to be, and how safe it is.

use crate::losses::Loss;

/// How safe a record is asked to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// To survive the process: enough for all but the last words.
    PageCache,
    /// To survive a power loss, where the [`Fsync`](super::Fsync) mode has it so: a FATAL record.
    Durable,
}

/// Whose words a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Author {
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
    /// The disk refuses; the record waits in memory, bounded by [`MEMORY_BYTES`](super::MEMORY_BYTES).
    InMemory,
    /// Lost, counted, and said in the queue.
    Lost(Loss),
}
