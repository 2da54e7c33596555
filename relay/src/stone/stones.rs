//! All stones of a data directory.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{RwLock as Gate, RwLockReadGuard};

use super::file::{self, FILE, Kept};
use super::whom::{Key, Kind, Of, Whom, hex};
use crate::identity::{Secret, SecretError};

/// The stones can't be read or written: nobody who was erased could be kept out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoneError {
    /// The file is damaged, or its disk refuses. Put a backup in its place; without it, erased persons would come back.
    #[error("cannot use `{}`: it says who was erased", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The key of the hashes can't be used.
    #[error(transparent)]
    Key(#[from] SecretError),
    /// There are stones, and their key is gone: put `erase.key` back, from where the data directory is kept as well.
    #[error("`{}` is gone: without it nobody who was erased can be kept out", .0.display())]
    KeyGone(PathBuf),
    /// An id must be given.
    #[error("whom to forget is empty: give the id of a user, an installation or a sender")]
    Nobody,
}

/// A person who was erased.
#[derive(Clone, Debug)]
pub struct Stone {
    /// Who.
    pub whom: Whom,
    /// When, in Unix milliseconds.
    pub made_at: i64,
    /// Until when their records are kept out, in Unix milliseconds.
    pub ends_at: i64,
    /// Whether all that there was has been erased.
    pub is_done: bool,
}

/// The stones of one data directory. They are read from its file once.
#[derive(Debug)]
pub struct Stones {
    dir: PathBuf,
    key: Mutex<Option<Key>>,
    all: RwLock<Arc<Vec<Stone>>>,
    gate: Gate<()>,
}

impl Stones {
    /// The stones of `dir`. Those that have ended are left out.
    ///
    /// # Errors
    ///
    /// When they can't be read: see [`StoneError`].
    pub fn open(dir: &Path) -> Result<Self, StoneError> {
        let stones = Self {
            dir: dir.to_owned(),
            key: Mutex::default(),
            all: RwLock::default(),
            gate: Gate::default(),
        };
        let kept = file::read(dir).map_err(|source| stones.failed(source))?;
        if dir.join(KEY).exists() {
            stones.key()?;
        } else if !kept.is_empty() {
            return Err(StoneError::KeyGone(dir.join(KEY)));
        }
        if !kept.is_empty() {
            let key = stones.key()?;
            let now = Timestamp::now().as_millisecond();
            let all = kept.iter().map(|kept| stone(kept, &key));
            let all = all.collect::<Result<Vec<_>, _>>();
            let mut all = all.map_err(|source| stones.failed(source))?;
            all.retain(|stone| stone.ends_at > now || !stone.is_done);
            *stones.all.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(all);
        }
        Ok(stones)
    }

    fn key(&self) -> Result<Key, StoneError> {
        let mut known = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = known.as_ref() {
            return Ok(key.clone());
        }
        let key = Key::new(Secret::in_dir(&self.dir, KEY)?.expose());
        Ok(known.insert(key).clone())
    }

    fn failed(&self, source: std::io::Error) -> StoneError {
        StoneError::File {
            file: self.dir.join(FILE),
            source,
        }
    }

    /// The person with this id. The key is made when there is none.
    ///
    /// # Errors
    ///
    /// When the key can't be made or read, or the id is empty.
    pub fn whom(&self, kind: Kind, id: &str) -> Result<Whom, StoneError> {
        if id.is_empty() {
            return Err(StoneError::Nobody);
        }
        Ok(Whom::new(kind, id, self.key()?))
    }

    /// All stones.
    #[must_use]
    pub fn all(&self) -> Arc<Vec<Stone>> {
        Arc::clone(&self.all.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The erasures that were not finished.
    #[must_use]
    pub fn unfinished(&self) -> Vec<Stone> {
        let all = self.all();
        all.iter().filter(|stone| !stone.is_done).cloned().collect()
    }

    /// Puts a stone, or renews it. When this returns it is on the disk, and every batch that was looked at before is in
    /// the spool.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub async fn put(&self, whom: Whom, keep: Duration) -> Result<Stone, StoneError> {
        let _nobody_between = self.gate.write().await;
        let now = Timestamp::now().as_millisecond();
        let keep = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
        let stone = Stone {
            whom,
            made_at: now,
            ends_at: now.saturating_add(keep),
            is_done: false,
        };
        self.replace(&stone)?;
        Ok(stone)
    }

    /// Says that all of it has been erased.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn done(&self, stone: &Stone) -> Result<(), StoneError> {
        self.replace(&Stone {
            is_done: true,
            ..stone.clone()
        })
    }

    fn replace(&self, stone: &Stone) -> Result<(), StoneError> {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let now = Timestamp::now().as_millisecond();
        let mut new: Vec<Stone> = all
            .iter()
            .filter(|old| {
                let is_same =
                    (old.whom.kind(), old.whom.hash()) == (stone.whom.kind(), stone.whom.hash());
                !is_same && (old.ends_at > now || !old.is_done)
            })
            .cloned()
            .collect();
        new.push(stone.clone());
        file::write(&self.dir, new.iter().map(kept).collect())
            .map_err(|source| self.failed(source))?;
        *all = Arc::new(new);
        Ok(())
    }

    /// A batch that is looked at now holds this until it is in the spool.
    pub async fn enter(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read().await
    }

