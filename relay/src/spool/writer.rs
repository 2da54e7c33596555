//! The one task that writes to the database: as many commands as wait share one transaction and its sync.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::{Connection, Row as _, SqliteConnection};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::append::{self, Row};
use super::command::{Answer, Command};
use super::consumer::{Consumer, Cursor, Position, Stand};
use super::ledger::{Ledger, Size};
use super::letters::{self, Dead, Done, Replayed};
use super::ranges::Range;
use super::reader::is_damage;
use super::{
    DeadLetter, Frame, Gauge, Named, Offer, OfferError, OpenError, Verdict, mend, running, schema,
    signed, unsigned,
};
use crate::text::chain;

/// The writer's own view: ahead of the gauge while a transaction is open.
#[derive(Clone, Copy)]
struct Totals {
    stand: Stand,
    dead: Dead,
}

pub struct Writing {
    dir: PathBuf,
    connection: SqliteConnection,
    gauge: Arc<Gauge>,
    ledger: Ledger,
    totals: Totals,
    /// Of the transaction that is open, what is still to be written. It belongs to the totals and to the ledger already.
    rows: Vec<Row>,
}

impl Writing {
    pub async fn begin(
        dir: &Path,
        mut connection: SqliteConnection,
        gauge: Arc<Gauge>,
    ) -> Result<Self, sqlx::Error> {
        let position = |row: &sqlx::sqlite::SqliteRow| {
            Ok::<_, sqlx::Error>(Position {
                records: unsigned(row.try_get(1)?),
                bytes: unsigned(row.try_get(2)?),
            })
        };
        let mut stand = Stand::default();
        let consumers =
            sqlx::query("SELECT frame, end_records, end_bytes, done, name FROM consumer")
                .fetch_all(&mut connection)
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
        let last =
            sqlx::query("SELECT id, end_records, end_bytes FROM frame ORDER BY id DESC LIMIT 1")
                .fetch_optional(&mut connection)
                .await?;
        if let Some(row) = last {
            let id: i64 = row.try_get(0)?;
            if id > stand.last_frame {
                (stand.last_frame, stand.head) = (id, position(&row)?);
            }
        }
        let dead = letters::count(&mut connection).await?;
        let ledger = Ledger::open(&mut connection).await?;
        let writing = Self {
            dir: dir.to_owned(),
            connection,
            gauge,
            ledger,
            totals: Totals { stand, dead },
            rows: Vec::new(),
        };
        writing.publish();
        Ok(writing)
    }

