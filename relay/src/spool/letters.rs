//! Dead letters: listed in pages, replayed and removed a few at a time, never all in memory and never in the writer's way
//! for long.
//!
//! They count towards the spool's cap and have a quarter of it at most: past that, and past their age, the oldest go. That
//! is counted and said.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::consumer::Consumer;
use super::{DeadLetter, Frame, OfferError, Packed, Spool, StoredLetter, Traits, signed, unsigned};
use crate::spool::command::Command;

/// Which dead letters to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those of these numbers.
    Ids(Vec<i64>),
    /// Those that were put aside before this time, in Unix nanoseconds.
    Before(u64),
}

/// How many dead letters are kept, and about what they take on disk; this counts towards the spool's cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dead {
    /// How many.
    pub letters: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many went for their age, or because they took more than their share, since the relay started.
    pub expired: u64,
}

/// A dead letter on its way back.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// Its number.
    pub id: i64,
    /// To whom it goes.
    pub of: Option<Consumer>,
    /// What it is there.
    pub frame: Frame,
}

/// What became of a few that were to be replayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// How many went.
    pub replayed: u64,
    /// Whether there was no room for the next one.
    pub is_full: bool,
}

impl Spool {
    /// The dead letters behind the number `after`, oldest first: at most `limit`, and fewer where they are large. Whoever
    /// wants all of them asks on behind the last until none comes.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub async fn letters(&self, after: i64, limit: u64) -> Result<Vec<StoredLetter>, sqlx::Error> {
        let mut reading = self.reading.lock().await;
        let connection = reading.current(&self.dir, &self.gauge).await?;
        // How long they are is known without reading them.
        let lengths =
            sqlx::query("SELECT id, length(body) FROM dead WHERE id > ? ORDER BY id LIMIT ?")
                .bind(after)
                .bind(signed(limit.min(PAGE)))
                .fetch_all(&mut *connection)
                .await?;
        let (mut last, mut bytes) = (after, 0);
        for row in &lengths {
            if bytes >= PAGE_BYTES {
                break;
            }
            last = row.try_get(0)?;
            bytes += row.try_get::<i64, _>(1)?;
        }
        let rows = sqlx::query(
            "SELECT id, at, reason, body, consumer FROM dead WHERE id > ? AND id <= ? ORDER BY id",
        )
        .bind(after)
        .bind(last)
        .fetch_all(&mut *connection)
        .await?;
        rows.iter().map(stored).collect()
    }

    /// Moves dead letters back to where frames wait for their consumer: those of `ids`, or all that there are now when
    /// there are none; how many. A few at a time, so that others are kept in between.
    ///
    /// # Errors
    ///
    /// When the rest was not moved: see [`OfferError`].
    pub async fn replay(&self, ids: Vec<i64>) -> Result<u64, OfferError> {
        // What is put aside again meanwhile has a higher number.
        let newest = self.newest_letter().await?;
        let (mut after, mut replayed) = (0, 0);
        let mut ids = ids.into_iter();
        let is_all = ids.len() == 0;
        loop {
            let mut page = Vec::new();
            if is_all {
                page = self.letters(after, STEP).await.map_err(away)?;
                page.retain(|letter| letter.id <= newest);
            } else {
                for id in ids.by_ref().take(STEP as usize) {
                    let mut letter = self.letters(id.saturating_sub(1), 1).await.map_err(away)?;
                    letter.retain(|letter| letter.id == id);
                    page.append(&mut letter);
                }
            }
            let Some(last) = page.last() else {
                if ids.len() == 0 {
                    return Ok(replayed);
                }
                continue;
            };
            after = last.id;
            let letters = tokio::task::spawn_blocking(move || pack(&page)).await;
            let letters = letters.map_err(|ended| OfferError::Away(ended.to_string()))?;
            let done = self
                .ask(|answer| Command::Replay { letters, answer })
                .await?;
            replayed += done.replayed;
            if done.is_full {
                tracing::warn!(
                    replayed,
                    "the spool is full: the other dead letters stay where they are"
                );
                return Ok(replayed);
            }
        }
    }

    /// Removes dead letters for good, a few at a time; how many.
    ///
    /// # Errors
    ///
    /// When the rest was not removed: see [`OfferError`].
    pub async fn remove(&self, which: Which) -> Result<u64, OfferError> {
        let mut removed = 0;
        match which {
            Which::Ids(ids) => {
                for ids in ids.chunks(STEP as usize) {
                    let ids = ids.to_vec();
                    let remove = |answer| Command::Remove { ids, answer };
                    removed += self.ask(remove).await?;
                }
            }
            Which::Before(before) => {
                let newest = self.newest_letter().await?;
                let mut after = 0;
                loop {
                    let ids = self.ids(after, newest, before).await.map_err(away)?;
                    let Some(&last) = ids.last() else { break };
                    after = last;
                    let remove = |answer| Command::Remove { ids, answer };
                    removed += self.ask(remove).await?;
                }
            }
        }
        Ok(removed)
    }

    async fn ids(&self, after: i64, newest: i64, before: u64) -> Result<Vec<i64>, sqlx::Error> {
        let mut reading = self.reading.lock().await;
        let connection = reading.current(&self.dir, &self.gauge).await?;
        sqlx::query_scalar(
            "SELECT id FROM dead WHERE id > ? AND id <= ? AND at < ? ORDER BY id LIMIT ?",
        )
        .bind(after)
        .bind(newest)
        .bind(signed(before))
        .bind(signed(STEP))
        .fetch_all(&mut *connection)
        .await
    }

    async fn newest_letter(&self) -> Result<i64, OfferError> {
        let mut reading = self.reading.lock().await;
        let connection = reading
            .current(&self.dir, &self.gauge)
            .await
            .map_err(away)?;
        let newest = sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM dead")
            .fetch_one(&mut *connection)
            .await;
        newest.map_err(away)
    }
}

