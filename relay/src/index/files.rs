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

/// Removes what was put aside; how many files of segments there were.
pub fn remove_aside(dir: &Path) -> io::Result<u64> {
    let mut removed = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_aside = |name: &str| {
            name.starts_with("seg-")
                && (name.ends_with(".damaged") || name.ends_with(".damaged-wal"))
        };
        if name.to_str().is_some_and(is_aside) {
            fs::remove_file(entry.path())?;
            removed += u64::from(!name.to_string_lossy().ends_with("-wal"));
        }
    }
    Ok(removed)
}

/// Where a segment is written anew, before it takes the place of the old one.
pub fn anew(file: &Path) -> PathBuf {
    beside(file, ".new")
}

/// Removes segments that were being written anew when the relay was killed: the old ones are in their places.
pub fn remove_unfinished(dir: &Path) -> io::Result<u64> {
    let mut removed = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if name
            .to_str()
            .is_some_and(|name| name.starts_with("seg-") && name.contains(".db.new"))
        {
            fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Puts a file that is written and synced in the place of another; synced when it returns.
pub fn put_in_place(new: &Path, file: &Path) -> io::Result<()> {
    fs::File::open(new)?.sync_all()?;
    fs::rename(new, file)?;
    #[cfg(unix)]
    if let Some(dir) = file.parent() {
        fs::File::open(dir)?.sync_all()?;
    }
    Ok(())
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
