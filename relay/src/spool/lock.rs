//! The lock on a data directory, and what else makes it the relay's own.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;

use super::error::OpenError;
use crate::disk::private;

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

/// Whether a process has the lock on `dir`. Nothing is made.
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
    private::make_dir(dir).map_err(failed)?;
    let file = private::open_file(&dir.join(LOCK)).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {
            private::narrow(dir, &OURS);
            Ok(Lock { file })
        }
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse {
            dir: dir.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

const LOCK: &str = "relay.lock";

/// How the names of the relay's files in its directory begin, with what SQLite and mending put beside them.
const OURS: [&str; 6] = [
    "relay.db",
    "relay.lock",
    "store.db",
    "audit.jsonl",
    "erase.key",
    "erasures.json",
];
