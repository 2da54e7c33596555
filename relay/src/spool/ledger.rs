//! Which records were accepted before: by (subject, queue, seq), or by the hash of who and what for ten minutes.
//!
//! A device sends its queue in order, so nearly every batch stands right behind the last one of its queue. The last range
//! of each queue is remembered: such a batch costs one statement. Only this process writes, so what is remembered is true
//! until a transaction fails.
//!
//! A queue that sends every other seq only has a range for each of them. So that nobody's seqs stall or fill the ledger:
//!
//! 1. a request looks at the ranges that its own seqs touch, however many lie between them;
//! 2. a queue has at most [`MAX_RANGES`] ranges: past that its lowest gaps are closed, and what would have come in them
//!    counts as accepted before;
//! 3. a queue that was silent for 400 days is forgotten; where all queues take more than their share of the spool's cap,
//!    the one that was silent longest is forgotten before that. See [`Ledger::sweep`].

use sqlx::{Row, SqliteConnection};

use super::accepted::{self, Closed, GROW};
use super::clock::hour;
use super::hashes::{self, Hashes};
use super::integer::{signed, stored_seq, unsigned};
use super::offer::{Named, Offer, Verdict};
use super::ranges::{self, Range};
use super::remembered::Remembered;

/// The names in the database, and the last range of each queue that was asked for.
#[derive(Debug, Default)]
pub struct Ledger {
    remembered: Remembered,
    size: Size,
    hashes: Hashes,
}

/// How much the ledger holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Queues that have ranges.
    pub queues: u64,
    /// Ranges of all queues.
    pub ranges: u64,
    /// About what they take on disk; this counts towards the spool's cap.
    pub bytes: u64,
    /// Gaps closed since the relay started.
    pub gaps_closed: u64,
    /// Queues forgotten since the relay started.
    pub queues_forgotten: u64,
}

impl Size {
    fn grow(&mut self, subject: &str, queue: &str, come: u64, gone: u64) {
        let each = unsigned(RANGE_BYTES).saturating_add((subject.len() + queue.len()) as u64);
        self.ranges = (self.ranges + come).saturating_sub(gone);
        self.bytes = self
            .bytes
            .saturating_add(each.saturating_mul(come))
            .saturating_sub(each.saturating_mul(gone));
    }
}

impl Ledger {
    /// The ledger of this database.
    pub async fn open(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let sums = sqlx::query(
            "SELECT count(*), coalesce(sum(ranges), 0), coalesce(sum(ranges * (?1 + length(CAST(subject AS BLOB)) + \
             length(CAST(queue AS BLOB)))), 0) FROM queue",
        )
        .bind(RANGE_BYTES)
        .fetch_one(connection)
        .await?;
        let size = Size {
            queues: unsigned(sums.try_get(0)?),
            ranges: unsigned(sums.try_get(1)?),
            bytes: unsigned(sums.try_get(2)?),
            ..Size::default()
        };
        Ok(Self {
            size,
            ..Self::default()
        })
    }

    /// Reads how much there is again, after rows were renamed.
    pub async fn read_again(
        &mut self,
        connection: &mut SqliteConnection,
    ) -> Result<(), sqlx::Error> {
        let Self { size, .. } = Self::open(connection).await?;
        self.remembered.clear();
        self.size = Size {
            gaps_closed: self.size.gaps_closed,
            queues_forgotten: self.size.queues_forgotten,
            ..size
        };
        Ok(())
    }

    /// How much is in it.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Whether any of `offer` was accepted before.
    pub async fn look(
        &mut self,
        connection: &mut SqliteConnection,
        offer: &Offer,
        now: i64,
    ) -> Result<Verdict, sqlx::Error> {
        let mut seqs = Vec::new();
        if let Some(named) = &offer.named
            && self.remembered.last_before(&offer.subject, named).is_none()
        {
            let new = ranges::of(&named.seqs);
            let had = accepted::near(connection, (&offer.subject, &named.queue), &new).await?;
            seqs = ranges::known(&had, &named.seqs);
        }
        let mut hash = false;
        if let Some(of_body) = &offer.hash {
            hash = hashes::holds(connection, of_body, now).await?;
        }
        if seqs.is_empty() && !hash {
            return Ok(Verdict::Kept);
        }
        Ok(Verdict::Known { seqs, hash })
    }

    /// Writes the names of `offer` down.
    pub async fn keep(
        &mut self,
        connection: &mut SqliteConnection,
        offer: &Offer,
        now: i64,
    ) -> Result<(), sqlx::Error> {
        if let Some(named) = &offer.named {
            self.keep_named(connection, &offer.subject, named, hour(now))
                .await?;
        }
        if let Some(hash) = &offer.hash {
            self.hashes.keep(connection, hash, now).await?;
        }
        Ok(())
    }

    /// Goes back to when the ledger had this `size`: what is remembered since may not be in the database.
    pub fn go_back(&mut self, size: Size) {
        self.remembered.clear();
        self.size = size;
    }

