//! Dead letters by the spool's handle: pages of them, back on their way, or gone for good.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::command::Command;
use super::consumer::Consumer;
use super::error::OfferError;
use super::frame::{Frame, Traits};
use super::handle::Spool;
use super::integer::{signed, unsigned};
use super::letters::{DeadLetter, Replayed, STEP, StoredLetter, Which};
use super::names::Names;
use super::packed::Packed;

impl Spool {
    /// The dead letters behind the number `after`, oldest first: at most `limit`, and fewer where they are large. To get
    /// all of them, ask again with the last number until none comes.
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
            names: Names::default(),
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

#[cfg(test)]
mod tests;
