//! Directories and files that only the program's own user can read.
//!
//! On Unix directories are made with mode 0700 and files with 0600. On Windows both have the rights of the directory that
//! they are made in. What is there already keeps its rights.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

/// Makes private directories: one, or with [`recursive`](DirBuilder::recursive) those above it too.
pub(crate) fn dirs() -> DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Opens files, and makes those private that it creates.
pub(crate) fn files() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a private directory, and those above it that are missing.
pub(crate) fn create_dir_all(dir: &Path) -> io::Result<()> {
    dirs().recursive(true).create(dir)
}

/// Creates a private file, to write to.
///
/// # Errors
/// Also when there is one of that name already.
pub(crate) fn create_file(path: &Path) -> io::Result<File> {
    files().write(true).create_new(true).open(path)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_the_owner_may_read_what_is_made() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("above/below");
        create_dir_all(&dir).unwrap();
        let file = dir.join("file");
        create_file(&file).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(dir.parent().unwrap()), 0o700);
        assert_eq!(mode(&dir), 0o700);
        assert_eq!(mode(&file), 0o600);
        assert_eq!(
            create_file(&file).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
    }
}
