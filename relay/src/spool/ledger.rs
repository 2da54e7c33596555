//! Which records were accepted before: by (subject, queue, seq), or by the hash of who and what for ten minutes.
//!
//! A device sends its queue in order, so nearly every batch stands right behind the last one of its queue. The last range
//! of each queue is remembered: such a batch costs one statement. Only this process writes, so what is remembered is true
//! until a transaction fails.

use std::collections::HashMap;

use sqlx::{Row, SqliteConnection};

use super::ranges::{self, Range};
use super::schema::{read_seq, stored_seq};
use super::{Named, Offer, Verdict};

/// The names in the database, and the last range of each queue that was asked for.
#[derive(Debug, Default)]
pub struct Ledger {
    last: HashMap<(String, String), Range>,
    swept: i64,
}

impl Ledger {
    /// Whether any of `offer` was accepted before.
    pub async fn look(
        &mut self,
        connection: &mut SqliteConnection,
        offer: &Offer,
        now: i64,
    ) -> Result<Verdict, sqlx::Error> {
        let mut seqs = Vec::new();
        if let Some(named) = &offer.named
            && self.last_before(&offer.subject, named).is_none()
        {
            let had = near(connection, &offer.subject, &named.queue, &named.seqs).await?;
            seqs = ranges::known(&had, &named.seqs);
        }
        let mut hash = false;
        if let Some(of_body) = &offer.hash {
            hash = sqlx::query("SELECT 1 FROM seen WHERE hash = ? AND at > ?")
                .bind(&of_body[..])
                .bind(now - REMEMBERED_NANOS)
                .fetch_optional(&mut *connection)
                .await?
                .is_some();
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
            self.keep_named(connection, &offer.subject, named).await?;
        }
        if let Some(hash) = &offer.hash {
            if self.swept < now - SWEEP_NANOS {
                sqlx::query("DELETE FROM seen WHERE at <= ?")
                    .bind(now - REMEMBERED_NANOS)
                    .execute(&mut *connection)
                    .await?;
                self.swept = now;
            }
            sqlx::query("INSERT OR REPLACE INTO seen VALUES (?, ?)")
                .bind(&hash[..])
                .bind(now)
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }

    /// What is remembered may not be in the database.
    pub fn forget(&mut self) {
        self.last.clear();
    }

    async fn keep_named(
        &mut self,
        connection: &mut SqliteConnection,
        subject: &str,
        named: &Named,
    ) -> Result<(), sqlx::Error> {
        if let Some(grown) = self.grows(subject, named) {
            sqlx::query(GROW)
                .bind(stored_seq(grown.last))
                .bind(subject)
                .bind(&named.queue)
                .bind(stored_seq(grown.first))
                .execute(&mut *connection)
                .await?;
            self.remember(subject, &named.queue, grown);
            return Ok(());
        }
        let new = ranges::of(&named.seqs);
        let had = near(connection, subject, &named.queue, &named.seqs).await?;
        let joined = ranges::join(&had, &new);
        for range in had.iter().filter(|range| !joined.contains(range)) {
            sqlx::query("DELETE FROM accepted WHERE subject = ? AND queue = ? AND first = ?")
                .bind(subject)
                .bind(&named.queue)
                .bind(stored_seq(range.first))
                .execute(&mut *connection)
                .await?;
        }
        for range in joined.iter().filter(|range| !had.contains(range)) {
            sqlx::query("INSERT INTO accepted VALUES (?, ?, ?, ?)")
                .bind(subject)
                .bind(&named.queue)
                .bind(stored_seq(range.first))
                .bind(stored_seq(range.last))
                .execute(&mut *connection)
                .await?;
        }
        let last = sqlx::query("SELECT first, last FROM accepted WHERE subject = ? AND queue = ? ORDER BY first DESC LIMIT 1")
            .bind(subject)
            .bind(&named.queue)
            .fetch_one(&mut *connection)
            .await?;
        self.remember(subject, &named.queue, range(&last)?);
        Ok(())
    }

    /// The last range of the offer's queue as it is with all of the offer, when nothing but its names stands for it, and
    /// they stand right behind.
    pub fn follows(&self, offer: &Offer) -> Option<Range> {
        let named = offer.named.as_ref().filter(|_| offer.hash.is_none())?;
        offer.frame.as_ref()?;
        self.grows(&offer.subject, named)
    }

    /// The last range of the queue as it is with all of `named`, when they stand right behind it.
    fn grows(&self, subject: &str, named: &Named) -> Option<Range> {
        let last = self.last_before(subject, named)?;
        match ranges::of(&named.seqs)[..] {
            [new] if new.first == last.last.saturating_add(1) => Some(Range {
                first: last.first,
                last: new.last,
            }),
            _ => None,
        }
    }

    /// The last range of the queue, if it is remembered and all of `named` is behind it.
    fn last_before(&self, subject: &str, named: &Named) -> Option<Range> {
        // Two strings to ask a map of pairs: small beside the statement that they save.
        let of = (subject.to_owned(), named.queue.clone());
        let last = self.last.get(&of).copied()?;
        let is_behind = named.seqs.first().is_some_and(|&first| first > last.last);
        is_behind.then_some(last)
    }

    /// Notes that this is in the database.
    pub fn remember(&mut self, subject: &str, queue: &str, last: Range) {
        if self.last.len() >= MAX_REMEMBERED {
            self.last.clear();
        }
        self.last
            .insert((subject.to_owned(), queue.to_owned()), last);
    }
}

/// The ranges of a queue that hold or touch any of `seqs`, ascending.
async fn near(
    connection: &mut SqliteConnection,
    subject: &str,
    queue: &str,
    seqs: &[u64],
) -> Result<Vec<Range>, sqlx::Error> {
    let (Some(&first), Some(&last)) = (seqs.first(), seqs.last()) else {
        return Ok(Vec::new());
    };
    // Of the ranges that begin below, only the nearest can reach here, because they don't touch.
    let rows = sqlx::query(
        "SELECT first, last FROM accepted WHERE subject = ?1 AND queue = ?2 AND first <= ?4 AND first >= coalesce(
             (SELECT max(first) FROM accepted WHERE subject = ?1 AND queue = ?2 AND first <= ?3), ?3
         ) ORDER BY first",
    )
    .bind(subject)
    .bind(queue)
    .bind(stored_seq(first))
    .bind(stored_seq(last.saturating_add(1)))
    .fetch_all(connection)
    .await?;
    rows.iter().map(range).collect()
}

fn range(row: &sqlx::sqlite::SqliteRow) -> Result<Range, sqlx::Error> {
    Ok(Range {
        first: read_seq(row.try_get(0)?),
        last: read_seq(row.try_get(1)?),
    })
}

/// Makes a range longer: to where, whose, where it begins.
pub const GROW: &str = "UPDATE accepted SET last = ? WHERE subject = ? AND queue = ? AND first = ?";

/// How long a body without names is remembered: ten minutes, by the contract.
const REMEMBERED_NANOS: i64 = 10 * 60 * 1_000_000_000;

/// How often those that are older are deleted.
const SWEEP_NANOS: i64 = 60 * 1_000_000_000;

/// Queues whose last range is remembered: about two megabytes of them.
const MAX_REMEMBERED: usize = 10_000;
