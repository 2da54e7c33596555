//! Reads frames on their way out, past what is damaged.
//!
//! A frame whose bytes are no longer what was written is not sent: it is counted, by its records, and passed over, and so
//! is one that SQLite can't read at all. Everything whole goes out.

use std::sync::atomic::Ordering;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::{Cursor, Frame, Gauge, Pending, signed, unsigned};

/// The frames after `cursor`, in order: the first one, and more as long as all are within `max_bytes`.
pub async fn read(
    connection: &mut SqliteConnection,
    gauge: &Gauge,
    cursor: Cursor,
    max_bytes: u64,
) -> Result<Vec<Pending>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT id, end_records, records, received, oldest, newest, crc, body FROM frame WHERE id > ?1 AND (
             id = (SELECT min(id) FROM frame WHERE id > ?1)
             OR end_bytes <= (SELECT end_bytes - length(body) FROM frame WHERE id > ?1 ORDER BY id LIMIT 1) + ?2
         ) ORDER BY id LIMIT 4096",
    )
    .bind(cursor.frame)
    .bind(signed(max_bytes))
    .fetch_all(&mut *connection)
    .await;
    match rows {
        Ok(rows) => rows.iter().map(|row| pending(row, gauge)).collect(),
        Err(error) if is_damage(&error) => next_whole(connection, gauge, cursor).await,
        Err(error) => Err(error),
    }
}

/// Whether SQLite says that the file is not what it wrote.
pub fn is_damage(error: &sqlx::Error) -> bool {
    const CORRUPT: u32 = 11;
    const NOT_A_DATABASE: u32 = 26;
    let code = error
        .as_database_error()
        .and_then(|error| error.code()?.parse::<u32>().ok());
    // Extended codes carry the plain one in their lowest byte.
    code.is_some_and(|code| matches!(code & 0xff, CORRUPT | NOT_A_DATABASE))
}

/// Frame by frame, until one can be read.
async fn next_whole(
    connection: &mut SqliteConnection,
    gauge: &Gauge,
    cursor: Cursor,
) -> Result<Vec<Pending>, sqlx::Error> {
    let last = gauge.last_frame.load(Ordering::Acquire);
    let done = gauge.tail.records.load(Ordering::Acquire);
    for id in cursor.frame + 1..=last {
        let row = sqlx::query(
            "SELECT id, end_records, records, received, oldest, newest, crc, body FROM frame WHERE id = ?1",
        )
        .bind(id)
        .fetch_optional(&mut *connection)
        .await;
        match row {
            Ok(Some(row)) => {
                let before = unsigned(row.try_get(1)?).saturating_sub(unsigned(row.try_get(2)?));
                gauge.damaged(id - 1, before.saturating_sub(done));
                return Ok(vec![pending(&row, gauge)?]);
            }
            Ok(None) => {}
            Err(error) if is_damage(&error) => {}
            Err(error) => return Err(error),
        }
    }
    if last <= cursor.frame {
        return Ok(Vec::new());
    }
    let lost = gauge
        .head
        .records
        .load(Ordering::Acquire)
        .saturating_sub(done);
    gauge.damaged(last, lost);
    Ok(vec![Pending {
        id: last,
        frame: Frame::default(),
    }])
}

fn pending(row: &SqliteRow, gauge: &Gauge) -> Result<Pending, sqlx::Error> {
    let id = row.try_get(0)?;
    let records = unsigned(row.try_get(2)?);
    let body: Vec<u8> = row.try_get(7)?;
    if i64::from(crc32fast::hash(&body)) != row.try_get::<i64, _>(6)? {
        gauge.damaged(id, records);
        return Ok(Pending {
            id,
            frame: Frame::default(),
        });
    }
    let frame = Frame {
        body,
        records,
        received: unsigned(row.try_get(3)?),
        oldest: unsigned(row.try_get(4)?),
        newest: unsigned(row.try_get(5)?),
    };
    Ok(Pending { id, frame })
}
