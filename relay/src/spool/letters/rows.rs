//! The statements on the table of dead letters, for the writer.

use sqlx::{Row, SqliteConnection};

use super::super::integer::{signed, unsigned};
use super::letter::{Dead, DeadLetter};

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

/// Dead letters that the writer moves or removes in one transaction at most.
pub const STEP: u64 = 64;

/// About what a dead letter takes on disk, beside its record and its reason.
const LETTER_BYTES: u64 = 64;
