//! The statements on the table of consumers: who gets frames, and how far each of them is.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::consumer::{Consumer, Cursor, Position, Stand};
use super::integer::{signed, unsigned};

/// Where the spool in this database ends, and where its consumers stand.
pub async fn read(connection: &mut SqliteConnection) -> Result<Stand, sqlx::Error> {
    let position = |row: &SqliteRow| {
        Ok::<_, sqlx::Error>(Position {
            records: unsigned(row.try_get(1)?),
            bytes: unsigned(row.try_get(2)?),
        })
    };
    let mut stand = Stand::default();
    let consumers = sqlx::query("SELECT frame, end_records, end_bytes, done, name FROM consumer")
        .fetch_all(&mut *connection)
        .await?;
    for row in &consumers {
        let cursor = Cursor {
            frame: row.try_get(0)?,
            done: unsigned(row.try_get(3)?),
            at: position(row)?,
        };
        if cursor.frame >= stand.last_frame {
            (stand.last_frame, stand.head) = (cursor.frame, cursor.at);
        }
        if let Some(consumer) = Consumer::named(row.try_get(4)?) {
            stand.set(consumer, Some(cursor));
        }
    }
    let last = sqlx::query("SELECT id, end_records, end_bytes FROM frame ORDER BY id DESC LIMIT 1")
        .fetch_optional(connection)
        .await?;
    if let Some(row) = last {
        let id: i64 = row.try_get(0)?;
        if id > stand.last_frame {
            (stand.last_frame, stand.head) = (id, position(&row)?);
        }
    }
    Ok(stand)
}

/// Moves a consumer, and deletes the frames that all consumers have had.
pub async fn advance(
    connection: &mut SqliteConnection,
    stand: &mut Stand,
    consumer: Consumer,
    to: Cursor,
) -> Result<(), sqlx::Error> {
    stand.set(consumer, Some(to));
    sqlx::query(
        "UPDATE consumer SET frame = ?, done = ?, end_records = ?, end_bytes = ? WHERE name = ?",
    )
    .bind(to.frame)
    .bind(signed(to.done))
    .bind(signed(to.at.records))
    .bind(signed(to.at.bytes))
    .bind(consumer.name())
    .execute(&mut *connection)
    .await?;
    delete_behind(connection).await
}

/// Begins with the consumers that are new, and forgets those that are not wanted any more.
pub async fn keep_for(
    connection: &mut SqliteConnection,
    stand: &mut Stand,
    consumers: &[Consumer],
) -> Result<(), sqlx::Error> {
    let behind = stand.behind();
    for consumer in Consumer::ALL {
        match (consumers.contains(&consumer), stand.of(consumer)) {
            (true, None) => {
                // The frame that the one furthest behind is in the middle of is new to this one.
                let begin = Cursor { done: 0, ..behind };
                sqlx::query("INSERT INTO consumer VALUES (?, ?, 0, ?, ?)")
                    .bind(consumer.name())
                    .bind(begin.frame)
                    .bind(signed(begin.at.records))
                    .bind(signed(begin.at.bytes))
                    .execute(&mut *connection)
                    .await?;
                stand.set(consumer, Some(begin));
            }
            (false, Some(_)) => {
                sqlx::query("DELETE FROM consumer WHERE name = ?")
                    .bind(consumer.name())
                    .execute(&mut *connection)
                    .await?;
                stand.set(consumer, None);
            }
            _ => {}
        }
    }
    delete_behind(connection).await
}

async fn delete_behind(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM frame WHERE id <= (SELECT min(frame) FROM consumer);
         DELETE FROM erased WHERE frame <= (SELECT min(frame) FROM consumer)",
    )
    .execute(connection)
    .await
    .map(drop)
}
