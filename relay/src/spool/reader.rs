//! Reads frames on their way out, past what is damaged.
//!
//! A frame whose bytes are no longer what was written is not sent: it is counted, by its records, and passed over. Where
//! SQLite itself finds damage, the spool is mended; see `mend`.

use futures_util::TryStreamExt;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::consumer::{Consumer, Cursor, Position};
use super::error::is_damage;
use super::frame::{Frame, Pending, Traits};
use super::gauge::Gauge;
use super::integer::unsigned;
use super::names::Names;
use super::packed::Packed;

/// The frames that wait for `consumer`, in order: the first one, and more as long as all are within `max_bytes`.
pub async fn read(
    connection: &mut SqliteConnection,
    gauge: &Gauge,
    consumer: Consumer,
    cursor: Cursor,
    max_bytes: u64,
) -> Result<Vec<Pending>, sqlx::Error> {
    let mut frames = Vec::new();
    let done = {
        // Rows are taken until there are enough, because only the rows say how many that is.
        let mut rows = sqlx::query(BEHIND)
            .bind(cursor.frame)
            .fetch(&mut *connection);
        loop {
            match rows.try_next().await {
                Ok(Some(row)) => {
                    let pending = pending(&row, gauge, consumer)?;
                    let bytes = pending.to.bytes.saturating_sub(cursor.at.bytes);
                    if bytes > max_bytes && !frames.is_empty() {
                        break Ok(());
                    }
                    frames.push(pending);
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        }
    };
    match done {
        // What came before the damage goes out first.
        Err(error) if is_damage(&error) && !frames.is_empty() => Ok(frames),
        Err(error) => Err(error),
        Ok(()) => Ok(frames),
    }
}

fn pending(row: &SqliteRow, gauge: &Gauge, consumer: Consumer) -> Result<Pending, sqlx::Error> {
    let number = |at: usize| row.try_get::<i64, _>(at).map(unsigned);
    let id = row.try_get(0)?;
    let records = number(3)?;
    let body: Vec<u8> = row.try_get(12)?;
    let is_plain = number(8)? == 0;
    let bytes = if is_plain {
        body.len() as u64
    } else {
        number(8)?
    };
    let to = Position {
        records: number(1)?,
        bytes: number(2)?,
    };
    let mut pending = Pending {
        id,
        frame: Frame::default(),
        is_for_another: false,
        erased: row.try_get::<Option<i64>, _>(16)?.map_or(0, unsigned),
        subject: row.try_get(13)?,
        queue: row.try_get(14)?,
        from: Position {
            records: to.records.saturating_sub(records),
            bytes: to.bytes.saturating_sub(bytes),
        },
        to,
    };
    let only_for: Option<&str> = row.try_get(11)?;
    if only_for.is_some_and(|only_for| only_for != consumer.name()) {
        pending.is_for_another = true;
        return Ok(pending);
    }
    if u64::from(crc32fast::hash(&body)) != number(7)? {
        gauge.damaged_frame(id, records);
        return Ok(pending);
    }
    let packed = if is_plain {
        Packed::new(&body)
    } else {
        Packed {
            blocks: body,
            bytes,
            crc: u32::try_from(number(9)?).unwrap_or_default(),
        }
    };
    pending.frame = Frame {
        packed,
        records,
        received: number(4)?,
        oldest: number(5)?,
        newest: number(6)?,
        traits: Traits::stored(number(10)?),
        names: row
            .try_get::<Option<&[u8]>, _>(15)?
            .map(|names| Names::stored(names, records))
            .unwrap_or_default(),
    };
    Ok(pending)
}

const BEHIND: &str = "SELECT id, end_records, end_bytes, records, received, oldest, newest, crc, bytes, plain_crc, traits,
    only_for, body, subject, queue, names, (SELECT erased.records FROM erased WHERE erased.frame = frame.id)
    FROM frame WHERE id > ? ORDER BY id";
