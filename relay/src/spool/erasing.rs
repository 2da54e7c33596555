//! Takes a person out of the spool: waiting frames, dead letters, the ledger of accepted names, and what the file still has
//! of rows that were deleted before.
//!
//! A frame keeps its number and its place. Where some of its records stay, it is packed anew; a consumer that is in the
//! middle of it stays at the same record ([`Moved`]). In the ledger a keyed hash takes the place of the sender, so that
//! what was accepted is still known.

use std::collections::{BTreeMap, HashSet};

use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use prost::Message;
use sqlx::{Row, SqliteConnection};

use super::consumer::{Consumer, Cursor, Stand};
use super::integer::{signed, unsigned};
use super::letters::{self, Dead, DeadLetter};
use super::names::Names;
use super::packed::Packed;
use crate::stone::{ERASED, Stone, Stripped, Whom, strip};

/// What was taken out of a spool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Records of waiting frames.
    pub records: u64,
    /// The frames that they were in.
    pub frames: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Queues in the ledger whose sender is a keyed hash now.
    pub queues: u64,
}

/// Which records of frames went since the relay started. Whoever has read such a frame before still counts by what was in
/// it, and says by where the frame began that it does.
#[derive(Debug, Default)]
pub struct Moved(BTreeMap<i64, Vec<Step>>);

#[derive(Clone, Debug)]
struct Step {
    began: u64,
    begins: u64,
    gone: Vec<bool>,
}

impl Moved {
    /// Takes more of them.
    pub fn extend(&mut self, more: Self) {
        for (frame, mut steps) in more.0 {
            self.0.entry(frame).or_default().append(&mut steps);
        }
    }

    /// A cursor by what is in the frames now. Frames up to `behind` have been left by all.
    pub fn now(&mut self, mut cursor: Cursor, behind: i64) -> Cursor {
        if self.0.is_empty() {
            return cursor;
        }
        self.0.retain(|&frame, _| frame > behind);
        if cursor.done == 0 {
            return cursor;
        }
        for step in self.0.get(&(cursor.frame + 1)).into_iter().flatten() {
            if cursor.at.records == step.began {
                cursor.done = left(&step.gone, cursor.done);
                cursor.at.records = step.begins;
            }
        }
        cursor
    }
}

/// How many of the first `done` records are left.
fn left(gone: &[bool], done: u64) -> u64 {
    let done = usize::try_from(done).unwrap_or(usize::MAX);
    let left = gone.iter().take(done).filter(|gone| !**gone).count();
    left as u64
}

/// Takes a person's records out of the waiting frames, in the transaction that is open.
pub async fn frames(
    connection: &mut SqliteConnection,
    stand: &mut Stand,
    whom: &Whom,
    erased: &mut Erased,
) -> Result<Moved, sqlx::Error> {
    let mut moved = Moved::default();
    let mut after = i64::MIN;
    loop {
        let row = sqlx::query(
            "SELECT id, end_records, records, subject, bytes, plain_crc, names, body FROM frame WHERE id > ?
             ORDER BY id LIMIT 1",
        )
        .bind(after)
        .fetch_optional(&mut *connection)
        .await?;
        let Some(row) = row else { return Ok(moved) };
        let id: i64 = row.try_get(0)?;
        after = id;
        let number = |at: usize| row.try_get::<i64, _>(at).map(unsigned);
        let (end, records) = (number(1)?, number(2)?);
        let is_sender = whom.is_sender(row.try_get(3)?);
        let body: Vec<u8> = row.try_get(7)?;
        let logs = logs(body, number(4)?, row.try_get(5)?);
        let (stripped, logs) = match logs {
            _ if is_sender => (all(records), None),
            Some(mut logs) => (strip(&mut logs, whom), Some(logs)),
            // What can't be read can't be searched, and is lost to everybody.
            None if records > 0 => (all(records), None),
            None => continue,
        };
        let went = stripped.records();
        if went == 0 && !stripped.was_named && !is_sender {
            continue;
        }
        erased.records += went;
        erased.frames += u64::from(went > 0);
        let is_all = stripped.is_all();
        match logs.filter(|_| !is_all) {
            None => empty(connection, id).await?,
            Some(logs) => {
                let names = row.try_get::<Option<&[u8]>, _>(6)?;
                let names = names.map(|names| without(names, records, &stripped));
                pack(connection, id, &logs, records - went, names).await?;
            }
        }
        sqlx::query(
            "INSERT INTO erased VALUES (?1, ?2) ON CONFLICT DO UPDATE SET records = records + ?2",
        )
        .bind(id)
        .bind(signed(went))
        .execute(&mut *connection)
        .await?;
        let step = Step {
            began: end.saturating_sub(records),
            begins: end.saturating_sub(records - went),
            gone: stripped.gone,
        };
        stay(connection, stand, id, &step).await?;
        moved.0.entry(id).or_default().push(step);
    }
}

