//! Files and directories that only their owner may read: everything that the relay makes is made here.
//!
//! Where the system knows no such rights (not Unix), they are made as usual.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

/// Makes `dir` for its owner only, and what is missing above it; one that exists is left as it is.
///
/// # Errors
///
/// What the system says.
pub fn make_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, DIR);
    builder.create(dir)
}

/// Opens a file to be written, made for its owner only if absent; what is in it stays.
///
/// # Errors
///
/// What the system says.
pub fn open_file(path: &Path) -> io::Result<File> {
    let mut options = options();
    options.create(true).truncate(false).write(true).open(path)
}

/// How to open a file: if it is made by that, it is for its owner only.
#[must_use]
pub fn options() -> OpenOptions {
    #[cfg_attr(not(unix), allow(unused_mut, reason = "there are no such rights"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, FILE);
    options
}

/// Takes the rights of others away from an open file, which an earlier version or another umask may have given.
///
/// # Errors
///
/// What the system says.
#[cfg_attr(
    not(unix),
    allow(
        unused_variables,
        clippy::unnecessary_wraps,
        reason = "there are no such rights"
    )
)]
pub fn narrow_file(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(FILE))?;
    Ok(())
}

/// Whether others than its owner may read or write the file at `path`.
///
/// # Errors
///
/// What the system says.
#[cfg(unix)]
pub fn is_open_to_others(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::metadata(path)?.permissions().mode() & OTHERS != 0)
}

/// Whether others than its owner may read or write the file at `path`: on this system that is not known.
///
/// # Errors
///
/// Never.
#[cfg(not(unix))]
pub fn is_open_to_others(_path: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Takes the rights of others away from a directory that was there before, and from the files in it whose names begin with
/// one of `ours`. What can't be changed is said in the log: a directory of another user, or one that all share, such as `/tmp`.
#[cfg(unix)]
pub fn narrow(dir: &Path, ours: &[&str]) {
    use std::fs::{Permissions, set_permissions, symlink_metadata};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let refused = |path: &Path, error: &dyn std::fmt::Display| {
        tracing::warn!(path = %path.display(), %error, "others can read what the relay keeps: chmod it, or use a directory of its own");
    };
    let mode = |path: &Path| symlink_metadata(path).map(|found| (found.is_file(), found.mode()));
    match std::fs::metadata(dir).map(|found| found.mode()) {
        Ok(open) if open & STICKY != 0 => refused(dir, &"it is shared by all"),
        Ok(open) if open & OTHERS != 0 => {
            if let Err(error) = set_permissions(dir, Permissions::from_mode(DIR)) {
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
            .is_some_and(|name| ours.iter().any(|ours| name.starts_with(ours)));
        let path = entry.path();
        // A link may lead anywhere.
        if is_ours
            && matches!(mode(&path), Ok((true, open)) if open & OTHERS != 0)
            && let Err(error) = set_permissions(&path, Permissions::from_mode(FILE))
        {
            refused(&path, &error);
        }
    }
}

/// Does nothing where there are no such rights.
#[cfg(not(unix))]
pub fn narrow(_dir: &Path, _ours: &[&str]) {}

/// A file for its owner only.
#[cfg(unix)]
const FILE: u32 = 0o600;

/// A directory for its owner only.
#[cfg(unix)]
const DIR: u32 = 0o700;

/// The rights of everybody but the owner.
#[cfg(unix)]
const OTHERS: u32 = 0o077;

/// A directory in which everybody may make files.
#[cfg(unix)]
const STICKY: u32 = 0o1000;
