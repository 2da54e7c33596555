//! What a spool says of itself; nothing here waits for the writer.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::consumer::{Consumer, Cursor, Depth};
use super::gauge::Writes;
use super::handle::Spool;
use super::integer::unsigned;
use super::ledger::Size;
use super::letters::Dead;

impl Spool {
    /// Where a consumer stands; `None` when nothing is kept for it.
    #[must_use]
    pub fn cursor(&self, consumer: Consumer) -> Option<Cursor> {
        self.gauge.stand().of(consumer)
    }

    /// The last frame that was kept.
    #[must_use]
    pub fn last_frame(&self) -> i64 {
        self.gauge.stand().last_frame
    }

    /// What waits for the consumer that is furthest behind: what is on disk.
    #[must_use]
    pub fn depth(&self) -> Depth {
        self.gauge.stand().depth()
    }

    /// What waits for each consumer.
    #[must_use]
    pub fn depths(&self) -> Vec<(Consumer, Depth)> {
        self.gauge.stand().depths()
    }

    /// Records found damaged since the relay started; they are lost.
    #[must_use]
    pub fn damaged_records(&self) -> u64 {
        self.gauge
            .damaged
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .records
    }

    /// The dead letters that are kept.
    #[must_use]
    pub fn dead(&self) -> Dead {
        *self
            .gauge
            .dead
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// How the writing goes.
    #[must_use]
    pub fn writes(&self) -> Writes {
        Writes {
            failed: self.gauge.failed_writes.load(Ordering::Relaxed),
            is_failing: self.gauge.is_failing.load(Ordering::Relaxed),
            is_log_lost: self.gauge.log_lost.load(Ordering::Relaxed),
        }
    }

    /// Frames found damaged since the relay started.
    #[must_use]
    pub fn damaged_frames(&self) -> u64 {
        let damaged = self.gauge.damaged.lock();
        damaged.unwrap_or_else(PoisonError::into_inner).frames
    }

    /// Counts so many records of a frame as damaged; once, however often that is found.
    pub fn damaged_frame(&self, frame: i64, records: u64) {
        self.gauge.damaged_frame(frame, records);
    }

    /// How many dead letters are kept.
    #[must_use]
    pub fn dead_letters(&self) -> u64 {
        self.dead().letters
    }

    /// From now on dead letters are kept for so long.
    pub fn keep_dead_for(&self, keep: Duration) {
        let nanos = u64::try_from(keep.as_nanos()).unwrap_or(u64::MAX);
        self.gauge.keep_dead.store(nanos, Ordering::Relaxed);
    }

    /// Bytes of the cap that are used: what waits, the ledger of accepted names, dead letters.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        let beside = self.ledger().bytes.saturating_add(self.dead().bytes);
        self.depth().bytes.saturating_add(beside)
    }

    /// How much the ledger of accepted names holds.
    #[must_use]
    pub fn ledger(&self) -> Size {
        let ledger = self.gauge.ledger.lock();
        *ledger.unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it has ever kept anything.
    #[must_use]
    pub fn has_kept_any(&self) -> bool {
        self.gauge.stand().head.records > 0
    }

    /// When the oldest pending frame came, in Unix nanoseconds.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub async fn oldest_received(&self) -> Result<Option<u64>, sqlx::Error> {
        let behind = self.gauge.stand().behind().frame;
        self.received_behind(behind).await
    }

    /// When the oldest frame came that waits for this consumer, in Unix nanoseconds.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub async fn oldest_of(&self, consumer: Consumer) -> Result<Option<u64>, sqlx::Error> {
        let cursor = self.gauge.stand().of(consumer);
        match cursor {
            Some(cursor) => self.received_behind(cursor.frame).await,
            None => Ok(None),
        }
    }

    async fn received_behind(&self, frame: i64) -> Result<Option<u64>, sqlx::Error> {
        let mut reading = self.reading.lock().await;
        let connection = reading.current(&self.dir, &self.gauge).await?;
        let received =
            sqlx::query_scalar("SELECT received FROM frame WHERE id > ?1 ORDER BY id LIMIT 1")
                .bind(frame)
                .fetch_optional(&mut *connection)
                .await?;
        Ok(received.map(unsigned))
    }
}
