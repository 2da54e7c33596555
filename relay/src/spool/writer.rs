//! The one task that writes to the database: as many commands as wait share one transaction and its sync.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use sqlx::SqliteConnection;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::clock::now;
use super::command::{Command, Reply};
use super::database::{Database, Totals};
use super::erasing::Erased;
use super::error::{OfferError, OpenError, is_damage};
use super::gauge::Gauge;
use super::integer::signed;
use super::letters::Done;
use super::{mend, running, schema};
use crate::stone::{self, Stone};
use crate::text::chain;

/// The writer: its database, and the gauge on which it publishes what is committed.
pub struct Writing {
    dir: PathBuf,
    database: Database,
    gauge: Arc<Gauge>,
}

impl Writing {
    /// A writer of the database behind `connection`, which is that of `dir`.
    pub async fn begin(
        dir: &Path,
        connection: SqliteConnection,
        gauge: Arc<Gauge>,
    ) -> Result<Self, sqlx::Error> {
        let key = stone::key_in(dir).unwrap_or_else(|error| {
            tracing::error!(%error, "what erased senders sent before may be taken for new");
            None
        });
        let writing = Self {
            dir: dir.to_owned(),
            database: Database::read(connection, gauge.max_bytes, key).await?,
            gauge,
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
            let is_to_erase = |command: &mut Command| matches!(command, Command::Erase { .. });
            let erasers: Vec<Command> = commands.extract_if(.., is_to_erase).collect();
            self.group(commands).await;
            for eraser in erasers {
                if let Command::Erase { stone, answer } = eraser {
                    drop(answer.send(self.erase(stone).await));
                }
            }
            for mender in menders {
                if let Command::Mend { mended, answer } = mender {
                    drop(answer.send(self.mend_once(mended).await));
                }
            }
        }
        inbox.close();
        let closed = self.database.close().await;
        running::unmark(&self.dir);
        if let Err(error) = closed {
            tracing::warn!(error = %error, "the spool was not closed cleanly; nothing is lost");
        }
    }

    /// Forgets a little of what is too old or too much, in a transaction of its own; how long until the next step.
    ///
    /// It comes first, for a moment, also where commands wait: a client that sends without end could otherwise hold it up.
    async fn sweep(&mut self) -> Duration {
        let before = self.database.totals();
        let database = &mut self.database;
        let keep = signed(self.gauge.keep_dead.load(Ordering::Relaxed));
        let swept = async {
            database.begin().await?;
            let has_more = database.sweep(now().saturating_sub(keep)).await?;
            database.commit().await?;
            Ok::<_, sqlx::Error>(has_more)
        };
        match swept.await {
            Ok(has_more) => {
                self.publish();
                if has_more { SWEEP_AGAIN } else { SWEEP_EVERY }
            }
            Err(error) => {
                self.database.roll_back(before).await;
                tracing::warn!(error = %error, "what is too old could not be deleted; it is tried again");
                SWEEP_EVERY
            }
        }
    }

    async fn group(&mut self, commands: Vec<Command>) {
        let before = self.database.totals();
        let mut answers = Vec::with_capacity(commands.len());
        match self.transaction(commands, &mut answers).await {
            Ok(()) => {
                self.gauge.is_failing.store(false, Ordering::Relaxed);
                let has_grown = self.database.totals().stand.last_frame > before.stand.last_frame;
                self.publish();
                for answer in answers {
                    answer.send();
                }
                if has_grown {
                    self.gauge.changed.iter().for_each(Notify::notify_one);
                }
            }
            Err(error) => {
                self.database.roll_back(before).await;
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

    /// Erases a person. It is not part of a group: the file is written anew, and that can be no part of a transaction.
    async fn erase(&mut self, stone: Stone) -> Result<Erased, OfferError> {
        let erased = self.database.erase(stone).await;
        self.publish();
        erased.map_err(|error| OfferError::Away(error.to_string()))
    }

    /// Mends the database, unless it was mended since the reader that found the damage opened it.
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
        answers: &mut Vec<Reply>,
    ) -> Result<(), sqlx::Error> {
        let database = &mut self.database;
        let mut error = database.begin().await.err();
        for command in commands {
            // Behind an error nothing is tried any more, but everybody is still to be answered.
            match command {
                Command::Offer {
                    offer,
                    keep,
                    answer,
                } => {
                    let verdict = match error {
                        None => database.offer(offer, keep).await,
                        Some(_) => Ok(Err(OfferError::Stopping)),
                    };
                    let verdict = verdict.unwrap_or_else(|failed| {
                        error = Some(failed);
                        Err(OfferError::Stopping)
                    });
                    answers.push(Reply::Offer(answer, verdict));
                }
                Command::Advance {
                    consumer,
                    to,
                    dead,
                    answer,
                } => {
                    if error.is_none() {
                        error = database.advance(consumer, to, dead).await.err();
                    }
                    answers.push(Reply::Done(answer));
                }
                Command::Replay { letters, answer } => {
                    let done = match error {
                        None => database.replay(letters).await,
                        Some(_) => Ok(Done::default()),
                    };
                    let done = done.unwrap_or_else(|failed| {
                        error = Some(failed);
                        Done::default()
                    });
                    answers.push(Reply::Replay(answer, done));
                }
                Command::Remove { ids, answer } => {
                    let removed = match error {
                        None => database.remove(&ids).await,
                        Some(_) => Ok(0),
                    };
                    let removed = removed.unwrap_or_else(|failed| {
                        error = Some(failed);
                        0
                    });
                    answers.push(Reply::Remove(answer, removed));
                }
                Command::KeepFor { consumers, answer } => {
                    if error.is_none() {
                        error = database.keep_for(&consumers).await.err();
                    }
                    answers.push(Reply::Done(answer));
                }
                Command::Mend { .. } | Command::Erase { .. } | Command::Stop => {}
            }
        }
        if error.is_none() {
            error = database.commit().await.err();
        }
        error.map_or(Ok(()), Err)
    }

    fn publish(&self) {
        let Totals {
            stand,
            dead,
            ledger,
        } = self.database.totals();
        *self
            .gauge
            .dead
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = dead;
        *self
            .gauge
            .stand
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = stand;
        *self
            .gauge
            .ledger
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = ledger;
    }
}

/// Commands in one transaction at most.
const GROUP: usize = 128;

/// How often it is looked for what is too old.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// How soon after a step the next one follows, where there is more to forget.
const SWEEP_AGAIN: Duration = Duration::from_millis(50);
