//! Where a row lies: which cell of which picture of a page.

use super::super::schema;

/// Where a row lies.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub image: Image,
    pub cell: usize,
}

/// A picture of a page: in the database, or in its write-ahead log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    pub is_in_log: bool,
    pub at: u64,
}

/// Bytes of a page.
pub const PAGE: u64 = schema::PAGE_BYTES as u64;