fn all(records: u64) -> Stripped {
    let records = usize::try_from(records).unwrap_or_default();
    Stripped {
        gone: vec![true; records],
        was_named: false,
    }
}

fn logs(body: Vec<u8>, bytes: u64, crc: i64) -> Option<ResourceLogs> {
    let plain = if bytes == 0 {
        body
    } else {
        let crc = u32::try_from(crc).ok()?;
        let packed = Packed {
            blocks: body,
            bytes,
            crc,
        };
        packed.unpack()?
    };
    ResourceLogs::decode(&plain[..]).ok()
}

/// The names of the records that stay.
fn without(names: &[u8], records: u64, stripped: &Stripped) -> Option<Vec<u8>> {
    let mut names = Names::stored(names, records);
    let mut gone = stripped.gone.iter();
    names
        .seqs
        .retain(|_| !gone.next().copied().unwrap_or_default());
    names.to_stored()
}

/// A frame with nothing in it, so that those around it stay where they are.
async fn empty(connection: &mut SqliteConnection, id: i64) -> Result<(), sqlx::Error> {
    let packed = Packed::new(&[]);
    sqlx::query(
        "UPDATE frame SET records = 0, subject = '', queue = NULL, first_seq = NULL, last_seq = NULL, names = NULL,
         body = ?, crc = ?, bytes = ?, plain_crc = ? WHERE id = ?",
    )
    .bind(&packed.blocks)
    .bind(i64::from(crc32fast::hash(&packed.blocks)))
    .bind(signed(packed.bytes))
    .bind(i64::from(packed.crc))
    .bind(id)
    .execute(connection)
    .await
    .map(drop)
}

async fn pack(
    connection: &mut SqliteConnection,
    id: i64,
    logs: &ResourceLogs,
    records: u64,
    names: Option<Option<Vec<u8>>>,
) -> Result<(), sqlx::Error> {
    let packed = Packed::new(&logs.encode_to_vec());
    sqlx::query(
        "UPDATE frame SET records = ?, names = ?, body = ?, crc = ?, bytes = ?, plain_crc = ? WHERE id = ?",
    )
    .bind(signed(records))
    .bind(names.flatten())
    .bind(&packed.blocks)
    .bind(i64::from(crc32fast::hash(&packed.blocks)))
    .bind(signed(packed.bytes))
    .bind(i64::from(packed.crc))
    .bind(id)
    .execute(connection)
    .await
    .map(drop)
}

