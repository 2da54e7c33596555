//! Makes a new database of everything that is whole in a damaged one.
//!
//! The damaged one is put aside as `relay.db.damaged`, once the new one is complete and synced: killed at any instant in
//! between, the next start goes on where this one was.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::{fs, io};

use sqlx::{Connection, SqliteConnection};

use super::consumer::{Consumer, Cursor};
use super::error::OpenError;
use super::gauge::Gauge;
use super::integer::{signed, unsigned};
use super::salvage::{Found, Pages, Row, Value};
use super::schema::{self, beside};
use super::{accepted, append, clock, origin, running};

/// Mends the database in `dir`; `false` when there is nothing of ours in it, and it was left alone.
///
/// # Errors
///
/// When the new database can't be written: the damaged one is still in its place.
pub async fn mend(dir: &Path, gauge: &Gauge) -> Result<bool, OpenError> {
    let file = dir.join(schema::FILE);
    let unreadable = |source| OpenError::Dir {
        dir: dir.to_owned(),
        source,
    };
    let path = file.clone();
    let scan = move || {
        let mut pages = Pages::open(&path)?;
        let found = pages.scan()?;
        Ok((pages, found))
    };
    let scanned = tokio::task::spawn_blocking(scan).await;
    let (mut pages, found) = scanned
        .unwrap_or_else(|ended| Err(io::Error::other(ended)))
        .map_err(unreadable)?;
    if found.frames.is_empty() && found.cursors.is_empty() && found.accepted.is_empty() {
        return Ok(false);
    }
    let mending = beside(&file, ".mending");
    for left in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(beside(&mending, left));
    }
    let mut connection = schema::open_file(&mending).await?;
    let copied = copy(&mut connection, &mut pages, &found).await;
    // What is in the mended file is what was in the damaged one: whoever was in the middle of that is in the middle of this.
    let was = origin::of_file(&file).await;
    let named = origin::keep(&mut connection, was.as_ref()).await;
    let copied = named.and(copied);
    let kept = copied.map_err(|source| OpenError::Database {
        file: mending.clone(),
        source,
    })?;
    connection
        .close()
        .await
        .map_err(|source| OpenError::Database {
            file: mending.clone(),
            source,
        })?;
    let done = fs::File::open(&mending)
        .and_then(|mending| mending.sync_all())
        .and_then(|()| fs::rename(&mending, beside(&file, ".mended")));
    done.map_err(unreadable)?;
    finish(dir)?;
    gauge.mended.fetch_add(1, Ordering::AcqRel);
    let stood = behind(&found);
    let before = stood.map_or(0, |cursor| cursor.at.records);
    let lost = found
        .ever_kept()
        .saturating_sub(before)
        .saturating_sub(kept);
    gauge.damaged(lost, stood.map_or(i64::MIN, |cursor| cursor.frame));
    tracing::error!(
        lost,
        kept,
        aside = %beside(&file, ".damaged").display(),
        "the spool was damaged: so many records are lost, what was whole is kept, the damaged file was put aside"
    );
    Ok(true)
}

