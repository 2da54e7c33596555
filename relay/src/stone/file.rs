//! The file of stones: read whole, written whole, beside and renamed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::whom::Kind;
use crate::disk::private;

/// A stone as it is kept. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// What the id is an id of.
    pub kind: Kind,
    /// The keyed hash of the id, in hex.
    pub hash: String,
    /// When it was put: records of before are kept out.
    pub made_at: i64,
    /// Until when.
    pub ends_at: i64,
    /// Whether all that there was has been erased.
    pub is_done: bool,
}

#[derive(Default, Serialize, Deserialize)]
struct All {
    erasures: Vec<Kept>,
}

/// The stones in `dir`; none when there never were any.
pub fn read(dir: &Path) -> io::Result<Vec<Kept>> {
    let bytes = match fs::read(dir.join(FILE)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let all: All = serde_json::from_slice(&bytes).map_err(io::Error::other)?;
    Ok(all.erasures)
}

/// Writes the stones of `dir`; synced when it returns.
pub fn write(dir: &Path, erasures: Vec<Kept>) -> io::Result<()> {
    let (file, new) = (dir.join(FILE), dir.join(format!("{FILE}.new")));
    let bytes = serde_json::to_vec_pretty(&All { erasures }).map_err(io::Error::other)?;
    let mut options = private::options();
    let mut writing = options.write(true).create(true).truncate(true).open(&new)?;
    writing.write_all(&bytes)?;
    writing.sync_all()?;
    fs::rename(&new, &file)?;
    #[cfg(unix)]
    File::open(dir)?.sync_all()?;
    Ok(())
}

/// The stones' file in the data directory.
pub const FILE: &str = "erasures.json";
