//! The names of the index's files, and how they are put aside and removed.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// The catalogue.
pub const CATALOG: &str = "catalog.db";

/// The file of a segment.
pub fn segment(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("seg-{number}.db"))
}

/// The numbers of the segments that are there, ascending.
pub fn segments(dir: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let number = || name.to_str()?.strip_prefix("seg-")?.strip_suffix(".db");
        numbers.extend(number().and_then(|number| number.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The path of `file` with something behind its name.
pub fn beside(file: &Path, behind: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(behind);
    PathBuf::from(name)
}

/// Puts a damaged file aside, with its log.
pub fn put_aside(file: &Path) -> io::Result<PathBuf> {
    let aside = beside(file, ".damaged");
    let log = beside(file, "-wal");
    if log.exists() {
        fs::rename(&log, beside(&aside, "-wal"))?;
    }
    let _ = fs::remove_file(beside(file, "-shm"));
    fs::rename(file, &aside)?;
    Ok(aside)
}

/// Removes a file, with what SQLite puts beside it.
pub fn remove(file: &Path) -> io::Result<()> {
    for behind in ["", "-wal", "-shm", "-journal"] {
        match fs::remove_file(beside(file, behind)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