/// Puts a database that was mended in its place, if there is one.
///
/// # Errors
///
/// When files can't be renamed.
pub fn finish(dir: &Path) -> Result<(), OpenError> {
    let file = dir.join(schema::FILE);
    let mended = beside(&file, ".mended");
    if !mended.exists() {
        return Ok(());
    }
    let aside = beside(&file, ".damaged");
    // The log goes aside with its database.
    running::unmark(dir);
    let swap = || {
        for part in ["-wal", ""] {
            match fs::rename(beside(&file, part), beside(&aside, part)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let _ = fs::remove_file(beside(&file, "-shm"));
        fs::rename(&mended, &file)?;
        #[cfg(unix)]
        fs::File::open(dir)?.sync_all()?;
        Ok(())
    };
    swap().map_err(|source| OpenError::Dir {
        dir: dir.to_owned(),
        source,
    })
}

/// Where the consumer stood that was furthest behind, as far as that is known.
fn behind(found: &Found) -> Option<Cursor> {
    let cursors = found.cursors.iter().map(|(_, cursor)| *cursor);
    cursors.min_by_key(|cursor| (cursor.frame, cursor.done))
}

/// Writes what was found; how many records of it wait.
async fn copy(
    connection: &mut SqliteConnection,
    pages: &mut Pages,
    found: &Found,
) -> Result<u64, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    sqlx::query("DELETE FROM consumer")
        .execute(&mut *transaction)
        .await?;
    // A cursor that was lost begins again with what is there: twice is better than never.
    let begin = Cursor {
        frame: found.frames.keys().next().map_or(0, |first| first - 1),
        ..Cursor::default()
    };
    let mut cursors = found.cursors.clone();
    if cursors.is_empty() {
        cursors.push((Consumer::Export, begin));
    }
    for (consumer, cursor) in cursors {
        sqlx::query("INSERT INTO consumer VALUES (?, ?, ?, ?, ?)")
            .bind(consumer.name())
            .bind(cursor.frame)
            .bind(signed(cursor.done))
            .bind(signed(cursor.at.records))
            .bind(signed(cursor.at.bytes))
            .execute(&mut *transaction)
            .await?;
    }
    for (of, ranges) in &found.accepted {
        let (subject, queue) = (of.0.as_str(), of.1.as_str());
        accepted::insert(&mut transaction, (subject, queue), ranges).await?;
        // One whose row was lost counts as heard now.
        let now = clock::hour(clock::now());
        let (heard, closed) = found.queues.get(of).copied().unwrap_or((now, 0));
        sqlx::query("INSERT INTO queue VALUES (?, ?, ?, ?, ?)")
            .bind(subject)
            .bind(queue)
            .bind(heard)
            .bind(signed(ranges.len() as u64))
            .bind(signed(closed))
            .execute(&mut *transaction)
            .await?;
    }
    for (id, (at, reason, body, consumer)) in &found.dead {
        sqlx::query("INSERT INTO dead (id, at, reason, body, consumer) VALUES (?, ?, ?, ?, ?)")
            .bind(id)
            .bind(at)
            .bind(reason)
            .bind(&body[..])
            .bind(consumer)
            .execute(&mut *transaction)
            .await?;
    }
    let first = behind(found).map_or(i64::MIN, |cursor| cursor.frame + 1);
    let mut kept = 0;
    for (&id, &place) in found.frames.range(first..) {
        let Ok(Some(row)) = pages.read(place) else {
            continue;
        };
        kept += row
            .get(RECORDS)
            .and_then(Value::integer)
            .map_or(0, unsigned);
        insert(&mut transaction, id, row).await?;
    }
    transaction.commit().await?;
    Ok(kept)
}

async fn insert(
    connection: &mut SqliteConnection,
    id: i64,
    mut row: Row,
) -> Result<(), sqlx::Error> {
    // The first format's rows end with the body; what stands behind it has these defaults.
    let behind = [
        Value::Integer(0),
        Value::Integer(0),
        Value::Integer(3),
        Value::Null,
        Value::Null,
    ];
    let missing = behind
        .len()
        .saturating_sub(row.len().saturating_sub(BODY + 1));
    row.extend(behind.into_iter().take(missing));
    let mut query = sqlx::query(append::INSERT).bind(id);
    let body_last = row
        .iter()
        .take(BODY)
        .chain(row.iter().skip(BODY + 1))
        .chain(row.get(BODY))
        .skip(1);
    for value in body_last {
        query = match value.clone() {
            Value::Null => query.bind(None::<i64>),
            Value::Integer(number) => query.bind(number),
            Value::Text(text) => query.bind(text),
            Value::Blob(bytes) => query.bind(bytes),
        };
    }
    query.execute(connection).await.map(drop)
}

/// The column `records` of a frame.
const RECORDS: usize = 4;

/// The column `body` of a frame.
const BODY: usize = 12;
