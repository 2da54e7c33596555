//! `store.db` in the data directory: what can't be derived from records. Rules for levels, named tokens, the audit.
//!
//! 1. It is apart from the spool's database, so that a rule never waits behind a batch, nor a batch behind a rule.
//! 2. What is committed is synced: it survives a kill and a power loss.
//! 3. Only its owner can read it.
//! 4. What is removed or replaced leaves no bytes behind.
//! 5. A database that is damaged, or that a newer relay wrote, is refused by name and left as it is: without it nobody
//!    knows who may look.
//!
//! What it does not do: decide what is in a table. Each part of the relay that keeps something here has a connection and
//! its own statements.

mod forgotten;
mod tables;

use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};

use crate::disk::private;
pub use forgotten::Forgotten;
#[cfg(test)]
pub use tables::STEPS;
use tables::VERSION;

/// The store can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It is no database of a relay, or it is damaged, or its disk refuses. Restore it, or move it away to begin anew.
    #[error("cannot use database `{}` (if it is damaged: restore it, or move it away, and its rules, tokens and audit with it)", .file.display())]
    Database {
        /// The database.
        file: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// A newer relay wrote it. Use that version, or another directory.
    #[error("`{}` has format {found}, newer than format {VERSION} of this relay", .file.display())]
    Newer {
        /// The database.
        file: PathBuf,
        /// Its format.
        found: i64,
    },
}

/// Opens the store in `dir`, which the caller has locked; it is made, or brought to the format of this relay.
///
/// # Errors
///
/// When it can't be used: see [`StoreError`].
pub async fn open(dir: &Path) -> Result<SqliteConnection, StoreError> {
    let file = file(dir);
    // SQLite gives what it puts beside a database the rights of the database.
    if let Err(error) = private::open_file(&file) {
        let source = sqlx::Error::Io(error);
        return Err(StoreError::Database { file, source });
    }
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // What is removed or replaced leaves no bytes behind.
        .pragma("secure_delete", "ON")
        .disable_statement_logging();
    let opened = async {
        let mut connection = options.connect().await?;
        let found: i64 = sqlx::query_scalar("PRAGMA user_version")
            .fetch_one(&mut connection)
            .await?;
        for step in tables::steps_after(found) {
            sqlx::raw_sql(*step).execute(&mut connection).await?;
        }
        Ok((connection, found))
    };
    match opened.await {
        Ok((_, found)) if found > VERSION => Err(StoreError::Newer { file, found }),
        Ok((connection, _)) => Ok(connection),
        Err(source) => Err(StoreError::Database { file, source }),
    }
}

/// Empties the log beside the database into it, so that what was removed or replaced is in neither.
///
/// # Errors
///
/// What SQLite says, or that somebody reads for too long: then some of it may still be in the log.
pub async fn empty_log(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let (is_busy, ..): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
        .fetch_one(connection)
        .await?;
    match is_busy {
        0 => Ok(()),
        _ => Err(sqlx::Error::Protocol(
            "the log of the store is in use".to_owned(),
        )),
    }
}

/// Where the store of `dir` is.
#[must_use]
pub fn file(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

/// The store's name in the data directory.
pub const FILE: &str = "store.db";
