//! What may be opened: plain files, found without opening them.

use std::fs::{self, FileType};
use std::path::Path;

use super::error::InspectError;

/// Whether `path` is a plain file; one that is gone is none of our business.
pub(super) fn check_file(path: &Path) -> Result<(), InspectError> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => Err(InspectError::NotPlain {
            path: path.to_owned(),
            kind: kind(found.file_type()),
        }),
        _ => Ok(()),
    }
}

/// Whether `dir` is not a way to somewhere else.
pub(super) fn check_link(dir: &Path) -> Result<(), InspectError> {
    match fs::symlink_metadata(dir) {
        Ok(found) if found.is_symlink() => Err(InspectError::NotPlain {
            path: dir.to_owned(),
            kind: LINK,
        }),
        _ => Ok(()),
    }
}

fn kind(of: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if of.is_fifo() {
            return "a FIFO";
        }
        if of.is_socket() {
            return "a socket";
        }
        if of.is_block_device() || of.is_char_device() {
            return "a device";
        }
    }
    if of.is_symlink() {
        LINK
    } else if of.is_dir() {
        "a directory"
    } else {
        "no plain file"
    }
}

const LINK: &str = "a symbolic link";