/// Keeps the consumers that are in the middle of this frame at the record where they are.
async fn stay(
    connection: &mut SqliteConnection,
    stand: &mut Stand,
    frame: i64,
    step: &Step,
) -> Result<(), sqlx::Error> {
    for consumer in Consumer::ALL {
        let Some(mut cursor) = stand.of(consumer) else {
            continue;
        };
        if cursor.frame + 1 != frame || cursor.done == 0 {
            continue;
        }
        cursor.done = left(&step.gone, cursor.done);
        cursor.at.records = step.begins;
        stand.set(consumer, Some(cursor));
        sqlx::query("UPDATE consumer SET done = ?, end_records = ? WHERE name = ?")
            .bind(signed(cursor.done))
            .bind(signed(cursor.at.records))
            .bind(consumer.name())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Removes a person's dead letters, in the transaction that is open.
pub async fn letters(
    connection: &mut SqliteConnection,
    dead: &mut Dead,
    whom: &Whom,
    erased: &mut Erased,
) -> Result<(), sqlx::Error> {
    let mut after = i64::MIN;
    loop {
        let row = sqlx::query("SELECT id, body FROM dead WHERE id > ? ORDER BY id LIMIT 1")
            .bind(after)
            .fetch_optional(&mut *connection)
            .await?;
        let Some(row) = row else { return Ok(()) };
        after = row.try_get(0)?;
        let is_theirs = match ResourceLogs::decode(row.try_get::<&[u8], _>(1)?) {
            Ok(mut logs) => {
                let stripped = strip(&mut logs, whom);
                stripped.records() > 0 || stripped.was_named
            }
            // What can't be read can't be searched.
            Err(_) => true,
        };
        if is_theirs {
            letters::delete(connection, dead, after).await?;
            erased.dead_letters += 1;
        }
    }
}

/// Whether a letter is of somebody who was erased after its record came.
pub fn is_erased(letter: &DeadLetter, stones: &[Stone]) -> bool {
    if stones.is_empty() {
        return false;
    }
    let Ok(logs) = ResourceLogs::decode(&letter.body[..]) else {
        return false;
    };
    let mut records = logs.scope_logs.iter().flat_map(|scope| &scope.log_records);
    let received = records.next().map_or(0, |record| {
        i64::try_from(record.observed_time_unix_nano / 1_000_000).unwrap_or(i64::MAX)
    });
    stones.iter().any(|stone| {
        received <= stone.made_at && strip(&mut logs.clone(), &stone.whom).records() > 0
    })
}

/// Puts a keyed hash in the place of the sender, in the transaction that is open.
pub async fn ledger(
    connection: &mut SqliteConnection,
    whom: &Whom,
    erased: &mut Erased,
) -> Result<(), sqlx::Error> {
    let subjects: Vec<String> =
        sqlx::query_scalar("SELECT subject FROM queue UNION SELECT subject FROM accepted")
            .fetch_all(&mut *connection)
            .await?;
    for subject in subjects.iter().filter(|subject| whom.is_sender(subject)) {
        let hashed = whom.key().subject(subject);
        for statement in [
            "UPDATE OR REPLACE accepted SET subject = ? WHERE subject = ?",
            "UPDATE OR REPLACE queue SET subject = ? WHERE subject = ?",
        ] {
            let renamed = sqlx::query(statement)
                .bind(&hashed)
                .bind(subject)
                .execute(&mut *connection)
                .await?;
            if statement.contains("queue SET") {
                erased.queues += renamed.rows_affected();
            }
        }
    }
    Ok(())
}

/// The senders in the ledger who were erased, as it calls them.
pub async fn senders(connection: &mut SqliteConnection) -> Result<HashSet<String>, sqlx::Error> {
    let names: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT subject FROM queue WHERE subject LIKE ?")
            .bind(format!("{ERASED}%"))
            .fetch_all(connection)
            .await?;
    Ok(names.into_iter().collect())
}

/// Writes the database anew, without what it still has of rows that were deleted, and empties its log.
pub async fn clean(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("VACUUM").execute(&mut *connection).await?;
    let mut tries = 0;
    loop {
        let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&mut *connection)
            .await?;
        if row.try_get::<i64, _>(0)? == 0 {
            return Ok(());
        }
        tries += 1;
        if tries > MAX_TRIES {
            return Err(sqlx::Error::Protocol(
                "somebody reads the database: its log can't be emptied".into(),
            ));
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// How often, and how soon after each other, it is tried to empty the log while somebody reads.
const MAX_TRIES: u32 = 100;
const AGAIN: std::time::Duration = std::time::Duration::from_millis(50);

#[cfg(test)]
mod tests;