    /// Writes until it is told to stop, then closes the database.
    pub async fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        let mut stopping = false;
        let mut sweep_at = Instant::now();
        while !stopping {
            let first = tokio::select! {
                biased;
                () = tokio::time::sleep_until(sweep_at) => {
                    sweep_at = Instant::now() + self.sweep().await;
                    continue;
                }
                first = inbox.recv() => first,
            };
            let Some(first) = first else {
                break;
            };
            let mut commands = vec![first];
            // Whoever is about to ask as well may share the sync: on one core they all come right behind.
            tokio::task::yield_now().await;
            while commands.len() < GROUP {
                let Ok(command) = inbox.try_recv() else { break };
                commands.push(command);
            }
            stopping = commands
                .iter()
                .any(|command| matches!(command, Command::Stop));
            // Whoever asks to have it mended has found damage that no write has met yet, unless one did meanwhile.
            let is_to_mend = |command: &mut Command| matches!(command, Command::Mend { .. });
            let menders: Vec<Command> = commands.extract_if(.., is_to_mend).collect();
            self.group(commands).await;
            for mender in menders {
                if let Command::Mend { mended, answer } = mender {
                    drop(answer.send(self.mend_once(mended).await));
                }
            }
        }
        inbox.close();
        // So that the database is one file, and a copy of it whole, although a reader has it open still.
        let _ = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&mut self.connection)
            .await;
        running::unmark(&self.dir);
        if let Err(error) = self.connection.close().await {
            tracing::warn!(error = %error, "the spool was not closed cleanly; nothing is lost");
        }
    }

    /// Forgets a little of what is too old or too much, in a transaction of its own; how long until the next step.
    ///
    /// It comes first, for a moment, also where commands wait: whoever sends without end could otherwise hold it up.
    async fn sweep(&mut self) -> Duration {
        let before = (self.totals, self.ledger.size());
        let swept = async {
            sqlx::query("BEGIN IMMEDIATE")
                .execute(&mut self.connection)
                .await?;
            let max_bytes = self.gauge.max_bytes / SHARE;
            let swept = self.ledger.sweep(&mut self.connection, max_bytes, now());
            let has_more = swept.await?;
            let keep = signed(self.gauge.keep_dead.load(Ordering::Relaxed));
            let before = now().saturating_sub(keep);
            let dead = &mut self.totals.dead;
            let expired = letters::expire(&mut self.connection, dead, max_bytes, before);
            let has_more = expired.await? || has_more;
            sqlx::query("COMMIT").execute(&mut self.connection).await?;
            Ok::<_, sqlx::Error>(has_more)
        };
        let swept = swept.await;
        match swept {
            Ok(has_more) => {
                self.publish();
                if has_more { SWEEP_AGAIN } else { SWEEP_EVERY }
            }
            Err(error) => {
                let _ = sqlx::query("ROLLBACK").execute(&mut self.connection).await;
                self.go_back(before);
                tracing::warn!(error = %error, "what is too old could not be deleted; it is tried again");
                SWEEP_EVERY
            }
        }
    }

    fn go_back(&mut self, (totals, size): (Totals, Size)) {
        self.totals = totals;
        self.ledger.go_back(size);
        self.rows.clear();
    }

    async fn group(&mut self, commands: Vec<Command>) {
        let before = (self.totals, self.ledger.size());
        let mut answers = Vec::with_capacity(commands.len());
        match self.transaction(commands, &mut answers).await {
            Ok(()) => {
                self.gauge.is_failing.store(false, Ordering::Relaxed);
                let has_grown = self.totals.stand.last_frame > before.0.stand.last_frame;
                self.publish();
                for answer in answers {
                    answer.send();
                }
                if has_grown {
                    self.gauge
                        .changed
                        .iter()
                        .for_each(tokio::sync::Notify::notify_one);
                }
            }
            Err(error) => {
                self.go_back(before);
                self.gauge.failed_writes.fetch_add(1, Ordering::Relaxed);
                self.gauge.is_failing.store(true, Ordering::Relaxed);
                tracing::error!(error = %error, requests = answers.len(), "the spool could not be written");
                let away = OfferError::Away(error.to_string());
                for answer in answers {
                    answer.fail(&away);
                }
                if is_damage(&error)
                    && let Err(error) = self.mend().await
                {
                    tracing::error!(error = chain(&error), "the spool can't be mended");
                }
            }
        }
    }

    /// The same, unless it was mended since whoever asks for it opened the file.
    async fn mend_once(&mut self, mended: u64) -> Result<(), OfferError> {
        if mended != self.gauge.mended.load(Ordering::Acquire) {
            return Ok(());
        }
        self.mend().await.map_err(|error| {
            tracing::error!(error = chain(&error), "the spool can't be mended");
            OfferError::Away(error.to_string())
        })
    }

    /// Goes on with a new database that has what is whole in this one.
    async fn mend(&mut self) -> Result<(), OpenError> {
        mend::mend(&self.dir, &self.gauge).await?;
        let connection = schema::open(&self.dir).await?;
        if let Err(error) = running::mark(&self.dir) {
            tracing::warn!(error = %error, "that the spool is in use could not be written down");
        }
        let begun = Self::begin(&self.dir, connection, Arc::clone(&self.gauge)).await;
        *self = begun.map_err(|source| OpenError::Database {
            file: self.dir.join(schema::FILE),
            source,
        })?;
        Ok(())
    }

    async fn transaction(
        &mut self,
        commands: Vec<Command>,
        answers: &mut Vec<Answer>,
    ) -> Result<(), sqlx::Error> {
        let mut error = sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut self.connection)
            .await
            .err();
        for command in commands {
            // Behind an error nothing is tried any more, but everybody is still to be answered.
            match command {
                Command::Offer {
                    offer,
                    keep,
                    answer,
                } => {
                    let verdict = match error {
                        None => self.offer(offer, keep).await,
                        Some(_) => Ok(Err(OfferError::Stopping)),
                    };
                    let verdict = verdict.unwrap_or_else(|failed| {
                        error = Some(failed);
                        Err(OfferError::Stopping)
                    });
                    answers.push(Answer::Offer(answer, verdict));
                }
                Command::Advance {
                    consumer,
                    to,
                    dead,
                    answer,
                } => {
                    if error.is_none() {
                        error = self.advance(consumer, to, dead).await.err();
                    }
                    answers.push(Answer::Done(answer));
                }
                Command::Replay { letters, answer } => {
                    let done = match error {
                        None => self.replay(letters).await,
                        Some(_) => Ok(Done::default()),
                    };
                    let done = done.unwrap_or_else(|failed| {
                        error = Some(failed);
                        Done::default()
                    });
                    answers.push(Answer::Replay(answer, done));
                }
                Command::Remove { ids, answer } => {
                    let removed = match error {
                        None => self.remove(&ids).await,
                        Some(_) => Ok(0),
                    };
                    let removed = removed.unwrap_or_else(|failed| {
                        error = Some(failed);
                        0
                    });
                    answers.push(Answer::Remove(answer, removed));
                }
                Command::KeepFor { consumers, answer } => {
                    if error.is_none() {
                        error = self.keep_for(&consumers).await.err();
                    }
                    answers.push(Answer::Done(answer));
                }
                Command::Mend { .. } | Command::Stop => {}
            }
        }
        if error.is_none() {
            error = self.write_rows().await.err();
        }
        if error.is_none() {
            error = sqlx::query("COMMIT")
                .execute(&mut self.connection)
                .await
                .err();
        }
        let Some(error) = error else { return Ok(()) };
        // SQLite has rolled back by itself after some errors; then this one says so.
        let _ = sqlx::query("ROLLBACK").execute(&mut self.connection).await;
        Err(error)
    }

    async fn offer(
        &mut self,
        mut offer: Offer,
        keep: bool,
    ) -> Result<Result<Verdict, OfferError>, sqlx::Error> {
        let now = now();
        if keep && let Some(grown) = self.ledger.follows(&offer, now) {
            return Ok(self.line_up(offer, grown, now));
        }
        self.write_rows().await?;
        let verdict = self.ledger.look(&mut self.connection, &offer, now).await?;
        if !keep || verdict != Verdict::Kept {
            return Ok(Ok(verdict));
        }
        if let Some(frame) = offer.frame.take() {
            if !self.has_room_for(&frame) {
                return Ok(Err(OfferError::Full));
            }
            self.insert(frame, &offer.subject, offer.named.as_ref(), None)
                .await?;
        }
        self.ledger.keep(&mut self.connection, &offer, now).await?;
        Ok(Ok(Verdict::Kept))
    }

    /// Takes an offer that stands right behind the last of its queue; the database need not be asked. It is written with
    /// those that come after it, since every statement is a way to SQLite's thread and back.
    fn line_up(&mut self, offer: Offer, grown: Range, now: i64) -> Result<Verdict, OfferError> {
        let (Some(frame), Some(named)) = (offer.frame, offer.named) else {
            return Ok(Verdict::Kept);
        };
        if !self.has_room_for(&frame) {
            return Err(OfferError::Full);
        }
        let subject = &offer.subject;
        self.ledger.grew(subject, &named.queue, grown, now);
        let (id, head) = self.place(&frame);
        self.rows.push(Row {
            id,
            head,
            frame,
            subject: offer.subject,
            named,
            grown,
        });
        Ok(Verdict::Kept)
    }

    /// Writes what is lined up. Whoever reads the database, or writes to it, does this first.
    async fn write_rows(&mut self) -> Result<(), sqlx::Error> {
        append::all(std::mem::take(&mut self.rows), &mut self.connection).await
    }

    /// What of the cap is used.
    fn used(&self) -> u64 {
        let pending = self.totals.stand.depth().bytes;
        let beside = self
            .ledger
            .size()
            .bytes
            .saturating_add(self.totals.dead.bytes);
        pending.saturating_add(beside)
    }

    fn has_room_for(&self, frame: &Frame) -> bool {
        self.used().saturating_add(frame.packed.bytes) <= self.gauge.max_bytes
    }

    /// Puts a frame behind the others, for one consumer or for all.
    async fn insert(
        &mut self,
        frame: Frame,
        subject: &str,
        named: Option<&Named>,
        only_for: Option<Consumer>,
    ) -> Result<(), sqlx::Error> {
        let (id, head) = self.place(&frame);
        append::bind(
            sqlx::query(append::INSERT),
            id,
            head,
            frame,
            subject,
            named,
            only_for,
        )
        .execute(&mut self.connection)
        .await
        .map(drop)
    }

    /// The number of a frame behind all others, and where it ends.
    fn place(&mut self, frame: &Frame) -> (i64, Position) {
        let stand = &mut self.totals.stand;
        stand.last_frame += 1;
        stand.head.records += frame.records;
        stand.head.bytes += frame.packed.bytes;
        (stand.last_frame, stand.head)
    }

    async fn replay(&mut self, letters: Vec<Replayed>) -> Result<Done, sqlx::Error> {
        self.write_rows().await?;
        let mut done = Done::default();
        for Replayed { id, of, frame } in letters {
            // It is in the cap already, as a dead letter.
            let freed = self.totals.dead.bytes.min(frame.packed.bytes);
            if self
                .used()
                .saturating_sub(freed)
                .saturating_add(frame.packed.bytes)
                > self.gauge.max_bytes
            {
                done.is_full = true;
                break;
            }
            // Somebody else may have moved or removed it meanwhile.
            if letters::delete(&mut self.connection, &mut self.totals.dead, id).await? {
                self.insert(frame, "", None, of).await?;
                done.replayed += 1;
            }
        }
        Ok(done)
    }

    async fn remove(&mut self, ids: &[i64]) -> Result<u64, sqlx::Error> {
        self.write_rows().await?;
        let mut removed = 0;
        for &id in ids {
            let was_there = letters::delete(&mut self.connection, &mut self.totals.dead, id);
            removed += u64::from(was_there.await?);
        }
        Ok(removed)
    }

    async fn advance(
        &mut self,
        consumer: Consumer,
        to: Cursor,
        dead: Vec<DeadLetter>,
    ) -> Result<(), sqlx::Error> {
        self.write_rows().await?;
        for letter in dead {
            letters::insert(&mut self.connection, &mut self.totals.dead, letter, now()).await?;
        }
        self.totals.stand.set(consumer, Some(to));
        sqlx::query("UPDATE consumer SET frame = ?, done = ?, end_records = ?, end_bytes = ? WHERE name = ?")
            .bind(to.frame)
            .bind(signed(to.done))
            .bind(signed(to.at.records))
            .bind(signed(to.at.bytes))
            .bind(consumer.name())
            .execute(&mut self.connection)
            .await?;
        self.delete_behind().await
    }

    async fn delete_behind(&mut self) -> Result<(), sqlx::Error> {
        sqlx::query("DELETE FROM frame WHERE id <= (SELECT min(frame) FROM consumer)")
            .execute(&mut self.connection)
            .await
            .map(drop)
    }

    async fn keep_for(&mut self, consumers: &[Consumer]) -> Result<(), sqlx::Error> {
        self.write_rows().await?;
        let behind = self.totals.stand.behind();
        for consumer in Consumer::ALL {
            let stands = self.totals.stand.of(consumer);
            match (consumers.contains(&consumer), stands) {
                (true, None) => {
                    // The frame that the one furthest behind is in the middle of is new to this one.
                    let begin = Cursor { done: 0, ..behind };
                    sqlx::query("INSERT INTO consumer VALUES (?, ?, 0, ?, ?)")
                        .bind(consumer.name())
                        .bind(begin.frame)
                        .bind(signed(begin.at.records))
                        .bind(signed(begin.at.bytes))
                        .execute(&mut self.connection)
                        .await?;
                    self.totals.stand.set(consumer, Some(begin));
                }
                (false, Some(_)) => {
                    sqlx::query("DELETE FROM consumer WHERE name = ?")
                        .bind(consumer.name())
                        .execute(&mut self.connection)
                        .await?;
                    self.totals.stand.set(consumer, None);
                }
                _ => {}
            }
        }
        self.delete_behind().await
    }

    fn publish(&self) {
        let dead = &self.gauge.dead;
        *dead.lock().unwrap_or_else(PoisonError::into_inner) = self.totals.dead;
        let stand = &self.gauge.stand;
        *stand.lock().unwrap_or_else(PoisonError::into_inner) = self.totals.stand;
        let ledger = &self.gauge.ledger;
        *ledger.lock().unwrap_or_else(PoisonError::into_inner) = self.ledger.size();
    }
}

/// Nanoseconds since 1970.
pub fn now() -> i64 {
    signed(u64::try_from(Timestamp::now().as_nanosecond()).unwrap_or_default())
}

/// Commands in one transaction at most.
const GROUP: usize = 128;

/// The ledger, and the dead letters, each have this part of the spool's cap at most.
const SHARE: u64 = 4;

/// How often it is looked for what is too old.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// How soon after a step the next one follows, where there is more to forget.
const SWEEP_AGAIN: Duration = Duration::from_millis(50);
