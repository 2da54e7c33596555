//! How a queue stands.

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
