//! Copies the spool to a file, or all that is kept to a directory, while a relay runs or not.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use sqlx::Connection;

use crate::config::Config;
use crate::disk::private;
use crate::index;
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
    /// The index, or another file, could not be copied: a full disk, most likely.
    #[error("cannot copy `{}`", .file.display())]
    Other {
        /// What was to be copied.
        file: PathBuf,
        /// What went wrong.
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
    // The copy is a spool of its own: an index that has more than it has must not take the one for the other.
    let named = async {
        let mut copy = spool::open_copy(file).await?;
        spool::copied(&mut copy).await?;
        copy.close().await
    };
    named.await.map_err(|source| BackupError::Copy {
        file: file.to_owned(),
        source,
    })?;
    let synced = File::open(file).and_then(|copy| copy.sync_all());
    synced.map_err(|source| BackupError::Sync {
        file: file.to_owned(),
        source,
    })
}

/// Copies all that is kept to the new directory `to`: the spool, the index as it was at the same moment, the rules and who
/// was erased. The directory is a data directory: a relay can be started on it, or it takes the place of the old one.
///
/// # Errors
///
/// When there is nothing to copy or no room for it: see [`BackupError`]. What was copied until then is left.
pub async fn backup_all(config: &Config, to: &Path) -> Result<(), BackupError> {
    let create = |source| BackupError::Create {
        file: to.to_owned(),
        source,
    };
    if to.exists() {
        return Err(create(io::ErrorKind::AlreadyExists.into()));
    }
    private::make_dir(to).map_err(create)?;
    let from = &config.data_dir;
    let spool = to.join(spool::DATABASE);
    let copy_spool = async || {
        match std::fs::remove_file(&spool) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(create(error)),
            _ => {}
        }
        backup(config, &spool).await
    };
    let index = from.join(index::DIR);
    index::copy(&index, &to.join(index::DIR), copy_spool).await?;
    for name in DATABASES {
        let (file, copy) = (from.join(name), to.join(name));
        if file.exists() {
            database(&file, &copy)
                .await
                .map_err(|source| BackupError::Other { file, source })?;
        }
    }
    for name in FILES {
        let (file, copy) = (from.join(name), to.join(name));
        if file.exists() {
            std::fs::copy(&file, &copy)
                .and_then(|_| File::open(&copy)?.sync_all())
                .map_err(|error| BackupError::Other {
                    file,
                    source: sqlx::Error::Io(error),
                })?;
        }
    }
    let synced = File::open(to).and_then(|dir| dir.sync_all());
    synced.map_err(|source| BackupError::Sync {
        file: to.to_owned(),
        source,
    })
}

async fn database(file: &Path, copy: &Path) -> Result<(), sqlx::Error> {
    private::open_file(copy)?;
    let mut connection = spool::open_copy(file).await?;
    sqlx::query("VACUUM INTO ?")
        .bind(copy.to_string_lossy().into_owned())
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    File::open(copy)?.sync_all()?;
    Ok(())
}

impl From<sqlx::Error> for BackupError {
    fn from(source: sqlx::Error) -> Self {
        Self::Other {
            file: PathBuf::from(index::DIR),
            source,
        }
    }
}

/// The databases beside the spool.
const DATABASES: [&str; 1] = ["store.db"];

/// The files that say who was erased.
const FILES: [&str; 2] = ["erase.key", "erasures.json"];
