//! The catalogue, made again from nothing but the segments.

use std::path::Path;

use super::files;
use super::shelf::{Limits, Shelf};

/// What the catalogue was made from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Rebuilt {
    /// Segments that can be read.
    pub segments: usize,
    /// Records in them.
    pub records: u64,
    /// The numbers of segments that can't be read: they are damaged, locked, or a newer relay wrote them.
    pub unreadable: Vec<u64>,
}

/// Makes the catalogue of the index in `dir` again. No segment is removed because of its age or size.
///
/// # Errors
///
/// When the catalogue can't be written, or a segment can't be put aside.
pub async fn rebuild(dir: &Path) -> Result<Rebuilt, sqlx::Error> {
    files::remove(&dir.join(files::CATALOG))?;
    let shelf = Shelf::open(dir, Limits::default()).await?;
    let state = shelf.board().state().clone();
    shelf.close().await?;
    Ok(Rebuilt {
        segments: state.segments.len(),
        records: state.segments.values().map(|facts| facts.records).sum(),
        unreadable: state.unreadable,
    })
}
