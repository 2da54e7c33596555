//! The install id: this installation of the program, for as long as its directory lives.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::private;

/// The file in the queue's root that keeps the install id.
pub const INSTALL_ID_FILE: &str = "install-id";

/// The install id could not be read or written.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The directory could not be made. Check the path and its owner; nothing was changed.
    #[error("cannot make directory `{}`: {source}", .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file that keeps the install id could not be read or written. Check its owner.
    #[error("cannot keep the install id in `{}`: {source}", .path.display())]
    InstallId {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
courier_sanitize::debug_is_display!(SessionError);

/// The install id, made at the first start. A file that holds no id (cut short by a crash) gets a new one.
pub(crate) fn install_id(dir: &Path) -> Result<Uuid, SessionError> {
    private::create_dir_all(dir).map_err(|source| SessionError::Directory {
        path: dir.to_owned(),
        source,
    })?;
    let path = dir.join(INSTALL_ID_FILE);
    let failed = |source| SessionError::InstallId {
        path: path.clone(),
        source,
    };
    match fs::read_to_string(&path) {
        Ok(text) => {
            if let Ok(id) = Uuid::parse_str(text.trim()) {
                return Ok(id);
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    // Written aside and renamed, so that two first starts at once leave one whole id; both then read the same.
    let id = Uuid::new_v4();
    write_aside(dir, &path, id).map_err(failed)?;
    let kept = fs::read_to_string(&path).map_err(failed)?;
    match Uuid::parse_str(kept.trim()) {
        Ok(kept) => Ok(kept),
        Err(_) => {
            fs::write(&path, format!("{id}\n")).map_err(failed)?;
            Ok(id)
        }
    }
}

fn write_aside(dir: &Path, path: &Path, id: Uuid) -> io::Result<()> {
    let aside = dir.join(format!("{INSTALL_ID_FILE}.{id}"));
    let mut file = private::create_file(&aside)?;
    let written = file
        .write_all(format!("{id}\n").as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| match fs::hard_link(&aside, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(_) => fs::rename(&aside, path),
            Ok(()) => Ok(()),
        });
    let _ = fs::remove_file(&aside);
    written
}

/// The install id of a directory that could not be used when the program began under `id`: the one that it keeps, or
/// `id` from now on.
pub(crate) fn settle(dir: &Path, id: Uuid) -> Uuid {
    match fs::read_to_string(dir.join(INSTALL_ID_FILE)).map(|text| Uuid::parse_str(text.trim())) {
        Ok(Ok(kept)) => kept,
        _ => {
            let path = dir.join(INSTALL_ID_FILE);
            let _ = write_aside(dir, &path, id);
            id
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Session;

    #[test]
    fn the_install_id_outlives_the_session() {
        let dir = tempfile::tempdir().unwrap();
        let first = Session::start(dir.path(), "app", "1").unwrap();
        let second = Session::start(dir.path(), "app", "1").unwrap();
        assert_eq!(first.install_id, second.install_id);
        assert_ne!(first.session_id, second.session_id);
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "nothing is left aside"
        );
    }

    #[test]
    fn an_install_id_cut_short_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(INSTALL_ID_FILE), "7d0f4c0e-7a").unwrap();
        let first = Session::start(dir.path(), "app", "1").unwrap();
        assert_eq!(
            first.install_id,
            Session::start(dir.path(), "app", "1").unwrap().install_id
        );
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Session::start(&file.join("sub"), "app", "1").unwrap_err();
        assert!(
            error
                .to_string()
                .contains(&file.join("sub").display().to_string()),
            "{error}"
        );
    }
}
