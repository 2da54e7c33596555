//! The one task that writes to the database: as many commands as wait share one transaction and its sync.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use sqlx::{Connection, Row, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::reader::is_damage;
use super::{
    Cursor, DeadLetter, Frame, Gauge, Named, Offer, OfferError, Verdict, ledger, signed, unsigned,
};

/// What the writer is asked for; it answers after the commit.
#[derive(Debug)]
pub enum Command {
    Offer {
        offer: Offer,
        keep: bool,
        answer: oneshot::Sender<Result<Verdict, OfferError>>,
    },
    Advance {
        to: Cursor,
        dead: Vec<DeadLetter>,
        answer: oneshot::Sender<Result<(), OfferError>>,
    },
    Replay {
        ids: Vec<i64>,
        answer: oneshot::Sender<Result<u64, OfferError>>,
    },
    Stop,
}

/// An answer that waits for the commit.
enum Answer {
    Offer(
        oneshot::Sender<Result<Verdict, OfferError>>,
        Result<Verdict, OfferError>,
    ),
    Advance(oneshot::Sender<Result<(), OfferError>>),
    Replay(
        oneshot::Sender<Result<u64, OfferError>>,
        Result<u64, OfferError>,
    ),
}

/// The writer's own view: ahead of the gauge while a transaction is open.
#[derive(Clone, Copy)]
struct Totals {
    next_frame: i64,
    head_records: u64,
    head_bytes: u64,
    cursor: Cursor,
    tail_records: u64,
    tail_bytes: u64,
    dead: u64,
}

pub struct Writing {
    connection: SqliteConnection,
    gauge: Arc<Gauge>,
    totals: Totals,
    /// What is behind the cursor is left where it is, because to delete it would mean to read it.
    is_damaged: bool,
}

impl Writing {
    pub async fn begin(
        mut connection: SqliteConnection,
        gauge: Arc<Gauge>,
    ) -> Result<Self, sqlx::Error> {
        let last =
            sqlx::query("SELECT id, end_records, end_bytes FROM frame ORDER BY id DESC LIMIT 1")
                .fetch_optional(&mut connection)
                .await?;
        let consumer = sqlx::query(
            "SELECT frame, done, end_records, end_bytes FROM consumer WHERE name = 'export'",
        )
        .fetch_one(&mut connection)
        .await?;
        let dead: i64 = sqlx::query_scalar("SELECT count(*) FROM dead")
            .fetch_one(&mut connection)
            .await?;
        let cursor = Cursor {
            frame: consumer.try_get(0)?,
            done: unsigned(consumer.try_get(1)?),
        };
        let tail = (
            unsigned(consumer.try_get(2)?),
            unsigned(consumer.try_get(3)?),
        );
        let (last_frame, head) = match last {
            Some(row) => (
                row.try_get(0)?,
                (unsigned(row.try_get(1)?), unsigned(row.try_get(2)?)),
            ),
            None => (cursor.frame, tail),
        };
        let totals = Totals {
            next_frame: last_frame.max(cursor.frame) + 1,
            head_records: head.0,
            head_bytes: head.1,
            cursor,
            tail_records: tail.0,
            tail_bytes: tail.1,
            dead: unsigned(dead),
        };
        let writing = Self {
            connection,
            gauge,
            totals,
            is_damaged: false,
        };
        writing.publish();
        Ok(writing)
    }

