//! What can go wrong with the spool.

use std::io;
use std::path::PathBuf;

use super::tables::VERSION;

/// Why the data directory can't be used. Nothing in it was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The directory, or the lock file in it, could not be made. Check the path and its owner.
    #[error("cannot use data directory `{}`", .dir.display())]
    Dir {
        /// The data directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another relay runs on it. Stop that one, or give this one a directory of its own.
    #[error("data directory `{}` is in use by another relay", .dir.display())]
    InUse {
        /// The data directory.
        dir: PathBuf,
    },
    /// A newer relay wrote it. Use that version, or another directory.
    #[error("`{}` has format {found}, newer than format {VERSION} of this relay", .file.display())]
    Newer {
        /// The database.
        file: PathBuf,
        /// Its format.
        found: i64,
    },
    /// It is damaged, and nothing in it is whole. It was left as it is.
    #[error("`{}` is damaged beyond mending: put a backup in its place, or move it away to begin anew", .file.display())]
    Beyond {
        /// The database.
        file: PathBuf,
    },
    /// It is no database of a relay, or nothing in it is whole, or the disk is full or read-only. The source says which.
    #[error("cannot use database `{}`: put a backup in its place, or move it away to begin anew", .file.display())]
    Database {
        /// The database.
        file: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
}

impl OpenError {
    /// Whether the database is there, but not what was written.
    pub(super) fn is_damage(&self) -> bool {
        matches!(self, Self::Database { source, .. } if is_damage(source))
    }
}

/// Why nothing of an offer was kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OfferError {
    /// The cap is reached. It ends when the upstream takes records again, or with a larger `--spool-max-bytes`.
    #[error("the spool is full")]
    Full,
    /// The database can't be written: a full or failing disk. The text is what it said.
    #[error("the spool is away: {0}")]
    Away(String),
    /// The relay stops.
    #[error("the relay is stopping")]
    Stopping,
}

/// Whether SQLite says that the file is not what it wrote.
pub fn is_damage(error: &sqlx::Error) -> bool {
    const CORRUPT: u32 = 11;
    const NOT_A_DATABASE: u32 = 26;
    let code = error
        .as_database_error()
        .and_then(|error| error.code()?.parse::<u32>().ok());
    // Extended codes carry the plain one in their lowest byte.
    code.is_some_and(|code| matches!(code & 0xff, CORRUPT | NOT_A_DATABASE))
}