/// How much of dead letters there is in this database.
pub async fn count(connection: &mut SqliteConnection) -> Result<Dead, sqlx::Error> {
    let sums = sqlx::query(
        "SELECT count(*), coalesce(sum(length(body) + length(reason) + ?), 0) FROM dead",
    )
    .bind(signed(LETTER_BYTES))
    .fetch_one(connection)
    .await?;
    Ok(Dead {
        letters: unsigned(sums.try_get(0)?),
        bytes: unsigned(sums.try_get(1)?),
        expired: 0,
    })
}

/// Puts one aside.
pub async fn insert(
    connection: &mut SqliteConnection,
    dead: &mut Dead,
    letter: DeadLetter,
    now: i64,
) -> Result<(), sqlx::Error> {
    let bytes = letter.body.len() + letter.reason.chars().count();
    dead.letters += 1;
    dead.bytes += LETTER_BYTES + bytes as u64;
    sqlx::query("INSERT INTO dead (at, reason, body, consumer) VALUES (?, ?, ?, ?)")
        .bind(now)
        .bind(letter.reason)
        .bind(letter.body)
        .bind(letter.of.name())
        .execute(connection)
        .await
        .map(drop)
}

/// Removes one, and whether it was there.
pub async fn delete(
    connection: &mut SqliteConnection,
    dead: &mut Dead,
    id: i64,
) -> Result<bool, sqlx::Error> {
    let bytes: Option<i64> =
        sqlx::query_scalar("DELETE FROM dead WHERE id = ? RETURNING length(body) + length(reason)")
            .bind(id)
            .fetch_optional(connection)
            .await?;
    if let Some(bytes) = bytes {
        dead.letters = dead.letters.saturating_sub(1);
        dead.bytes = dead.bytes.saturating_sub(LETTER_BYTES + unsigned(bytes));
    }
    Ok(bytes.is_some())
}

/// Removes a few of the oldest that were put aside before `before`, and of the others while all take more than
/// `max_bytes`; whether there are more of these.
pub async fn expire(
    connection: &mut SqliteConnection,
    dead: &mut Dead,
    max_bytes: u64,
    before: i64,
) -> Result<bool, sqlx::Error> {
    let rows = sqlx::query("SELECT id, at FROM dead ORDER BY id LIMIT ?")
        .bind(signed(STEP))
        .fetch_all(&mut *connection)
        .await?;
    let mut gone = 0;
    for row in &rows {
        let (id, at): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        if at >= before && dead.bytes <= max_bytes {
            break;
        }
        delete(connection, dead, id).await?;
        gone += 1;
    }
    dead.expired += gone;
    if gone > 0 {
        tracing::warn!(
            gone,
            "dead letters were removed for their age, or because they took a quarter of the spool's cap"
        );
    }
    Ok(gone == STEP)
}

fn stored(row: &SqliteRow) -> Result<StoredLetter, sqlx::Error> {
    let letter = DeadLetter {
        of: Consumer::named(row.try_get(4)?).unwrap_or(Consumer::Export),
        reason: row.try_get(2)?,
        body: row.try_get(3)?,
    };
    Ok(StoredLetter {
        id: row.try_get(0)?,
        at: unsigned(row.try_get(1)?),
        letter,
    })
}

fn pack(letters: &[StoredLetter]) -> Vec<Replayed> {
    let pack = |letter: &StoredLetter| Replayed {
        id: letter.id,
        of: Some(letter.letter.of),
        // Its times are not known without a look inside: who cares for them must look.
        frame: Frame {
            packed: Packed::new(&letter.letter.body),
            records: 1,
            received: letter.at,
            oldest: 0,
            newest: u64::MAX,
            traits: Traits {
                has_exception: true,
                has_long_text: true,
            },
        },
    };
    letters.iter().map(pack).collect()
}

fn away(error: sqlx::Error) -> OfferError {
    OfferError::Away(error.to_string())
}

/// Dead letters of one page at most.
pub const PAGE: u64 = 1000;

/// A page ends behind the letter that passes this.
const PAGE_BYTES: i64 = 4 << 20;

/// Dead letters that the writer moves or removes in one transaction at most.
const STEP: u64 = 64;

/// About what a dead letter takes on disk, beside its record and its reason.
const LETTER_BYTES: u64 = 64;

#[cfg(test)]
mod tests;
