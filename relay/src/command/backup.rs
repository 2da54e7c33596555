//! Copies the spool to a file, while a relay runs or not.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::disk::private;
use crate::spool::{self, OpenError};

/// The spool was not copied. A running relay was not disturbed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// There is no spool, or it can't be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The file is there already, or can't be made. A backup never writes over one: give another name.
    #[error("cannot make `{}`", .file.display())]
    Create {
        /// The copy.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The copy could not be written: a full disk, most likely.
    #[error("cannot copy the spool to `{}`", .file.display())]
    Copy {
        /// The copy.
        file: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// The copy could not be synced.
    #[error("cannot sync `{}`", .file.display())]
    Sync {
        /// The copy.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Copies the spool, as it is at this moment, to `file`: a database of its own, compact and synced. To restore it, put it
/// into a data directory as `relay.db` before a relay starts there.
///
/// # Errors
///
/// When there is nothing to copy or no room for it: see [`BackupError`].
pub async fn backup(config: &Config, file: &Path) -> Result<(), BackupError> {
    let mut connection = spool::open_to_read(&config.data_dir).await?;
    // An empty file for its owner only, which SQLite fills.
    let mut options = private::options();
    options.write(true).create_new(true);
    options.open(file).map_err(|source| BackupError::Create {
        file: file.to_owned(),
        source,
    })?;
    let copied = sqlx::query("VACUUM INTO ?")
        .bind(file.to_string_lossy().into_owned())
        .execute(&mut connection)
        .await;
    if let Err(source) = copied {
        // Half a copy is none.
        let _ = std::fs::remove_file(file);
        return Err(BackupError::Copy {
            file: file.to_owned(),
            source,
        });
    }
    let synced = File::open(file).and_then(|copy| copy.sync_all());
    synced.map_err(|source| BackupError::Sync {
        file: file.to_owned(),
        source,
    })
}
