//! Who logs: the install, the session, the user, and the resource they run on.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use uuid::Uuid;

/// The file in the queue's root that keeps the install id.
pub const INSTALL_ID_FILE: &str = "install-id";

/// What is true of all records until it changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// This installation of the program, for as long as its directory lives.
    pub install_id: Uuid,
    /// This run of the program.
    pub session_id: Uuid,
    /// Whoever is logged in. Use an opaque id: it is never scanned for personal data.
    pub user_id: Option<String>,
    /// The service, its version, the system: OpenTelemetry's resource attributes.
    pub resource: Map<String, Value>,
}

/// The install id could not be read or written.
#[derive(Debug, thiserror::Error)]
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

impl Session {
    /// A new session of the installation that lives in `dir`.
    ///
    /// # Errors
    /// The directory or the file that keeps the install id can't be made or read.
    pub fn start(dir: &Path, service: &str, version: &str) -> Result<Self, SessionError> {
        let install_id = install_id(dir)?;
        Ok(Self {
            install_id,
            session_id: Uuid::new_v4(),
            user_id: None,
            resource: resource(service, version, install_id),
        })
    }

    /// The members of `context` on the wire.
    #[must_use]
    pub fn wire_context(&self) -> Map<String, Value> {
        let mut context = Map::new();
        context.insert("installId".to_owned(), self.install_id.to_string().into());
        context.insert("sessionId".to_owned(), self.session_id.to_string().into());
        if let Some(user_id) = &self.user_id {
            context.insert("userId".to_owned(), user_id.as_str().into());
        }
        context
    }
}

/// The install id, made at the first start. A file that holds no id (cut short by a crash) gets a new one.
fn install_id(dir: &Path) -> Result<Uuid, SessionError> {
    make_private(dir).map_err(|source| SessionError::Directory {
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
    let aside = dir.join(format!("{INSTALL_ID_FILE}.{id}"));
    let mut file = create_private(&aside).map_err(failed)?;
    file.write_all(format!("{id}\n").as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| match fs::hard_link(&aside, &path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(_) => fs::rename(&aside, &path),
            Ok(()) => Ok(()),
        })
        .map_err(failed)?;
    let _ = fs::remove_file(&aside);
    let kept = fs::read_to_string(&path).map_err(failed)?;
    match Uuid::parse_str(kept.trim()) {
        Ok(kept) => Ok(kept),
        Err(_) => {
            fs::write(&path, format!("{id}\n")).map_err(failed)?;
            Ok(id)
        }
    }
}

/// Makes the directory, and those above it that are missing, for the program's own user only.
fn make_private(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

fn create_private(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Resource attributes by OpenTelemetry's semantic conventions:
/// <https://opentelemetry.io/docs/specs/semconv/resource/>.
fn resource(service: &str, version: &str, install_id: Uuid) -> Map<String, Value> {
    let mut resource = Map::new();
    let mut set = |name: &str, value: Value| resource.insert(name.to_owned(), value);
    set("service.name", service.into());
    set("service.version", version.into());
    set("service.instance.id", install_id.to_string().into());
    set("os.name", std::env::consts::OS.into());
    if let Some(release) = os_version() {
        set("os.version", release.into());
    }
    set("host.arch", std::env::consts::ARCH.into());
    set("process.pid", std::process::id().into());
    if let Some(name) = executable_name() {
        set("process.executable.name", name.into());
    }
    set("telemetry.sdk.name", env!("CARGO_PKG_NAME").into());
    set("telemetry.sdk.version", env!("CARGO_PKG_VERSION").into());
    set("telemetry.sdk.language", "rust".into());
    resource
}

fn os_version() -> Option<String> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    Some(release.trim().to_owned())
}

fn executable_name() -> Option<String> {
    let path = std::env::current_exe().ok()?;
    Some(path.file_name()?.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

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
