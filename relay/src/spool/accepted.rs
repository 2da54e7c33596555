//! The statements on the ranges that the ledger keeps in the table `accepted`.
//!
//! Each of them takes as many ranges as are asked for at once: a statement for each range would be a way to SQLite's
//! thread and back for each.

use sqlx::{Row, SqliteConnection};

use super::integer::{read_seq, signed, stored_seq};
use super::ranges::Range;

/// Whose queue, and which.
pub type Of<'q> = (&'q str, &'q str);

/// The ranges of a queue that hold or touch any of `new`, ascending. As many are read as `new` can touch, and not those
/// that only lie between.
pub async fn near(
    connection: &mut SqliteConnection,
    (subject, queue): Of<'_>,
    new: &[Range],
) -> Result<Vec<Range>, sqlx::Error> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    // Of the ranges that begin below one of `new`, only the nearest can reach it, because they don't touch.
    let rows = sqlx::query(
        "SELECT DISTINCT near.first, near.last FROM json_each(?3) AS new CROSS JOIN accepted AS near
         WHERE near.subject = ?1 AND near.queue = ?2 AND near.first <= json_extract(new.value, '$[1]')
             AND near.first >= coalesce(
                 (SELECT max(first) FROM accepted WHERE subject = ?1 AND queue = ?2 AND first <= json_extract(new.value, '$[0]')),
                 json_extract(new.value, '$[0]'))
         ORDER BY near.first",
    )
    .bind(subject)
    .bind(queue)
    .bind(list(new.iter().map(|range| (range.first, range.last.saturating_add(1)))))
    .fetch_all(connection)
    .await?;
    rows.iter().map(range).collect()
}

/// Deletes these ranges.
pub async fn delete(
    connection: &mut SqliteConnection,
    (subject, queue): Of<'_>,
    gone: &[Range],
) -> Result<(), sqlx::Error> {
    if gone.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "DELETE FROM accepted WHERE subject = ?1 AND queue = ?2 AND first IN \
         (SELECT json_extract(value, '$[0]') FROM json_each(?3))",
    )
    .bind(subject)
    .bind(queue)
    .bind(list(gone.iter().map(|range| (range.first, range.last))))
    .execute(connection)
    .await
    .map(drop)
}

/// Writes these ranges down; none of them touches one that is there.
pub async fn insert(
    connection: &mut SqliteConnection,
    (subject, queue): Of<'_>,
    come: &[Range],
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO accepted SELECT ?1, ?2, json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?3)",
    )
    .bind(subject)
    .bind(queue)
    .bind(list(come.iter().map(|range| (range.first, range.last))))
    .execute(connection)
    .await
    .map(drop)
}

/// The last range of a queue that has one.
pub async fn last(
    connection: &mut SqliteConnection,
    (subject, queue): Of<'_>,
) -> Result<Range, sqlx::Error> {
    let row = sqlx::query(
        "SELECT first, last FROM accepted WHERE subject = ? AND queue = ? ORDER BY first DESC LIMIT 1",
    )
    .bind(subject)
    .bind(queue)
    .fetch_one(connection)
    .await?;
    range(&row)
}

/// What was closed.
#[derive(Default)]
pub struct Closed {
    /// How many gaps.
    pub gaps: u64,
    /// How many seqs were in them.
    pub seqs: u64,
}

/// Closes so many gaps of a queue, the lowest first.
pub async fn close(
    connection: &mut SqliteConnection,
    (subject, queue): Of<'_>,
    gaps: u64,
) -> Result<Closed, sqlx::Error> {
    if gaps == 0 {
        return Ok(Closed::default());
    }
    let rows = sqlx::query(
        "SELECT first, last FROM accepted WHERE subject = ? AND queue = ? ORDER BY first LIMIT ?",
    )
    .bind(subject)
    .bind(queue)
    .bind(signed(gaps.saturating_add(1)))
    .fetch_all(&mut *connection)
    .await?;
    let lowest: Vec<Range> = rows.iter().map(range).collect::<Result<_, _>>()?;
    let (Some(&first), Some(&last)) = (lowest.first(), lowest.last()) else {
        return Ok(Closed::default());
    };
    sqlx::query(
        "DELETE FROM accepted WHERE subject = ? AND queue = ? AND first > ? AND first <= ?",
    )
    .bind(subject)
    .bind(queue)
    .bind(stored_seq(first.first))
    .bind(stored_seq(last.first))
    .execute(&mut *connection)
    .await?;
    sqlx::query(GROW)
        .bind(stored_seq(last.last))
        .bind(subject)
        .bind(queue)
        .bind(stored_seq(first.first))
        .execute(&mut *connection)
        .await?;
    let between = lowest.windows(2).map(|pair| match pair {
        [one, next] => next.first - one.last - 1,
        _ => 0,
    });
    Ok(Closed {
        gaps: (lowest.len() as u64).saturating_sub(1),
        seqs: between.fold(0, u64::saturating_add),
    })
}

/// Pairs of seqs as they are kept, as JSON: one statement takes any number of them.
fn list(pairs: impl Iterator<Item = (u64, u64)>) -> String {
    let pairs: Vec<[i64; 2]> = pairs
        .map(|(first, last)| [stored_seq(first), stored_seq(last)])
        .collect();
    serde_json::to_string(&pairs).unwrap_or_default()
}

fn range(row: &sqlx::sqlite::SqliteRow) -> Result<Range, sqlx::Error> {
    Ok(Range {
        first: read_seq(row.try_get(0)?),
        last: read_seq(row.try_get(1)?),
    })
}

/// Makes a range longer: to where, whose, where it begins.
pub const GROW: &str = "UPDATE accepted SET last = ? WHERE subject = ? AND queue = ? AND first = ?";
