//! The index of a running relay, for whoever asks it something.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::spool::Spool;

use super::indexer::{Counts, Indexer};
use super::look::{Reader, TIME_LIMIT};
use super::shelf::Board;

/// What can be asked of the index while it is filled.
#[derive(Debug)]
pub struct Index {
    /// Finds records.
    pub reader: Reader,
    /// How the indexing goes.
    pub counts: Arc<Counts>,
    board: Arc<Board>,
    spool: Spool,
    keep: Duration,
}

impl Index {
    /// Of the index that `indexer` fills in `dir`, from `spool`, and whose records are kept for `keep`.
    #[must_use]
    pub fn new(dir: &Path, indexer: &Indexer, spool: Spool, keep: Duration) -> Self {
        let board = indexer.board();
        Self {
            reader: Reader::new(dir, Arc::clone(&board), TIME_LIMIT),
            counts: indexer.counts(),
            board,
            spool,
            keep,
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
