//! Which records were accepted before: by (subject, queue, seq), or by the hash of who and what for ten minutes.

use sqlx::{Row, SqliteConnection};

use super::ranges::{self, Range};
use super::{Offer, Verdict};

/// Whether any of `offer` was accepted before.
pub async fn look(
    connection: &mut SqliteConnection,
    offer: &Offer,
    now: i64,
) -> Result<Verdict, sqlx::Error> {
    let mut seqs = Vec::new();
    if let Some(named) = &offer.named {
        let had = near(connection, &offer.subject, &named.queue, &named.seqs).await?;
        seqs = ranges::known(&had, &named.seqs);
    }
    let mut hash = false;
    if let Some(of_body) = &offer.hash {
        hash = sqlx::query("SELECT 1 FROM seen WHERE hash = ?1 AND at > ?2")
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
    connection: &mut SqliteConnection,
    offer: &Offer,
    now: i64,
) -> Result<(), sqlx::Error> {
    if let Some(named) = &offer.named {
        let had = near(connection, &offer.subject, &named.queue, &named.seqs).await?;
        let joined = ranges::join(&had, &ranges::of(&named.seqs));
        for range in had.iter().filter(|range| !joined.contains(range)) {
            sqlx::query("DELETE FROM accepted WHERE subject = ?1 AND queue = ?2 AND first = ?3")
                .bind(&offer.subject)
                .bind(&named.queue)
                .bind(stored(range.first))
                .execute(&mut *connection)
                .await?;
        }
        for range in joined.iter().filter(|range| !had.contains(range)) {
            sqlx::query("INSERT INTO accepted VALUES (?1, ?2, ?3, ?4)")
                .bind(&offer.subject)
                .bind(&named.queue)
                .bind(stored(range.first))
                .bind(stored(range.last))
                .execute(&mut *connection)
                .await?;
        }
    }
    if let Some(hash) = &offer.hash {
        sqlx::query("DELETE FROM seen WHERE at <= ?1")
            .bind(now - REMEMBERED_NANOS)
            .execute(&mut *connection)
            .await?;
        sqlx::query("INSERT OR REPLACE INTO seen VALUES (?1, ?2)")
            .bind(&hash[..])
            .bind(now)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
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
    .bind(stored(first))
    .bind(stored(last.saturating_add(1)))
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Range {
                first: read(row.try_get(0)?),
                last: read(row.try_get(1)?),
            })
        })
        .collect()
}

/// SQLite's integers are signed: flipping the top bit keeps the order.
fn stored(seq: u64) -> i64 {
    (seq ^ 1 << 63).cast_signed()
}

fn read(stored: i64) -> u64 {
    stored.cast_unsigned() ^ 1 << 63
}

/// How long a body without names is remembered: ten minutes, by the contract.
const REMEMBERED_NANOS: i64 = 10 * 60 * 1_000_000_000;
