//! What was left out of a record or a resource.

/// What was dropped of a record or of a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Members, of all objects.
    pub members: u64,
    /// Those of them that were attributes themselves.
    pub attributes: u64,
}
