//! The mark that a session leaves in the queue's root for as long as it runs: `session-<id>`.
//!
//! 1. It is locked by the process that runs the session; a mark without a lock is one of a session that died.
//! 2. A clean end removes it; so does the next start, once it has said that the session died.
//! 3. It says what the dead can't: queue, start, process, each panic, and whether everything recorded was home, as one
//!    JSON object a line.
//!
//! What it does not do: stand in the way. Where it can't be written, a death goes unnoticed and the program goes on.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::private;
use crate::queue::QueueId;
use crate::session::Session;

/// The mark of a living session of this process.
#[derive(Debug)]
pub(crate) struct Mark {
    path: PathBuf,
    /// Holds the lock.
    file: Mutex<Option<File>>,
}

/// A line of a mark. The first says the session's begin; more follow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Entry {
    #[serde(skip_serializing_if = "Option::is_none")]
    begun: Option<Begun>,
    /// When a panic was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    panic_at: Option<String>,
    /// That panic, or the unwinding from it, ended the session.
    #[serde(skip_serializing_if = "is_false")]
    has_crashed: bool,
    /// A flush found everything delivered (true), or something was recorded after it (false).
    #[serde(skip_serializing_if = "Option::is_none")]
    is_at_rest: Option<bool>,
    /// The queue in which a later start is about to say that the session died.
    #[serde(skip_serializing_if = "Option::is_none")]
    said_in: Option<String>,
}

/// What a session says of itself at its begin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Begun {
    pub queue: String,
    pub started_at: String,
    pub pid: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_session_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_version: Option<String>,
}

impl Mark {
    /// Marks that this process runs the session.
    pub fn set(root: &Path, session: &Session, queue: QueueId, now: Timestamp) -> io::Result<Self> {
        let path = root.join(format!("{PREFIX}{}", session.session_id));
        // Locked and filled before it has its name: nobody may take it for one of the dead.
        let aside = path.with_extension(ASIDE);
        let file = create(&aside)?;
        file.try_lock()?;
        let begun = Begun {
            queue: queue.to_string(),
            started_at: now.to_string(),
            pid: std::process::id(),
            parent_session_id: session.parent_session_id.map(|id| id.to_string()),
            service_version: session
                .resource
                .get("service.version")
                .and_then(|version| version.as_str().map(str::to_owned)),
        };
        append(
            &file,
            &Entry {
                begun: Some(begun),
                ..Entry::default()
            },
        )
        .and_then(|()| fs::rename(&aside, &path))
        .inspect_err(|_| drop(fs::remove_file(&aside)))?;
        Ok(Self {
            path,
            file: Mutex::new(Some(file)),
        })
    }

    /// Notes that a panic was recorded, and whether it ends the session.
    pub fn panicked(&self, now: Timestamp, has_crashed: bool) {
        self.note(&Entry {
            panic_at: Some(now.to_string()),
            has_crashed,
            ..Entry::default()
        });
    }

    /// Notes that a panic, recorded or not, ended the session.
    pub fn crashed(&self) {
        self.note(&Entry {
            has_crashed: true,
            ..Entry::default()
        });
    }

    /// Notes that everything recorded is delivered, or that something was recorded since.
    pub fn rests(&self, is_at_rest: bool) {
        self.note(&Entry {
            is_at_rest: Some(is_at_rest),
            ..Entry::default()
        });
    }

    fn note(&self, entry: &Entry) {
        // Held by nobody for long, unless the process was forked meanwhile; a panic must not wait for that.
        if let Ok(file) = self.file.try_lock()
            && let Some(file) = &*file
        {
            let _ = append(file, entry);
        }
    }

    /// The session ended as it should.
    pub fn remove(&self) {
        let file = self
            .file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if file.is_some() {
            let _ = fs::remove_file(&self.path);
        }
    }

    /// In a forked child: the parent's mark is the parent's.
    pub fn let_go(&self) {
        if let Ok(mut file) = self.file.try_lock() {
            drop(file.take());
        }
    }
}

/// A session that died, with the right to say so.
#[derive(Debug)]
pub(crate) struct Dead {
    pub session_id: Uuid,
    /// Missing where the mark was lost in a power failure: its name is all there is.
    pub begun: Option<Begun>,
    pub has_panicked: bool,
    /// A panic ended it.
    pub has_crashed: bool,
    /// Everything that it recorded was delivered when it ended: by `exit` after a flush, as far as anybody can know.
    pub was_at_rest: bool,
    /// The queue in which a start that died as well may have said it.
    pub said_in: Option<QueueId>,
    path: PathBuf,
    file: File,
}

impl Dead {
    /// Notes in which queue it is about to be said.
    pub fn claim(&self, queue: QueueId) {
        let _ = append(
            &self.file,
            &Entry {
                said_in: Some(queue.to_string()),
                ..Entry::default()
            },
        );
    }

    /// It is said: the mark goes.
    pub fn remove(self) {
        let _ = fs::remove_file(&self.path);
    }

    fn take(path: PathBuf, session_id: Uuid) -> Option<Self> {
        let mut file = File::options().read(true).append(true).open(&path).ok()?;
        file.try_lock().ok()?;
        if !path.exists() {
            // Another start had the lock, said it and removed the mark.
            return None;
        }
        let mut text = String::new();
        let _ = file.read_to_string(&mut text);
        let mut dead = Self {
            session_id,
            begun: None,
            has_panicked: false,
            has_crashed: false,
            was_at_rest: false,
            said_in: None,
            path,
            file,
        };
        for line in text.lines() {
            // A line that a power loss has torn says nothing.
            let entry: Entry = serde_json::from_str(line).unwrap_or_default();
            dead.begun = dead.begun.or(entry.begun);
            dead.has_panicked |= entry.panic_at.is_some();
            dead.has_crashed |= entry.has_crashed;
            dead.was_at_rest = entry.is_at_rest.unwrap_or(dead.was_at_rest);
            dead.said_in = entry
                .said_in
                .as_deref()
                .and_then(QueueId::parse)
                .or(dead.said_in);
        }
        Some(dead)
    }
}

