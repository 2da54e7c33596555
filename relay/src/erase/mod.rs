//! Erases a person from everything that the relay keeps, and says in numbers what that was and what it does not reach.
//!
//! In this order, so that a relay that is killed at any moment is either as before or goes on at the next start:
//!
//! 0. the audit is told, with what stands for the id; rules for levels that are for the person go, and what stands for the
//!    id takes its place in both audits (again at the end, for look-ups that came meanwhile);
//! 1. a stone is put, synced: from now on what comes again of before is kept out (`stone`);
//! 2. waiting frames, dead letters and the ledger, in one transaction; then the spool's file is written anew
//!    (`spool`, `what_was_erased_is_in_no_byte_of_the_spool`);
//! 3. the segments of the index, one after the other, each beside the old one and put in its place
//!    (`index`, `a_segment_without_somebody_answers_for_the_others_as_before`);
//! 4. damaged files that were put aside are removed: they can't be searched;
//! 5. the stone says that it is done.
//!
//! The proof over the whole data directory is `relay/tests/lookups/forget.rs`.
//!
//! What it does not do: reach what has left the relay. [`Forgotten::not_reached`] names that.

mod forgotten;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

pub use forgotten::{Forgotten, Request, RequestError};

use crate::access::{Audit, AuditError, Deed};
use crate::config::Config;
use crate::index::{self, Desk, Limits, Shelf};
use crate::levels::{Levels, StoreError};
use crate::spool::{OfferError, Spool};
use crate::stone::{Stone, StoneError, Stones};
use crate::store;

/// Erases persons from one data directory, one at a time.
#[derive(Debug)]
pub struct Eraser {
    dir: PathBuf,
    stones: Arc<Stones>,
    spool: Spool,
    /// Who fills the index, where somebody does.
    desk: Option<Desk>,
    /// The audit and the rules for levels, which name persons too.
    notes: Option<(Audit, Levels)>,
    keep: Duration,
    /// Where records have gone that the relay does not reach.
    gone_to: Vec<String>,
    one_at_a_time: Mutex<()>,
}

