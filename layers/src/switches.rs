//! What the user has switched off: sending, or recording too. Remembered over restarts.
//!
//! 1. A switch is in force from the call on, also where it can't be remembered;
//! 2. what was recorded before stays on disk; [`DiskQueue::clear`](crate::DiskQueue::clear) forgets it;
//! 3. without recording nothing is written: no record, no panic, no session.
//!
//! Programs that share a directory share its switches, each from its next start on.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tracing_core::subscriber::Interest;
use tracing_core::{LevelFilter, Metadata};
use tracing_subscriber::layer::{Context, Filter};
use uuid::Uuid;

use crate::private;

/// The file in the queue's root that remembers. Without it everything is on.
pub const SWITCHES_FILE: &str = "switches.json";

/// A switch is in force, and will be forgotten with the next start. Check the directory and its owner.
#[derive(thiserror::Error)]
#[error("cannot remember in `{}` what is switched off: {source}", .path.display())]
pub struct SwitchError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}
courier_sanitize::debug_is_display!(SwitchError);

/// The switches of this program. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Switches(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    sends: AtomicBool,
    records: AtomicBool,
    writing: Mutex<()>,
}

/// What the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    sending: bool,
    recording: bool,
}

impl Remembered {
    /// Nothing where there is no file.
    fn read(path: &Path) -> Option<Self> {
        let json = fs::read(path).ok()?;
        // Somebody switched something off. What exactly is lost, so nothing leaves the device.
        Some(serde_json::from_slice(&json).unwrap_or(Self {
            sending: false,
            recording: true,
        }))
    }
}

impl Switches {
    /// As they were left.
    pub fn load(root: &Path) -> Self {
        let path = root.join(SWITCHES_FILE);
        let remembered = Remembered::read(&path).unwrap_or(Remembered {
            sending: true,
            recording: true,
        });
        Self(Arc::new(Inner {
            path,
            sends: remembered.sending.into(),
            records: remembered.recording.into(),
            writing: Mutex::new(()),
        }))
    }

    pub fn sends(&self) -> bool {
        self.0.sends.load(Ordering::Relaxed)
    }

    pub fn records(&self) -> bool {
        self.0.records.load(Ordering::Relaxed)
    }

    pub fn set_sends(&self, on: bool) -> Result<(), SwitchError> {
        self.0.sends.store(on, Ordering::Relaxed);
        self.remember()
    }

    pub fn set_records(&self, on: bool) -> Result<(), SwitchError> {
        self.0.records.store(on, Ordering::Relaxed);
        tracing_core::callsite::rebuild_interest_cache();
        self.remember()
    }

    /// The directory could not be read when the program began: what is switched off there is off from now on.
    pub fn load_late(&self) {
        let Some(remembered) = Remembered::read(&self.0.path) else {
            return;
        };
        self.0
            .sends
            .fetch_and(remembered.sending, Ordering::Relaxed);
        if !remembered.recording && self.0.records.swap(false, Ordering::Relaxed) {
            tracing_core::callsite::rebuild_interest_cache();
        }
    }

    /// Lets a layer see events while recording is on.
    pub fn filter(&self) -> RecordingFilter {
        RecordingFilter(self.clone())
    }

    /// Written aside and renamed, so that the file is whole at any time.
    fn remember(&self) -> Result<(), SwitchError> {
        let _one = self
            .0
            .writing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let remembered = Remembered {
            sending: self.sends(),
            recording: self.records(),
        };
        let path = &self.0.path;
        let done = if remembered.sending && remembered.recording {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            }
        } else {
            write(path, &serde_json::to_vec(&remembered).unwrap_or_default())
        };
        done.map_err(|source| SwitchError {
            path: path.clone(),
            source,
        })
    }
}

fn write(path: &Path, json: &[u8]) -> io::Result<()> {
    let aside = path.with_extension(format!("{}.new", Uuid::new_v4()));
    let mut file = private::create_file(&aside)?;
    file.write_all(json)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&aside, path))
        .inspect_err(|_| drop(fs::remove_file(&aside)))
}

/// See [`Switches::filter`].
#[derive(Clone, Debug)]
pub(crate) struct RecordingFilter(Switches);

impl<S> Filter<S> for RecordingFilter {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.0.records()
    }

    fn callsite_enabled(&self, _: &'static Metadata<'static>) -> Interest {
        if self.0.records() {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(if self.0.records() {
            LevelFilter::TRACE
        } else {
            LevelFilter::OFF
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(root: &Path) -> (bool, bool) {
        let switches = Switches::load(root);
        (switches.sends(), switches.records())
    }

    #[test]
    fn what_is_switched_off_stays_off_over_a_restart_until_it_is_switched_on() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(both(root.path()), (true, true));
        Switches::load(root.path()).set_sends(false).unwrap();
        assert_eq!(both(root.path()), (false, true));
        Switches::load(root.path()).set_records(false).unwrap();
        assert_eq!(both(root.path()), (false, false));
        let switches = Switches::load(root.path());
        switches.set_sends(true).unwrap();
        switches.set_records(true).unwrap();
        assert_eq!(both(root.path()), (true, true));
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_says_nothing_keeps_everything_on_the_device() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(SWITCHES_FILE), "").unwrap();
        assert_eq!(both(root.path()), (false, true));
    }

    #[test]
    fn a_switch_that_cannot_be_remembered_is_in_force_and_named() {
        let root = tempfile::tempdir().unwrap();
        let gone = root.path().join("gone");
        let switches = Switches::load(&gone);
        let error = switches.set_sends(false).unwrap_err().to_string();
        assert!(error.contains("switches.json"), "{error}");
        assert!(!switches.sends());
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        Switches::load(root.path()).set_sends(false).unwrap();
        let mode = fs::metadata(root.path().join(SWITCHES_FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
