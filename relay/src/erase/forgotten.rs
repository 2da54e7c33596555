//! Whom to forget, and what was forgotten, as the admin API and the command say it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::stone::Kind;

/// Whom to erase, by one of three ids, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// A user: what records claim, and whose token they came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// An installation of a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install: Option<String>,
    /// Whose token records came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// Why, for the audit.
    #[serde(default)]
    pub why: String,
}

/// What is wrong with a request to erase somebody.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// There must be one id, and no more.
    #[error("say whom to forget by exactly one of `user`, `install` and `sender`")]
    Whom,
    /// The reason is for the audit, and can't be left out.
    #[error("say why with `why`, for example `request of 3 May, ticket 4711`")]
    Why,
}

impl Request {
    /// The id, and what it is an id of.
    ///
    /// # Errors
    ///
    /// When there is none, or more than one.
    pub fn whom(&self) -> Result<(Kind, &str), RequestError> {
        let ids = [
            (Kind::User, &self.user),
            (Kind::Install, &self.install),
            (Kind::Sender, &self.sender),
        ];
        let mut given = ids
            .into_iter()
            .filter_map(|(kind, id)| Some((kind, id.as_deref()?)))
            .filter(|(_, id)| !id.is_empty());
        match (given.next(), given.next()) {
            (Some(whom), None) => Ok(whom),
            _ => Err(RequestError::Whom),
        }
    }

    /// Why.
    ///
    /// # Errors
    ///
    /// When that is not said.
    pub fn why(&self) -> Result<&str, RequestError> {
        let why = self.why.trim();
        if why.is_empty() {
            return Err(RequestError::Why);
        }
        Ok(why)
    }
}

/// What was erased. Whom is not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// What the id was an id of.
    pub kind: Kind,
    /// Records of the index.
    pub records: u64,
    /// The segments that they were in: they were written anew.
    pub segments: u64,
    /// Records that waited in the spool.
    pub waiting_records: u64,
    /// The frames of the spool that they were in.
    pub frames: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Disk queues of theirs in the ledger of accepted names, which has a keyed hash in the place of the sender now.
    pub ledger_queues: u64,
    /// Damaged files that had been put aside: they can't be searched, and were removed.
    pub damaged_files_removed: u64,
    /// Until when records of before are kept out that a device sends again, RFC 3339.
    pub kept_out_until: String,
    /// What the relay does not reach: there it is somebody else's to erase.
    pub not_reached: Vec<String>,
}

impl Forgotten {
    /// Whether there was nothing of them.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        let Self {
            records,
            waiting_records,
            dead_letters,
            ledger_queues,
            ..
        } = self;
        records + waiting_records + dead_letters + ledger_queues == 0
    }
}

impl std::fmt::Display for Forgotten {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "erased: {} records in {} segments of the index, {} waiting records in {} frames, {} dead letters",
            self.records, self.segments, self.waiting_records, self.frames, self.dead_letters
        )?;
        if self.damaged_files_removed > 0 {
            writeln!(
                f,
                "removed: {} damaged files that had been put aside and can't be searched",
                self.damaged_files_removed
            )?;
        }
        writeln!(
            f,
            "kept out until {}: what a device sends again of before now",
            self.kept_out_until
        )?;
        writeln!(f, "not reached, erase it there:")?;
        for place in &self.not_reached {
            writeln!(f, "  {place}")?;
        }
        Ok(())
    }
}

/// Unix milliseconds as RFC 3339.
pub(super) fn time(millis: i64) -> String {
    let time = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX);
    time.to_string()
}