    async fn keep_named(
        &mut self,
        connection: &mut SqliteConnection,
        subject: &str,
        named: &Named,
        hour: i64,
    ) -> Result<(), sqlx::Error> {
        if let Some(grown) = self.remembered.grows(subject, named, hour) {
            sqlx::query(GROW)
                .bind(stored_seq(grown.last))
                .bind(subject)
                .bind(&named.queue)
                .bind(stored_seq(grown.first))
                .execute(&mut *connection)
                .await?;
            self.remembered.keep(subject, &named.queue, grown, hour);
            return Ok(());
        }
        let of = (subject, named.queue.as_str());
        let new = ranges::of(&named.seqs);
        let had = accepted::near(connection, of, &new).await?;
        let joined = ranges::join(&had, &new);
        let (gone, come) = (
            ranges::without(&had, &joined),
            ranges::without(&joined, &had),
        );
        accepted::delete(connection, of, &gone).await?;
        accepted::insert(connection, of, &come).await?;
        let (gone, come) = (gone.len() as u64, come.len() as u64);
        let stored = sqlx::query("SELECT ranges FROM queue WHERE subject = ? AND queue = ?")
            .bind(subject)
            .bind(&named.queue)
            .fetch_optional(&mut *connection)
            .await?;
        self.size.queues += u64::from(stored.is_none());
        let before = stored.map_or(Ok(0), |row| row.try_get(0).map(unsigned))?;
        let ranges = (before + come).saturating_sub(gone);
        // Not all at once, where an older relay has left a queue with many more.
        let over = ranges.saturating_sub(MAX_RANGES);
        let Closed { gaps, seqs } =
            accepted::close(connection, of, over.min(come + CLOSE_AT_ONCE)).await?;
        self.size.grow(subject, &named.queue, come, gone + gaps);
        self.size.gaps_closed += gaps;
        sqlx::query(
            "INSERT INTO queue VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE \
             SET heard = max(heard, ?3), ranges = ?4, closed = min(closed, 9223372036854775807 - ?5) + ?5",
        )
        .bind(subject)
        .bind(&named.queue)
        .bind(hour)
        .bind(signed(ranges.saturating_sub(gaps)))
        .bind(signed(seqs))
        .execute(&mut *connection)
        .await?;
        let last = accepted::last(connection, of).await?;
        self.remembered.keep(subject, &named.queue, last, hour);
        Ok(())
    }

    /// Forgets a few queues, and whether there are more to forget: those that were silent for 400 days and, where the
    /// ledger takes more than `max_bytes`, those that were silent longest. A long queue is forgotten in several steps.
    pub async fn sweep(
        &mut self,
        connection: &mut SqliteConnection,
        max_bytes: u64,
        now: i64,
    ) -> Result<bool, sqlx::Error> {
        let mut left = SWEEP_RANGES;
        while let Some((subject, queue, ranges)) = self.silent(connection, max_bytes, now).await? {
            let gone = sqlx::query(
                "DELETE FROM accepted WHERE subject = ?1 AND queue = ?2 AND first IN \
                 (SELECT first FROM accepted WHERE subject = ?1 AND queue = ?2 ORDER BY first LIMIT ?3)",
            )
            .bind(&subject)
            .bind(&queue)
            .bind(signed(left))
            .execute(&mut *connection)
            .await?
            .rows_affected();
            let is_whole = gone < left || gone >= ranges;
            let rest = if is_whole {
                "DELETE FROM queue WHERE subject = ?1 AND queue = ?2"
            } else {
                "UPDATE queue SET ranges = ranges - ?3 WHERE subject = ?1 AND queue = ?2"
            };
            sqlx::query(rest)
                .bind(&subject)
                .bind(&queue)
                .bind(signed(gone))
                .execute(&mut *connection)
                .await?;
            let counted = if is_whole { ranges } else { gone };
            self.size.grow(&subject, &queue, 0, counted);
            self.size.queues = self.size.queues.saturating_sub(u64::from(is_whole));
            self.size.queues_forgotten += u64::from(is_whole);
            self.remembered.forget(subject, queue);
            left = left.saturating_sub(gone.max(1));
            if left == 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The next queue to forget.
    async fn silent(
        &self,
        connection: &mut SqliteConnection,
        max_bytes: u64,
        now: i64,
    ) -> Result<Option<(String, String, u64)>, sqlx::Error> {
        let before = if self.size.bytes > max_bytes {
            i64::MAX
        } else {
            hour(now) - REMEMBERED_HOURS
        };
        let row = sqlx::query(
            "SELECT subject, queue, ranges FROM queue WHERE heard < ? ORDER BY heard LIMIT 1",
        )
        .bind(before)
        .fetch_optional(connection)
        .await?;
        row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?, unsigned(row.try_get(2)?))))
            .transpose()
    }

    /// The last range of the offer's queue as it is with all of the offer, when nothing but its names stands for it, and
    /// they stand right behind.
    pub fn follows(&self, offer: &Offer, now: i64) -> Option<Range> {
        let named = offer.named.as_ref().filter(|_| offer.hash.is_none())?;
        offer.frame.as_ref()?;
        self.remembered.grows(&offer.subject, named, hour(now))
    }

    /// Notes that this range was written in the hour in which the queue was last heard.
    pub fn grew(&mut self, subject: &str, queue: &str, last: Range, now: i64) {
        self.remembered.keep(subject, queue, last, hour(now));
    }
}

/// Ranges of one queue at most, by the contract.
pub const MAX_RANGES: u64 = 10_000;

/// Gaps that one request closes at most, beside as many as it opened.
const CLOSE_AT_ONCE: u64 = 1_000;

/// A queue that was silent for so long is forgotten: 400 days, by the contract.
pub const REMEMBERED_HOURS: i64 = 400 * 24;

/// Ranges that one step of a sweep deletes at most.
const SWEEP_RANGES: u64 = 1_000;

/// About what a range takes on disk, beside its subject and queue.
pub const RANGE_BYTES: i64 = 32;

#[cfg(test)]
mod tests;
