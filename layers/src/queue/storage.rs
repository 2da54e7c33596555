//! What the queue asks of a file system, and nothing more.
//!
//! Two arms: [`FileSystem`](super::file_system::FileSystem), and a simulated disk for tests that fails, tears and loses power
//! on demand.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A file system.
pub(crate) trait Storage: fmt::Debug + Send + Sync {
    /// Makes `root` and what is missing above it, each for its owner only and with its name synced.
    fn make_root(&self, root: &Path) -> io::Result<()>;
    /// Makes one directory for its owner only; an error if it exists.
    fn make_dir(&self, dir: &Path) -> io::Result<()>;
    /// The names in `dir`, in no order; those that are no text left out.
    fn names(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Makes a file, open for reading and appending; an error if it exists.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn StoredFile>>;
    /// Opens a file for appending.
    fn open_to_append(&self, path: &Path) -> io::Result<Arc<dyn StoredFile>>;
    /// Opens a file for reading and for writing in place.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn StoredFile>>;
    /// Bytes in a file.
    fn file_len(&self, path: &Path) -> io::Result<u64>;
    /// Opens a file for reading.
    fn read(&self, path: &Path) -> io::Result<Arc<dyn StoredFile>>;
    /// Puts `from` in the place of `to`.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty directory.
    fn remove_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes the names in `dir` survive a power loss.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// How much room the file system of `path` has.
    fn space(&self, _path: &Path) -> io::Result<Space> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Takes the lock at `path`, made if absent, and leaves `text` in it; nothing if somebody else holds it, or if it
    /// was removed meanwhile. Never waits.
    fn lock(&self, path: &Path, text: &str) -> io::Result<Option<Lock>>;
}

/// Bytes of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Space {
    pub(crate) total: u64,
    /// What a user without privileges can still take.
    pub(crate) available: u64,
}

/// A file that several threads use at once.
pub(crate) trait StoredFile: fmt::Debug + Send + Sync {
    /// One write at the end; may take fewer bytes than given.
    fn append(&self, bytes: &[u8]) -> io::Result<usize>;
    /// Reads at `offset`; 0 is the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `bytes` at `offset`.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Cuts the file, or grows it with NULs.
    fn set_len(&self, bytes: u64) -> io::Result<()>;
    /// Bytes in the file.
    fn len(&self) -> io::Result<u64>;
    /// Makes the content survive a power loss.
    fn sync(&self) -> io::Result<()>;
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "held for its Drop")] Box<dyn Held>);

impl Lock {
    pub(crate) fn new(held: impl Held + 'static) -> Self {
        Self(Box::new(held))
    }
}

/// Whatever lets go of a lock when it is dropped.
pub(crate) trait Held: fmt::Debug + Send + Sync {}

/// Appends all of `bytes`, in one write as a rule.
pub(crate) fn append_all(file: &dyn StoredFile, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.append(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Fills `buffer` from `offset` on, as far as the file goes.
pub(crate) fn read_full(
    file: &dyn StoredFile,
    buffer: &mut [u8],
    offset: u64,
) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
