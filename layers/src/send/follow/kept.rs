//! What the relay last said, on disk for the next start: `levels.json` beside the queues.
//!
//! 1. What was for a while holds for what is left of it by the wall clock, and never longer than was left when it was
//!    written: a clock that was set back meanwhile prolongs nothing.
//! 2. What was for one session is not kept: the next one is another.
//! 3. A file that can't be understood counts as missing.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::level::Said;
use crate::private;

/// The file in the queue's root.
const FILE: &str = "levels.json";
/// A file that is longer was not written by us.
const MAX_BYTES: u64 = 256 * 1024;

/// What is kept from one start to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    /// The tag of all of it; none when something of it is over.
    pub etag: Option<String>,
    pub standing: Option<Said>,
    /// With how long it still holds.
    pub passing: Option<(Said, Duration)>,
    pub refresh: Option<Duration>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    version: u32,
    written_at_unix_millis: i64,
    etag: Option<String>,
    refresh_seconds: Option<u64>,
    standing: Option<StoredSaid>,
    passing: Option<StoredSaid>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredSaid {
    levels: String,
    rule: String,
    left_millis: Option<u64>,
}

impl Kept {
    /// What is left of what was kept in `root`; nothing where there is none.
    pub fn load(root: &Path, now: Timestamp) -> Self {
        read(&root.join(FILE))
            .and_then(|stored| stored.left(now))
            .unwrap_or_default()
    }

    /// Keeps it. A crash leaves the old or the new, whole.
    pub fn save(&self, root: &Path, now: Timestamp) -> io::Result<()> {
        let of_session = |said: &Said| said.rule.starts_with("session ");
        let is_partial = self.passing.iter().any(|(said, _)| of_session(said))
            || self.standing.iter().any(of_session);
        let stored = Stored {
            version: VERSION,
            written_at_unix_millis: now.as_millisecond(),
            etag: self.etag.clone().filter(|_| !is_partial),
            refresh_seconds: self.refresh.map(|refresh| refresh.as_secs()),
            standing: self
                .standing
                .as_ref()
                .filter(|said| !of_session(said))
                .map(|said| StoredSaid::of(said, None)),
            passing: self
                .passing
                .as_ref()
                .filter(|(said, _)| !of_session(said))
                .map(|(said, left)| StoredSaid::of(said, Some(*left))),
        };
        let json = serde_json::to_vec(&stored).map_err(io::Error::other)?;
        let aside = aside(root);
        let written =
            write_private(&aside, &json).and_then(|()| fs::rename(&aside, root.join(FILE)));
        if written.is_err() {
            let _ = fs::remove_file(&aside);
        }
        written
    }
}

impl Stored {
    fn left(self, now: Timestamp) -> Option<Kept> {
        if self.version != VERSION {
            return None;
        }
        let passed = now
            .as_millisecond()
            .checked_sub(self.written_at_unix_millis)?;
        let passed = Duration::from_millis(u64::try_from(passed).unwrap_or(0));
        let standing = self.standing.map(|said| said.said(None)).transpose();
        let (standing, mut etag) = (standing.ok()?, self.etag);
        let mut passing = None;
        if let Some(stored) = self.passing {
            let left = Duration::from_millis(stored.left_millis?);
            let left = left.saturating_sub(passed);
            if left.is_zero() {
                // The relay's clock may say otherwise: it is asked without the tag, and says all of it again.
                etag = None;
            } else {
                let until = now.checked_add(left).ok();
                passing = Some((stored.said(until).ok()?, left));
            }
        }
        Some(Kept {
            etag,
            standing,
            passing,
            refresh: self.refresh_seconds.map(Duration::from_secs),
        })
    }
}

impl StoredSaid {
    fn of(said: &Said, left: Option<Duration>) -> Self {
        Self {
            levels: said.rules.to_string(),
            rule: said.rule.clone(),
            left_millis: left.map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX)),
        }
    }

    fn said(self, until: Option<Timestamp>) -> Result<Said, crate::level::LevelsError> {
        Ok(Said {
            rules: self.levels.parse()?,
            rule: self.rule,
            until,
        })
    }
}

fn read(path: &Path) -> Option<Stored> {
    let mut json = Vec::new();
    let file = fs::File::open(path).ok()?;
    file.take(MAX_BYTES).read_to_end(&mut json).ok()?;
    serde_json::from_slice(&json).ok()
}

/// Programs may share a root: each writes aside under its own name.
fn aside(root: &Path) -> PathBuf {
    root.join(format!("{FILE}.{}", std::process::id()))
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = private::files();
    let mut file = options.write(true).create(true).truncate(true).open(path)?;
    file.write_all(bytes)
}

const VERSION: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn said(levels: &str, rule: &str) -> Said {
        Said {
            rules: levels.parse().unwrap(),
            rule: rule.to_owned(),
            until: None,
        }
    }

    fn kept(rule: &str, left: u64) -> Kept {
        Kept {
            etag: Some("\"tag\"".to_owned()),
            standing: Some(said("warning,app=info", "service 3")),
            passing: Some((said("trace", rule), Duration::from_secs(left))),
            refresh: Some(Duration::from_secs(600)),
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    #[test]
    fn what_is_left_at_the_next_start_is_what_the_wall_clock_left_and_no_more() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Kept::load(root.path(), at(0)), Kept::default());
        kept("user 7", 60).save(root.path(), at(0)).unwrap();
        for (now, left) in [
            (0, Some(60)),
            (59, Some(1)),
            (60, None),
            (1_000_000, None),
            (-1_000_000, Some(60)),
        ] {
            let loaded = Kept::load(root.path(), at(now));
            let passing = loaded.passing.as_ref();
            assert_eq!(passing.map(|(_, left)| left.as_secs()), left, "at {now}");
            assert_eq!(loaded.etag.is_some(), left.is_some(), "at {now}");
            assert_eq!(loaded.standing, kept("", 0).standing, "at {now}");
        }
        let names: Vec<_> = fs::read_dir(root.path())
            .unwrap()
            .map(|file| file.unwrap().file_name())
            .collect();
        assert_eq!(names, [FILE], "nothing is left aside");
    }

    #[test]
    fn what_is_for_one_session_is_not_kept() {
        let root = tempfile::tempdir().unwrap();
        kept("session 9", 60).save(root.path(), at(0)).unwrap();
        let loaded = Kept::load(root.path(), at(1));
        assert_eq!((loaded.passing, loaded.etag), (None, None));
        assert!(loaded.standing.is_some());
    }

    #[test]
    fn a_file_that_makes_no_sense_is_none() {
        let root = tempfile::tempdir().unwrap();
        let good = {
            kept("user 7", 60).save(root.path(), at(0)).unwrap();
            fs::read_to_string(root.path().join(FILE)).unwrap()
        };
        for bad in [
            String::new(),
            "{}".to_owned(),
            "\0\0\0".to_owned(),
            good[..good.len() / 2].to_owned(),
            good.replace("\"version\":1", "\"version\":2"),
            good.replace("\"trace\"", "\"loud\""),
            good.replace("\"left_millis\":60000", "\"left_millis\":-1"),
            good.replace("\"left_millis\":60000", "\"left_millis\":null"),
            format!("{}{good}", " ".repeat(300 * 1024)),
        ] {
            assert_ne!(bad, good);
            fs::write(root.path().join(FILE), &bad).unwrap();
            let loaded = Kept::load(root.path(), at(0));
            assert!(loaded.passing.is_none(), "{bad:.80}");
        }
    }
}