    /// What is to be kept out of a batch, if anything is.
    #[must_use]
    pub fn sieve(&self) -> Option<Sieve> {
        let now = Timestamp::now().as_millisecond();
        let all = self.all();
        let stones: Vec<Stone> = all
            .iter()
            .filter(|stone| stone.ends_at > now)
            .cloned()
            .collect();
        (!stones.is_empty()).then_some(Sieve {
            stones,
            known: HashMap::new(),
        })
    }
}

/// What keeps records of erased persons out of one batch.
#[derive(Debug)]
pub struct Sieve {
    stones: Vec<Stone>,
    /// Until which time records with these ids are kept out.
    known: HashMap<[Option<String>; 3], Option<i64>>,
}

impl Sieve {
    /// Whether a record with these ids, of this time in Unix milliseconds, is kept out.
    pub fn keeps_out(&mut self, of: &Of<'_>, millis: i64) -> bool {
        let ids = [of.user, of.install, of.sender].map(|id| id.map(str::to_owned));
        let until = *self.known.entry(ids).or_insert_with(|| {
            let theirs = self.stones.iter().filter(|stone| stone.whom.owns(of));
            theirs.map(|stone| stone.made_at).max()
        });
        until.is_some_and(|until| millis <= until)
    }
}

/// The key of the stones of `dir`, if anybody was ever erased.
///
/// # Errors
///
/// When it can't be read, or others can read it.
pub fn key_in(dir: &Path) -> Result<Option<Key>, SecretError> {
    if !dir.join(KEY).exists() {
        return Ok(None);
    }
    Ok(Some(Key::new(Secret::in_dir(dir, KEY)?.expose())))
}

fn stone(kept: &Kept, key: &Key) -> Result<Stone, std::io::Error> {
    let wrong = || std::io::Error::other("a hash in it is not 64 hex digits");
    let mut hash = [0; 32];
    if kept.hash.len() != 64 {
        return Err(wrong());
    }
    for (byte, at) in hash.iter_mut().zip((0..).step_by(2)) {
        let digits = kept.hash.get(at..at + 2).ok_or_else(wrong)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
    }
    Ok(Stone {
        whom: Whom::hashed(kept.kind, hash, key.clone()),
        made_at: kept.made_at,
        ends_at: kept.ends_at,
        is_done: kept.is_done,
    })
}

fn kept(stone: &Stone) -> Kept {
    Kept {
        kind: stone.whom.kind(),
        hash: hex(&stone.whom.hash()),
        made_at: stone.made_at,
        ends_at: stone.ends_at,
        is_done: stone.is_done,
    }
}

/// The key's file in the data directory.
const KEY: &str = "erase.key";

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn stones_are_found_again_and_say_what_was_not_finished() {
        let dir = tempfile::tempdir().expect("a directory");
        let stones = Stones::open(dir.path()).expect("none yet");
        assert!(!dir.path().join(KEY).exists(), "nobody was erased");
        let day = Duration::from_secs(86_400);
        let ada = stones.whom(Kind::User, "ada").expect("a key");
        let stone = stones.put(ada, day).await.expect("it is written");
        let text = std::fs::read_to_string(dir.path().join(FILE)).expect("it is there");
        assert!(!text.contains("ada"), "{text}");

        let again = Stones::open(dir.path()).expect("they open");
        let unfinished = again.unfinished();
        assert_eq!(unfinished.len(), 1);
        assert!(unfinished[0].whom.is("ada") && !unfinished[0].whom.is("bob"));
        again.done(&stone).expect("it is written");
        let again = Stones::open(dir.path()).expect("they open");
        assert_eq!((again.unfinished().len(), again.all().len()), (0, 1));

        std::fs::remove_file(dir.path().join(KEY)).expect("it was there");
        let error = Stones::open(dir.path()).expect_err("no key").to_string();
        assert!(error.contains("erase.key` is gone"), "{error}");
    }

    #[tokio::test]
    async fn a_record_of_before_is_kept_out_and_one_of_afterwards_is_not() {
        let dir = tempfile::tempdir().expect("a directory");
        let stones = Stones::open(dir.path()).expect("none yet");
        assert!(stones.sieve().is_none());
        for (kind, id) in [
            (Kind::User, "ada"),
            (Kind::Install, "i-1"),
            (Kind::Sender, "eve"),
        ] {
            let whom = stones.whom(kind, id).expect("a key");
            stones
                .put(whom, Duration::from_secs(60))
                .await
                .expect("written");
        }
        let mut sieve = stones.sieve().expect("three stones");
        let now = Timestamp::now().as_millisecond();
        let of = |user, install, sender| Of {
            user,
            install,
            sender,
        };
        for (of, is_theirs) in [
            (of(Some("ada"), None, Some("bob")), true),
            (of(Some("bob"), None, Some("ada")), true),
            (of(None, Some("i-1"), None), true),
            (of(Some("eve"), None, Some("bob")), false),
            (of(Some("bob"), None, Some("eve")), true),
            (of(Some("bob"), Some("i-2"), Some("bob")), false),
            (of(None, None, None), false),
        ] {
            assert_eq!(sieve.keeps_out(&of, now - 60_000), is_theirs, "{of:?}");
            assert!(!sieve.keeps_out(&of, now + 60_000), "{of:?} afterwards");
        }
    }

    #[tokio::test]
    async fn a_stone_that_has_ended_keeps_nobody_out() {
        let dir = tempfile::tempdir().expect("a directory");
        let stones = Stones::open(dir.path()).expect("none yet");
        let ada = stones.whom(Kind::User, "ada").expect("a key");
        stones.put(ada, Duration::ZERO).await.expect("written");
        assert!(stones.sieve().is_none());
    }
}
