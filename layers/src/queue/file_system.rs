//! The real file system.
//!
//! What it does not do: trust a network file system. Locks and appends there are only as good as the server's.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use super::storage::{Held, Lock, Space, Storage, StoredFile};
use crate::private;

/// The real file system: directories 0700, files 0600.
#[derive(Debug)]
pub(crate) struct FileSystem;

impl Storage for FileSystem {
    fn make_root(&self, root: &Path) -> io::Result<()> {
        if root.is_dir() {
            return Ok(());
        }
        let parent = root
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        if let Some(parent) = parent {
            self.make_root(parent)?;
        }
        match self.make_dir(root) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match root.is_dir() {
                true => Ok(()),
                false => Err(io::Error::new(
                    io::ErrorKind::NotADirectory,
                    format!("`{}` is not a directory", root.display()),
                )),
            },
            Err(error) => Err(error),
            // Its name is made to last as well as can be; a parent that can't be read must not stop the program.
            Ok(()) => {
                let _ = self.sync_dir(parent.unwrap_or_else(|| Path::new(".")));
                Ok(())
            }
        }
    }

    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        private::dirs().create(dir)
    }

    fn names(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for found in fs::read_dir(dir)? {
            if let Ok(name) = found?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn StoredFile>> {
        let mut options = private::files();
        options.read(true).append(true).create_new(true);
        Ok(Arc::new(options.open(path)?))
    }

    fn open_to_append(&self, path: &Path) -> io::Result<Arc<dyn StoredFile>> {
        Ok(Arc::new(
            OpenOptions::new().read(true).append(true).open(path)?,
        ))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn StoredFile>> {
        Ok(Arc::new(
            OpenOptions::new().read(true).write(true).open(path)?,
        ))
    }

    fn file_len(&self, path: &Path) -> io::Result<u64> {
        Ok(fs::metadata(path)?.len())
    }

    fn read(&self, path: &Path) -> io::Result<Arc<dyn StoredFile>> {
        Ok(Arc::new(File::open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        fs::remove_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        platform::sync_dir(dir)
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let found = fs4::statvfs(path)?;
        Ok(Space {
            total: found.total_space(),
            available: found.available_space(),
        })
    }

    fn lock(&self, path: &Path, text: &str) -> io::Result<Option<Lock>> {
        let mut options = private::files();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(path)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
            Ok(()) => {}
        }
        // Whoever held it before may have removed it between our open and our lock.
        if !platform::is_still_at(&file, path) {
            return Ok(None);
        }
        // The text is for people; on a full disk the lock is as good without it.
        let _ = file
            .set_len(0)
            .and_then(|()| (&file).write_all(text.as_bytes()));
        Ok(Some(Lock::new(file)))
    }
}

impl Held for File {}

impl StoredFile for File {
    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = self;
        file.write(bytes)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        platform::read_at(self, buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        platform::write_all_at(self, bytes, offset)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        File::set_len(self, bytes)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

#[cfg(unix)]
mod platform {
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::{FileExt, MetadataExt};
    use std::path::Path;

    pub(super) fn is_still_at(file: &File, path: &Path) -> bool {
        match (file.metadata(), path.metadata()) {
            (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
            _ => false,
        }
    }

    pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        file.read_at(buffer, offset)
    }

    pub(super) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }

    pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }
}

/// Compiles, but nothing here has run it: see the README.
#[cfg(windows)]
mod platform {
    use std::fs::File;
    use std::io;
    use std::os::windows::fs::FileExt;
    use std::path::Path;

    pub(super) fn is_still_at(_: &File, path: &Path) -> bool {
        path.exists()
    }

    pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        file.seek_read(buffer, offset)
    }

    pub(super) fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = file.seek_write(bytes, offset)?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            bytes = bytes.get(written..).unwrap_or_default();
            offset += written as u64;
        }
        Ok(())
    }

    pub(super) fn sync_dir(_: &Path) -> io::Result<()> {
        Ok(())
    }
}
