//! The database of a relay: where it is, what is in it, and which version of that.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

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
        matches!(self, Self::Database { source, .. } if super::reader::is_damage(source))
    }
}

/// The lock on a data directory; free again when it is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Says where the relay's admin listener is, for commands that find the directory in use.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn announce(&self, admin: SocketAddr) -> io::Result<()> {
        self.file.set_len(0)?;
        (&self.file).write_all(admin.to_string().as_bytes())
    }
}

/// Where the relay that has `dir` has its admin listener, as far as it says.
#[must_use]
pub fn announced(dir: &Path) -> Option<SocketAddr> {
    std::fs::read_to_string(dir.join(LOCK)).ok()?.parse().ok()
}

/// Whether somebody has the lock on `dir`. Nothing is made.
#[must_use]
pub fn is_held(dir: &Path) -> bool {
    let Ok(file) = OpenOptions::new().write(true).open(dir.join(LOCK)) else {
        return false;
    };
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// Makes the data directory if absent (readable by its owner only) and locks it.
///
/// # Errors
///
/// When it can't be made, or another relay has it.
pub fn lock(dir: &Path) -> Result<Lock, OpenError> {
    let failed = |source| OpenError::Dir {
        dir: dir.to_owned(),
        source,
    };
    make_private(dir).map_err(failed)?;
    let file = private_file(&dir.join(LOCK)).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {
            narrow(dir);
            Ok(Lock { file })
        }
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse {
            dir: dir.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Makes `dir` for its owner only; one that exists is left as it is.
///
/// # Errors
///
/// What the system says.
pub fn make_private(dir: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Opens a file to be written, made for its owner only if absent.
///
/// # Errors
///
/// What the system says.
pub fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Takes the rights of others away from a data directory that was there before, and from the relay's own files in it.
/// What can't be changed is said in the log: somebody else's directory, or one that all share, such as `/tmp`.
#[cfg(unix)]
fn narrow(dir: &Path) {
    use std::fs::{Permissions, set_permissions, symlink_metadata};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let refused = |path: &Path, error: &dyn std::fmt::Display| {
        tracing::warn!(path = %path.display(), %error, "others can read what the relay keeps: chmod it, or use a directory of its own");
    };
    let mode = |path: &Path| symlink_metadata(path).map(|found| (found.is_file(), found.mode()));
    match std::fs::metadata(dir).map(|found| found.mode()) {
        Ok(open) if open & STICKY != 0 => refused(dir, &"it is shared by all"),
        Ok(open) if open & 0o077 != 0 => {
            if let Err(error) = set_permissions(dir, Permissions::from_mode(0o700)) {
                refused(dir, &error);
            }
        }
        _ => {}
    }
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let is_ours = entry
            .file_name()
            .to_str()
            .is_some_and(|name| OURS.iter().any(|ours| name.starts_with(ours)));
        let path = entry.path();
        // A link may lead anywhere.
        if is_ours
            && matches!(mode(&path), Ok((true, open)) if open & 0o077 != 0)
            && let Err(error) = set_permissions(&path, Permissions::from_mode(0o600))
        {
            refused(&path, &error);
        }
    }
}

#[cfg(not(unix))]
fn narrow(_dir: &Path) {}

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
    private_file(file).map_err(|error| failed(sqlx::Error::Io(error)))?;
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

/// A seq as it is kept: SQLite's integers are signed, and flipping the top bit keeps the order.
pub(super) fn stored_seq(seq: u64) -> i64 {
    (seq ^ 1 << 63).cast_signed()
}

/// A seq from how it is kept.
pub(super) fn read_seq(stored: i64) -> u64 {
    stored.cast_unsigned() ^ 1 << 63
}

/// A page of the database.
pub(super) const PAGE_BYTES: u32 = 16 * 1024;

pub const FILE: &str = "relay.db";

const LOCK: &str = "relay.lock";

/// How the names of the relay's files in its directory begin, with what SQLite and mending put beside them.
#[cfg(unix)]
const OURS: [&str; 3] = ["relay.db", "relay.lock", "store.db"];

/// A directory in which everybody may make files.
#[cfg(unix)]
const STICKY: u32 = 0o1000;

/// The format that this relay writes. An older one is brought up to it when it is opened.
const VERSION: i64 = STEPS.len() as i64;

/// Each brings a database from the version of its place to the next.
const STEPS: [&str; 3] = [TABLES, PACKED, QUEUES];

/// `end_*` count everything up to and including a frame since the database was made, so that what is pending for a
/// consumer is one subtraction. Seqs are stored with their top bit flipped, because SQLite's integers are signed.
const TABLES: &str = "
BEGIN;
CREATE TABLE frame (
    id INTEGER PRIMARY KEY,
    end_records INTEGER NOT NULL,
    end_bytes INTEGER NOT NULL,
    received INTEGER NOT NULL,
    records INTEGER NOT NULL,
    oldest INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    subject TEXT NOT NULL,
    queue TEXT,
    first_seq INTEGER,
    last_seq INTEGER,
    crc INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE TABLE consumer (
    name TEXT PRIMARY KEY,
    frame INTEGER NOT NULL,
    done INTEGER NOT NULL,
    end_records INTEGER NOT NULL,
    end_bytes INTEGER NOT NULL
) STRICT;
INSERT INTO consumer VALUES ('export', 0, 0, 0, 0);
CREATE TABLE accepted (
    subject TEXT NOT NULL,
    queue TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (subject, queue, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE seen (
    hash BLOB PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_at ON seen (at);
CREATE TABLE dead (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
PRAGMA user_version = 1;
COMMIT;
";

/// Frames are packed (`bytes` before that; 0 in frames that are not), say what is in them, and may be for one consumer only.
const PACKED: &str = "
BEGIN;
ALTER TABLE frame ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE frame ADD COLUMN plain_crc INTEGER NOT NULL DEFAULT 0;
ALTER TABLE frame ADD COLUMN traits INTEGER NOT NULL DEFAULT 3;
ALTER TABLE frame ADD COLUMN only_for TEXT;
ALTER TABLE dead ADD COLUMN consumer TEXT NOT NULL DEFAULT 'export';
PRAGMA user_version = 2;
COMMIT;
";

/// When each queue was heard (hours since 1970), how many ranges it has, and how many seqs count as accepted only because
/// the gap that they were in was closed.
const QUEUES: &str = "
BEGIN;
CREATE TABLE queue (
    subject TEXT NOT NULL,
    queue TEXT NOT NULL,
    heard INTEGER NOT NULL,
    ranges INTEGER NOT NULL,
    closed INTEGER NOT NULL,
    PRIMARY KEY (subject, queue)
) STRICT, WITHOUT ROWID;
CREATE INDEX queue_heard ON queue (heard);
INSERT INTO queue SELECT subject, queue, unixepoch() / 3600, count(*), 0 FROM accepted GROUP BY subject, queue;
PRAGMA user_version = 3;
COMMIT;
";
