//! Opens the database of a relay, and brings an older one up to date.

use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::error::OpenError;
use super::tables::{STEPS, VERSION};
use crate::disk::private;

/// The database in `dir`, with its tables.
///
/// # Errors
///
/// When it is newer than this relay, damaged, or not a database of ours.
pub async fn open(dir: &Path) -> Result<SqliteConnection, OpenError> {
    open_file(&dir.join(FILE)).await
}

/// The database `file`, made if absent, with its tables.
pub(super) async fn open_file(file: &Path) -> Result<SqliteConnection, OpenError> {
    let failed = |source| OpenError::Database {
        file: file.to_owned(),
        source,
    };
    // SQLite gives what it puts beside a database the rights of the database.
    private::open_file(file).map_err(|error| failed(sqlx::Error::Io(error)))?;
    let mut connection = options(file)
        .create_if_missing(true)
        .connect()
        .await
        .map_err(failed)?;
    let found: i64 = sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
    if found > VERSION {
        connection.close().await.map_err(failed)?;
        return Err(OpenError::Newer {
            file: file.to_owned(),
            found,
        });
    }
    let steps = STEPS
        .iter()
        .skip(usize::try_from(found).unwrap_or_default());
    for step in steps {
        sqlx::raw_sql(*step)
            .execute(&mut connection)
            .await
            .map_err(failed)?;
    }
    Ok(connection)
}

/// A copy that is kept as one file, or another database that is to be copied.
///
/// # Errors
///
/// What SQLite says.
pub async fn open_copy(file: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new()
        .filename(file)
        .disable_statement_logging()
        .connect()
        .await
}

/// A second connection to the database in `dir`, for reading.
///
/// # Errors
///
/// What SQLite says.
pub async fn open_to_read(dir: &Path) -> Result<SqliteConnection, OpenError> {
    let file = dir.join(FILE);
    let options = options(&file).read_only(true);
    options
        .connect()
        .await
        .map_err(|source| OpenError::Database { file, source })
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        // Every commit is synced before it is answered: that is what "acknowledged" means.
        .synchronous(SqliteSynchronous::Full)
        // A frame is tens of kilobytes: larger pages are fewer of them.
        .page_size(PAGE_BYTES)
        .pragma("journal_size_limit", "67108864")
        .disable_statement_logging()
}

/// The path of `file` with something behind its name.
pub(super) fn beside(file: &Path, behind: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(behind);
    PathBuf::from(name)
}

/// A page of the database.
pub(super) const PAGE_BYTES: u32 = 16 * 1024;

/// The database's file in the data directory.
pub const FILE: &str = "relay.db";