/// The sessions under `root` that died without an end, oldest first. Each is given to one caller only.
pub(crate) fn dead(root: &Path) -> Vec<Dead> {
    let Ok(names) = fs::read_dir(root) else {
        return Vec::new();
    };
    let mut dead = Vec::new();
    for entry in names.flatten() {
        let Some(name) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX))
            .map(str::to_owned)
        else {
            continue;
        };
        if let Some(name) = name.strip_suffix(&format!(".{ASIDE}")) {
            if Uuid::parse_str(name).is_ok() {
                sweep(&entry.path());
            }
        } else if let Ok(session_id) = Uuid::parse_str(&name) {
            dead.extend(Dead::take(entry.path(), session_id));
        }
    }
    let started_at = |dead: &Dead| dead.begun.as_ref().map(|begun| begun.started_at.clone());
    dead.sort_by_key(started_at);
    dead
}

/// Removes a mark that never got its name: its process died in that very moment. One that is still empty may be about
/// to be locked.
fn sweep(path: &Path) {
    if let Ok(file) = File::open(path)
        && file.metadata().is_ok_and(|found| found.len() > 0)
        && file.try_lock().is_ok()
    {
        let _ = fs::remove_file(path);
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(flag: &bool) -> bool {
    !flag
}

fn append(mut file: &File, entry: &Entry) -> io::Result<()> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    file.write_all(&line)
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = private::files();
    options.read(true).append(true).create_new(true).open(path)
}

const PREFIX: &str = "session-";
const ASIDE: &str = "new";

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session::of(Uuid::new_v4(), serde_json::Map::new())
    }

    fn mark(root: &Path, session: &Session, second: i64) -> Mark {
        let now = Timestamp::from_second(second).unwrap();
        Mark::set(
            root,
            session,
            QueueId::parse("0123456789abcdef").unwrap(),
            now,
        )
        .unwrap()
    }

    fn ids(dead: &[Dead]) -> Vec<Uuid> {
        dead.iter().map(|dead| dead.session_id).collect()
    }

    #[test]
    fn a_session_that_runs_is_not_dead_and_one_that_ended_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let mark = mark(root.path(), &session(), 1);
        assert!(dead(root.path()).is_empty());
        mark.remove();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_dead_are_found_oldest_first_and_each_by_one_only() {
        let root = tempfile::tempdir().unwrap();
        let (older, newer) = (session(), session());
        drop(mark(root.path(), &newer, 2));
        let died = mark(root.path(), &older, 1);
        died.panicked(Timestamp::UNIX_EPOCH, false);
        drop(died);
        let found = dead(root.path());
        assert_eq!(ids(&found), [older.session_id, newer.session_id]);
        assert_eq!(
            found
                .iter()
                .map(|dead| dead.has_panicked)
                .collect::<Vec<_>>(),
            [true, false]
        );
        let begun = found[0].begun.as_ref().unwrap();
        assert_eq!(
            (begun.queue.as_str(), begun.pid),
            ("0123456789abcdef", std::process::id())
        );
        assert!(dead(root.path()).is_empty(), "both are in hand");
        for dead in found {
            dead.remove();
        }
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_mark_that_a_power_loss_has_emptied_or_torn_still_names_its_session() {
        for content in ["", "{\"begun\":{\"queue\":\"01", "\0\0\0\0"] {
            let root = tempfile::tempdir().unwrap();
            let session_id = Uuid::new_v4();
            fs::write(root.path().join(format!("session-{session_id}")), content).unwrap();
            let found = dead(root.path());
            assert_eq!(ids(&found), [session_id], "{content:?}");
            assert_eq!(found[0].begun, None);
        }
    }

    #[test]
    fn what_was_about_to_be_said_is_known_to_the_next() {
        let root = tempfile::tempdir().unwrap();
        drop(mark(root.path(), &session(), 1));
        let queue = QueueId::parse("fedcba9876543210");
        dead(root.path())[0].claim(queue.unwrap());
        assert_eq!(dead(root.path())[0].said_in, queue);
    }

    #[test]
    fn a_mark_without_its_name_is_swept_once_its_process_is_gone() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join(format!("session-{}.new", Uuid::new_v4()));
        fs::write(&path, "").unwrap();
        assert!(dead(root.path()).is_empty());
        assert!(path.exists(), "it may be about to be locked");
        fs::write(&path, "{}\n").unwrap();
        assert!(dead(root.path()).is_empty());
        assert!(!path.exists());
    }

    #[test]
    fn the_last_word_on_rest_counts_and_a_crash_stays_one() {
        for (rests, was_at_rest) in [
            (&[][..], false),
            (&[true], true),
            (&[true, false], false),
            (&[true, false, true], true),
        ] {
            let root = tempfile::tempdir().unwrap();
            let died = mark(root.path(), &session(), 1);
            died.crashed();
            for &is_at_rest in rests {
                died.rests(is_at_rest);
            }
            drop(died);
            let found = &dead(root.path())[0];
            assert_eq!(found.was_at_rest, was_at_rest, "{rests:?}");
            assert_eq!((found.has_crashed, found.has_panicked), (true, false));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_mark_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        let session = session();
        let _mark = mark(root.path(), &session, 1);
        let path = root.path().join(format!("session-{}", session.session_id));
        assert_eq!(
            fs::metadata(path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
