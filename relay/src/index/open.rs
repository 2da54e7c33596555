//! The index of a running relay, for whoever asks it something.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::metrics::Lookups;
use crate::spool::Spool;

use super::files;
use super::indexer::{Counts, Indexer};
use super::look::{Reader, TIME_LIMIT};
use super::shelf::Board;

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Records.
    pub records: u64,
    /// Segments that can be read.
    pub segments: u64,
    /// Bytes of their files.
    pub bytes: u64,
    /// Segments that can't be read.
    pub unreadable: u64,
    /// Records of the time that they cover which are in none of them.
    pub missing: u64,
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// What can be asked of the index while it is filled.
#[derive(Debug)]
pub struct Index {
    /// Finds records.
    pub reader: Reader,
    /// How the indexing goes.
    pub counts: Arc<Counts>,
    dir: PathBuf,
    board: Arc<Board>,
    spool: Spool,
    keep: Duration,
}

impl Index {
    /// Of the index that `indexer` fills in `dir`, from `spool`, and whose records are kept for `keep`. Questions are counted
    /// in `lookups`.
    #[must_use]
    pub fn new(
        dir: &Path,
        indexer: &Indexer,
        spool: Spool,
        keep: Duration,
        lookups: Arc<Lookups>,
    ) -> Self {
        let board = indexer.board();
        Self {
            reader: Reader::new(dir, Arc::clone(&board), TIME_LIMIT).counted_in(lookups),
            counts: indexer.counts(),
            dir: dir.to_owned(),
            board,
            spool,
            keep,
        }
    }

    /// How it is: records, files and their bytes, files that can't be read, records that are missing.
    #[must_use]
    pub fn size(&self) -> Size {
        let state = self.board.state().clone();
        let bytes = |&number: &u64| {
            let file = files::segment(&self.dir, number);
            std::fs::metadata(file).map_or(0, |metadata| metadata.len())
        };
        Size {
            records: state.segments.values().map(|facts| facts.records).sum(),
            segments: count(state.segments.len()),
            bytes: state.segments.keys().map(bytes).sum(),
            unreadable: count(state.unreadable.len()),
            missing: state.missing(),
        }
    }

    /// How long records are kept, by when they came.
    #[must_use]
    pub fn keep(&self) -> Duration {
        self.keep
    }

    /// When the first record that it has came, in Unix milliseconds; nothing when it has none.
    #[must_use]
    pub fn kept_since(&self) -> Option<i64> {
        let state = self.board.state();
        let with_records = state.segments.values().find(|facts| facts.records > 0);
        with_records.map(|facts| facts.first_received)
    }

    /// Up to when what came is in it, in Unix milliseconds: now, unless something waits.
    pub async fn indexed_until(&self, now: i64) -> i64 {
        let waiting = self.spool.oldest_of(crate::spool::Consumer::Index).await;
        let millis = |nanos: u64| i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX);
        match waiting {
            Ok(None) => now,
            Ok(Some(received)) => millis(received).min(now),
            // It can't be told: up to what it has for certain.
            Err(_) => {
                let state = self.board.state();
                let last = state.segments.values().next_back();
                last.map_or(0, |facts| facts.last_received)
            }
        }
    }
}