/// Somebody was not erased, or not from everything. What was erased stays erased; ask again, or start the relay again: it
/// goes on where this ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EraseError {
    /// It is not said whom to erase, or why.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The stone can't be written. Nothing was erased.
    #[error(transparent)]
    Stone(#[from] StoneError),
    /// It can't be kept in the audit, or the audit can't be rewritten.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The rules for levels can't be rewritten.
    #[error(transparent)]
    Levels(#[from] StoreError),
    /// The spool can't be written.
    #[error("the spool is not erased")]
    Spool(#[from] OfferError),
    /// The index can't be written.
    #[error("the index is not erased")]
    Index(#[source] sqlx::Error),
    /// A damaged file that was put aside can't be removed.
    #[error("`{}` can't be removed", .file.display())]
    Aside {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Eraser {
    /// Erases from the data directory of `config`, whose index is filled by whoever is behind `desk`.
    #[must_use]
    pub fn new(config: &Config, stones: Arc<Stones>, spool: Spool, desk: Option<Desk>) -> Self {
        let mut gone_to = Vec::new();
        if config.upstream.is_some() {
            gone_to.push("the upstream: what was exported to it".to_owned());
        }
        if let Some(files) = &config.files {
            gone_to.push(format!(
                "the files in `{}`: what was written to them",
                files.dir.display()
            ));
        }
        gone_to.push("backups of the data directory".to_owned());
        if let Some(people) = &config.people {
            let people = people.display();
            gone_to.push(format!(
                "`{people}`, which is yours: take their line out of it"
            ));
        }
        gone_to.push("what the records of others say about them".to_owned());
        Self {
            dir: config.data_dir.clone(),
            stones,
            spool,
            desk,
            notes: None,
            keep: config
                .index
                .as_ref()
                .map_or(Limits::default().keep, |index| index.keep),
            gone_to,
            one_at_a_time: Mutex::default(),
        }
    }

    /// The same, that erases from this audit and from these rules too.
    #[must_use]
    pub fn with(mut self, audit: Audit, levels: Levels) -> Self {
        self.notes = Some((audit, levels));
        self
    }

    /// Erases whom `who` asks for.
    ///
    /// # Errors
    ///
    /// When not all of it could be done: see [`EraseError`].
    pub async fn forget(&self, request: &Request, who: &str) -> Result<Forgotten, EraseError> {
        let (kind, id) = request.whom()?;
        let why = request.why()?;
        let _one = self.one_at_a_time.lock().await;
        let whom = self.stones.whom(kind, id)?;
        let hash: String = whom
            .hash()
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let ids = [store::Forgotten {
            id: id.to_owned(),
            stands_for: format!("#{hash}"),
        }];
        if let Some((audit, _)) = &self.notes {
            let deed = Deed {
                who: who.into(),
                action: "forget",
                subject: format!("{}:#{hash}", kind.name()),
                query: String::new(),
                why: ids[0]
                    .replaced(why)
                    .unwrap_or_else(|| why.to_owned())
                    .into(),
            };
            audit.note(deed).await?;
        }
        // While the id is known: a start that finishes what was cut short knows only its hash.
        self.forget_notes(&ids).await?;
        let stone = self.stones.put(whom, self.keep).await?;
        let forgotten = self.erase(&stone).await?;
        self.forget_notes(&ids).await?;
        Ok(forgotten)
    }

    async fn forget_notes(&self, ids: &[store::Forgotten]) -> Result<(), EraseError> {
        if let Some((audit, levels)) = &self.notes {
            levels.forget(ids).await?;
            audit.forget(ids.to_vec()).await?;
        }
        Ok(())
    }

    /// Finishes what an earlier run did not. Call it before the index is opened.
    pub async fn finish(&self) {
        for stone in self.stones.unfinished() {
            let whom = stone.whom.kind().name();
            match self.erase(&stone).await {
                Ok(forgotten) => tracing::warn!(
                    whom,
                    records = forgotten.records + forgotten.waiting_records,
                    "the relay ended in the middle of an erasure: it is finished now"
                ),
                Err(error) => tracing::error!(
                    whom,
                    error = crate::text::chain(&error),
                    "an erasure is not finished; the next start tries again"
                ),
            }
        }
    }

    async fn erase(&self, stone: &Stone) -> Result<Forgotten, EraseError> {
        let spool = self.spool.erase(stone.clone()).await?;
        let index = self.index(stone).await.map_err(EraseError::Index)?;
        let damaged_spools = remove_damaged(&self.dir)?;
        self.stones.done(stone)?;
        let mut not_reached = self.gone_to.clone();
        not_reached.extend(index.not_reached.iter().map(|number| {
            format!("segment {number} of the index: a newer relay wrote it, or it can't be opened")
        }));
        let forgotten = Forgotten {
            kind: stone.whom.kind(),
            records: index.records,
            segments: index.segments,
            waiting_records: spool.records,
            frames: spool.frames,
            dead_letters: spool.dead_letters,
            ledger_queues: spool.queues,
            damaged_files_removed: index.damaged_removed + damaged_spools,
            kept_out_until: forgotten::time(stone.ends_at),
            not_reached,
        };
        tracing::info!(
            whom = stone.whom.kind().name(),
            records = forgotten.records,
            segments = forgotten.segments,
            waiting_records = forgotten.waiting_records,
            dead_letters = forgotten.dead_letters,
            "a person was erased"
        );
        Ok(forgotten)
    }

    async fn index(&self, stone: &Stone) -> Result<index::Erased, sqlx::Error> {
        if let Some(desk) = &self.desk {
            return desk.erase(stone.whom.clone()).await;
        }
        // Nobody fills it now; what an earlier run put there is there.
        let dir = self.dir.join(index::DIR);
        if !dir.exists() {
            return Ok(index::Erased::default());
        }
        let mut shelf = Shelf::open(&dir, Limits::default()).await?;
        let erased = shelf.erase(&stone.whom).await;
        shelf.close().await?;
        erased
    }
}

/// Removes what is left of damaged spools; how many there were.
fn remove_damaged(dir: &Path) -> Result<u64, EraseError> {
    let mut removed = 0;
    for left in [
        ".damaged",
        ".damaged-wal",
        ".mending",
        ".mending-wal",
        ".mending-shm",
    ] {
        let file = dir.join(format!("{}{left}", crate::spool::DATABASE));
        match std::fs::remove_file(&file) {
            Ok(()) => removed += u64::from(left == ".damaged"),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(EraseError::Aside { file, source }),
        }
    }
    Ok(removed)
}