    /// Writes until it is told to stop, then closes the database.
    pub async fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        let mut stopping = false;
        while !stopping {
            let Some(first) = inbox.recv().await else {
                break;
            };
            let mut commands = vec![first];
            while commands.len() < GROUP {
                let Ok(command) = inbox.try_recv() else { break };
                commands.push(command);
            }
            stopping = commands
                .iter()
                .any(|command| matches!(command, Command::Stop));
            self.group(commands).await;
        }
        inbox.close();
        if let Err(error) = self.connection.close().await {
            tracing::warn!(error = %error, "the spool was not closed cleanly; nothing is lost");
        }
    }

    async fn group(&mut self, commands: Vec<Command>) {
        let before = self.totals;
        let mut answers = Vec::with_capacity(commands.len());
        match self.transaction(commands, &mut answers).await {
            Ok(()) => {
                let grown = self.totals.head_records > before.head_records;
                self.publish();
                for answer in answers {
                    answer.send();
                }
                if grown {
                    self.gauge.changed.notify_one();
                }
            }
            Err(error) => {
                self.totals = before;
                self.is_damaged |= is_damage(&error);
                tracing::error!(error = %error, requests = answers.len(), "the spool could not be written");
                let away = OfferError::Away(error.to_string());
                for answer in answers {
                    answer.fail(&away);
                }
            }
        }
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
                        None => self.offer(&offer, keep).await,
                        Some(_) => Ok(Err(OfferError::Stopping)),
                    };
                    let verdict = verdict.unwrap_or_else(|failed| {
                        error = Some(failed);
                        Err(OfferError::Stopping)
                    });
                    answers.push(Answer::Offer(answer, verdict));
                }
                Command::Advance { to, dead, answer } => {
                    if error.is_none() {
                        error = self.advance(to, &dead).await.err();
                    }
                    answers.push(Answer::Advance(answer));
                }
                Command::Replay { ids, answer } => {
                    let replayed = match error {
                        None => self.replay(&ids).await,
                        Some(_) => Ok(Err(OfferError::Stopping)),
                    };
                    let replayed = replayed.unwrap_or_else(|failed| {
                        error = Some(failed);
                        Err(OfferError::Stopping)
                    });
                    answers.push(Answer::Replay(answer, replayed));
                }
                Command::Stop => {}
            }
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
        offer: &Offer,
        keep: bool,
    ) -> Result<Result<Verdict, OfferError>, sqlx::Error> {
        let now = signed(u64::try_from(Timestamp::now().as_nanosecond()).unwrap_or_default());
        let verdict = ledger::look(&mut self.connection, offer, now).await?;
        if !keep || verdict != Verdict::Kept {
            return Ok(Ok(verdict));
        }
        if let Some(frame) = &offer.frame
            && !self
                .insert(frame, &offer.subject, offer.named.as_ref())
                .await?
        {
            return Ok(Err(OfferError::Full));
        }
        ledger::keep(&mut self.connection, offer, now).await?;
        Ok(Ok(Verdict::Kept))
    }

    /// Puts a frame behind the others; `false` when there is no room.
    async fn insert(
        &mut self,
        frame: &Frame,
        subject: &str,
        named: Option<&Named>,
    ) -> Result<bool, sqlx::Error> {
        let bytes = u64::try_from(frame.body.len()).unwrap_or(u64::MAX);
        let pending = self
            .totals
            .head_bytes
            .saturating_sub(self.totals.tail_bytes);
        if pending.saturating_add(bytes) > self.gauge.max_bytes {
            return Ok(false);
        }
        let end_records = self.totals.head_records + frame.records;
        let end_bytes = self.totals.head_bytes + bytes;
        sqlx::query(
            "INSERT INTO frame VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )
        .bind(self.totals.next_frame)
        .bind(signed(end_records))
        .bind(signed(end_bytes))
        .bind(signed(frame.received))
        .bind(signed(frame.records))
        .bind(signed(frame.oldest))
        .bind(signed(frame.newest))
        .bind(subject)
        .bind(named.map(|named| named.queue.as_str()))
        .bind(
            named
                .and_then(|named| named.seqs.first())
                .map(|&seq| signed(seq)),
        )
        .bind(
            named
                .and_then(|named| named.seqs.last())
                .map(|&seq| signed(seq)),
        )
        .bind(i64::from(crc32fast::hash(&frame.body)))
        .bind(&frame.body)
        .execute(&mut self.connection)
        .await?;
        self.totals.next_frame += 1;
        self.totals.head_records = end_records;
        self.totals.head_bytes = end_bytes;
        Ok(true)
    }

    async fn replay(&mut self, ids: &[i64]) -> Result<Result<u64, OfferError>, sqlx::Error> {
        let rows = sqlx::query("SELECT id, at, body FROM dead ORDER BY id")
            .fetch_all(&mut self.connection)
            .await?;
        let mut replayed = 0;
        for row in rows {
            let id: i64 = row.try_get(0)?;
            if !ids.is_empty() && !ids.contains(&id) {
                continue;
            }
            // Its times are not known without a look inside: a clamping export must look.
            let frame = Frame {
                body: row.try_get(2)?,
                records: 1,
                received: unsigned(row.try_get(1)?),
                oldest: 0,
                newest: u64::MAX,
            };
            if !self.insert(&frame, "", None).await? {
                break;
            }
            sqlx::query("DELETE FROM dead WHERE id = ?1")
                .bind(id)
                .execute(&mut self.connection)
                .await?;
            self.totals.dead = self.totals.dead.saturating_sub(1);
            replayed += 1;
        }
        Ok(Ok(replayed))
    }

    async fn advance(&mut self, to: Cursor, dead: &[DeadLetter]) -> Result<(), sqlx::Error> {
        let now = signed(u64::try_from(Timestamp::now().as_nanosecond()).unwrap_or_default());
        for letter in dead {
            sqlx::query("INSERT INTO dead (at, reason, body) VALUES (?1, ?2, ?3)")
                .bind(now)
                .bind(&letter.reason)
                .bind(&letter.body)
                .execute(&mut self.connection)
                .await?;
            self.totals.dead += 1;
        }
        if to.frame > self.totals.cursor.frame {
            let end = sqlx::query(
                "SELECT end_records, end_bytes FROM frame WHERE id <= ?1 ORDER BY id DESC LIMIT 1",
            )
            .bind(to.frame)
            .fetch_optional(&mut self.connection)
            .await;
            match end {
                Ok(Some(end)) => {
                    self.totals.tail_records = unsigned(end.try_get(0)?);
                    self.totals.tail_bytes = unsigned(end.try_get(1)?);
                }
                Ok(None) => {}
                Err(error) if is_damage(&error) => {
                    // The frame can't be read; when it is the last one, what is behind it is known all the same.
                    if to.frame + 1 >= self.totals.next_frame {
                        self.totals.tail_records = self.totals.head_records;
                        self.totals.tail_bytes = self.totals.head_bytes;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        sqlx::query("UPDATE consumer SET frame = ?1, done = ?2, end_records = ?3, end_bytes = ?4 WHERE name = 'export'")
            .bind(to.frame)
            .bind(signed(to.done))
            .bind(signed(self.totals.tail_records))
            .bind(signed(self.totals.tail_bytes))
            .execute(&mut self.connection)
            .await?;
        if !self.is_damaged {
            sqlx::query("DELETE FROM frame WHERE id <= (SELECT min(frame) FROM consumer)")
                .execute(&mut self.connection)
                .await?;
        }
        self.totals.cursor = to;
        Ok(())
    }

    fn publish(&self) {
        self.gauge
            .tail
            .set(self.totals.tail_records, self.totals.tail_bytes);
        self.gauge
            .head
            .set(self.totals.head_records, self.totals.head_bytes);
        self.gauge.dead.store(self.totals.dead, Ordering::Relaxed);
        self.gauge
            .last_frame
            .store(self.totals.next_frame - 1, Ordering::Release);
        *self
            .gauge
            .cursor
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = self.totals.cursor;
    }
}

impl Answer {
    fn send(self) {
        // Whoever asked may have gone away; what was written stays written.
        match self {
            Self::Offer(answer, verdict) => drop(answer.send(verdict)),
            Self::Advance(answer) => drop(answer.send(Ok(()))),
            Self::Replay(answer, replayed) => drop(answer.send(replayed)),
        }
    }

    fn fail(self, error: &OfferError) {
        match self {
            Self::Offer(answer, _) => drop(answer.send(Err(error.clone()))),
            Self::Advance(answer) => drop(answer.send(Err(error.clone()))),
            Self::Replay(answer, _) => drop(answer.send(Err(error.clone()))),
        }
    }
}

/// Commands in one transaction at most.
const GROUP: usize = 128;
