//! The tables of a segment, and how a segment is opened.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};

/// The format of segments that this relay writes.
pub const VERSION: i64 = 1;

/// Opens the segment that is written. Every commit is synced: the spool forgets what is committed here.
pub async fn open_to_write(file: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .page_size(PAGE_BYTES)
        .pragma("journal_size_limit", "67108864")
        .pragma("wal_autocheckpoint", "4096")
        .pragma("cache_size", "-16384")
        .busy_timeout(BUSY)
        .disable_statement_logging()
        .connect()
        .await
}

/// Opens a segment to be looked at, with the log that an open one has; nothing about how it is kept is changed.
pub async fn open_as_it_is(file: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new()
        .filename(file)
        .busy_timeout(BUSY)
        .disable_statement_logging()
        .connect()
        .await
}

/// Opens a segment to be read. A sealed one never changes, so that its file needs no locks.
pub async fn open_to_read(file: &Path, is_sealed: bool) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .immutable(is_sealed)
        .pragma("cache_size", "-2048")
        .busy_timeout(BUSY)
        .disable_statement_logging()
        .connect()
        .await
}

/// Opens a file that becomes a segment when it is renamed: what is written is synced by whoever does that.
pub async fn open_to_fill(file: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off)
        .page_size(PAGE_BYTES)
        .pragma("cache_size", "-16384")
        .pragma("temp_store", "MEMORY")
        .busy_timeout(BUSY)
        .disable_statement_logging()
        .connect()
        .await
}

/// How long a segment that somebody else has locked is waited for.
const BUSY: Duration = Duration::from_secs(1);

const PAGE_BYTES: u32 = 8 * 1024;

/// `edition` counts how often the file was written anew without somebody; `from_records` and `to_records` are the spool's positions: what lies between two segments was never indexed. `spool` is
/// the number of that spool.
pub const TABLES: &str = "
BEGIN;
CREATE TABLE segment (
    base INTEGER NOT NULL,
    from_records INTEGER NOT NULL,
    to_records INTEGER NOT NULL,
    frame INTEGER NOT NULL,
    records INTEGER NOT NULL,
    others INTEGER NOT NULL,
    plain_bytes INTEGER NOT NULL,
    oldest INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    first_received INTEGER NOT NULL,
    last_received INTEGER NOT NULL,
    sealed INTEGER NOT NULL,
    edition INTEGER NOT NULL,
    spool BLOB NOT NULL
) STRICT;
CREATE TABLE name (
    id INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    records INTEGER NOT NULL,
    oldest INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    heard INTEGER NOT NULL,
    UNIQUE (kind, name)
) STRICT;
CREATE TABLE resource (
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    body BLOB NOT NULL
) STRICT;
CREATE TABLE record (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    ns INTEGER NOT NULL,
    received INTEGER NOT NULL,
    level INTEGER NOT NULL,
    user INTEGER,
    sender INTEGER,
    install INTEGER,
    session INTEGER,
    grp INTEGER,
    queue INTEGER,
    logger INTEGER,
    service INTEGER,
    version INTEGER,
    event INTEGER,
    resource INTEGER NOT NULL,
    seq INTEGER,
    uid INTEGER NOT NULL,
    message TEXT NOT NULL,
    rest BLOB NOT NULL
) STRICT;
CREATE INDEX record_at ON record (at);
CREATE INDEX record_user ON record (user, at) WHERE user IS NOT NULL;
CREATE INDEX record_sender ON record (sender, at) WHERE sender IS NOT NULL;
CREATE INDEX record_install ON record (install, at) WHERE install IS NOT NULL;
CREATE INDEX record_session ON record (session, at) WHERE session IS NOT NULL;
CREATE INDEX record_group ON record (grp, at) WHERE grp IS NOT NULL;
CREATE INDEX record_uid ON record (uid);
CREATE VIRTUAL TABLE text USING fts5 (message, error, content='', detail=full, tokenize='unicode61');
INSERT INTO segment VALUES (?1, ?2, ?2, ?3, 0, 0, 0, 0, 0, 0, 0, 0, 0, ?4);
PRAGMA user_version = 1;
COMMIT;
";
