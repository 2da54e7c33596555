//! A mark beside the database, while a relay runs on it: so that a write-ahead log that vanished is noticed.
//!
//! SQLite opens a database whose log is gone without a word, as it was at the last checkpoint: what was committed since,
//! and acknowledged, is not there. A relay that ends cleanly empties the log and takes the mark away. A mark without a
//! log therefore says that somebody removed it: a copy of `relay.db` alone, or a clean-up of "temporary" files.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::schema::{self, beside};
use crate::disk::private;

/// Whether a relay ran on the database in `dir`, did not end, and its write-ahead log is gone.
pub fn has_lost_its_log(dir: &Path) -> bool {
    let log = beside(&dir.join(schema::FILE), "-wal");
    dir.join(MARK).exists() && !log.exists()
}

/// Says that a relay runs, once its log is there. Synced, so that it is there after a power loss too.
///
/// # Errors
///
/// What the system says.
pub fn mark(dir: &Path) -> io::Result<()> {
    private::open_file(&dir.join(MARK))?.sync_all()?;
    #[cfg(unix)]
    File::open(dir)?.sync_all()?;
    Ok(())
}

/// Says that none runs any more, or that the log is about to go for a reason.
pub fn unmark(dir: &Path) {
    // One that stays costs a warning at the next start.
    let _ = fs::remove_file(dir.join(MARK));
}

/// The file's name, for the backup's restorer too.
const MARK: &str = "relay.running";
