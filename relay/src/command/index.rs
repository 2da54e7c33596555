//! Makes the index's catalogue again from its segments, while no relay runs.

use std::path::PathBuf;

use crate::config::Config;
use crate::index::{self, Rebuilt};
use crate::spool::{self, OpenError};

/// The catalogue was not made again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RebuildError {
    /// A relay runs on the data directory. It keeps the catalogue in order itself; stop it to have it made again.
    #[error("a relay runs on `{}` and keeps the catalogue in order itself; stop it first", .dir.display())]
    Running {
        /// The data directory.
        dir: PathBuf,
    },
    /// The data directory can't be used. Check its owner.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The data directory has no index. Check `--data-dir`; nothing was made.
    #[error("`{}` has no index", .dir.display())]
    NoIndex {
        /// Where it would be.
        dir: PathBuf,
    },
    /// The catalogue can't be written, or a segment can't be read. What was readable before is so still.
    #[error("cannot make the catalogue of `{}` again", .dir.display())]
    Index {
        /// The index.
        dir: PathBuf,
        /// What SQLite or the system said.
        source: sqlx::Error,
    },
}

/// Makes the catalogue again from the segments of the index. No segment that can be read is removed; one that is damaged
/// is put aside, as a start does it.
///
/// # Errors
///
/// When a relay runs, there is no index, or the directory can't be written: see [`RebuildError`].
pub async fn rebuild(config: &Config) -> Result<Rebuilt, RebuildError> {
    let dir = config.data_dir.join(index::DIR);
    if !dir.is_dir() {
        return Err(RebuildError::NoIndex { dir });
    }
    let _lock = spool::lock(&config.data_dir).map_err(|error| match error {
        OpenError::InUse { dir } => RebuildError::Running { dir },
        error => RebuildError::Open(error),
    })?;
    let made = index::rebuild(&dir).await;
    made.map_err(|source| RebuildError::Index { dir, source })
}
