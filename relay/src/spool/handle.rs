//! The handle on a spool: what the rest of the relay asks of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::command::Command;
use super::consumer::{Consumer, Cursor};
use super::erasing::Erased;
use super::error::{OfferError, OpenError, is_damage};
use super::frame::Pending;
use super::gauge::Gauge;
use super::letters::DeadLetter;
use super::offer::{Offer, Verdict};
use super::origin::{self, Origin};
use super::reading::Reading;
use super::writer::Writing;
use super::{mend, reader, running, salvage, schema};
use crate::stone::Stone;

/// A handle on the spool.
#[derive(Clone, Debug)]
pub struct Spool {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) gauge: Arc<Gauge>,
    pub(super) reading: Arc<tokio::sync::Mutex<Reading>>,
    pub(super) dir: PathBuf,
}

/// Lets its owner wait until everything is written.
#[derive(Debug)]
pub struct Writer(JoinHandle<()>);

impl Spool {
    /// Opens the spool in `dir`, which the caller has locked; at most `max_bytes` of frames are kept.
    ///
    /// # Errors
    ///
    /// When the database is newer, damaged or out of reach: see [`OpenError`].
    pub async fn open(dir: &Path, max_bytes: u64) -> Result<(Self, Writer), OpenError> {
        let gauge = Arc::new(Gauge {
            max_bytes,
            keep_dead: AtomicU64::new(u64::MAX),
            ..Gauge::default()
        });
        mend::finish(dir)?;
        let file = dir.join(schema::FILE);
        if running::has_lost_its_log(dir) {
            gauge.log_lost.store(true, Ordering::Relaxed);
            tracing::error!(
                file = %schema::beside(&file, "-wal").display(),
                "the spool's write-ahead log is gone although the last relay did not end cleanly: what it accepted last \
                 may be lost. If you have just put a backup in its place this is as it should be; if not, look for who \
                 removes or copies files in the data directory"
            );
        }
        let is_damaged = salvage::is_damaged(&file).unwrap_or_default();
        if is_damaged && !mend::mend(dir, &gauge).await? {
            return Err(OpenError::Beyond { file });
        }
        let writing = match Self::begin(dir, &gauge).await {
            Err(damage) if damage.is_damage() => {
                if !mend::mend(dir, &gauge).await? {
                    return Err(damage);
                }
                Self::begin(dir, &gauge).await?
            }
            begun => begun?,
        };
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let reading = Arc::new(tokio::sync::Mutex::new(Reading::open(dir, &gauge).await?));
        running::mark(dir).map_err(|source| OpenError::Dir {
            dir: dir.to_owned(),
            source,
        })?;
        let writer = Writer(tokio::spawn(writing.run(inbox)));
        let dir = dir.to_owned();
        Ok((
            Self {
                commands,
                gauge,
                reading,
                dir,
            },
            writer,
        ))
    }

    async fn begin(dir: &Path, gauge: &Arc<Gauge>) -> Result<Writing, OpenError> {
        let connection = schema::open(dir).await?;
        Writing::begin(dir, connection, Arc::clone(gauge))
            .await
            .map_err(|source| OpenError::Database {
                file: dir.join(schema::FILE),
                source,
            })
    }

    /// Keeps an offer, or says what of it was there before. Returns after the commit.
    ///
    /// # Errors
    ///
    /// When nothing of it was kept: see [`OfferError`].
    pub async fn offer(&self, offer: Offer) -> Result<Verdict, OfferError> {
        self.ask(|answer| Command::Offer {
            offer,
            keep: true,
            answer,
        })
        .await
    }

    /// What of an offer was there before; keeps nothing.
    ///
    /// # Errors
    ///
    /// When the database can't be asked.
    pub async fn look(&self, offer: Offer) -> Result<Verdict, OfferError> {
        self.ask(|answer| Command::Offer {
            offer,
            keep: false,
            answer,
        })
        .await
    }

    /// Asks the writer, and waits for its answer.
    pub(super) async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, OfferError>>) -> Command,
    ) -> Result<T, OfferError> {
        let (answer, answered) = oneshot::channel();
        self.commands
            .send(command(answer))
            .await
            .map_err(|_| OfferError::Stopping)?;
        answered.await.map_err(|_| OfferError::Stopping)?
    }

    /// From now on frames are kept for these consumers and for no other. One that is new begins with the oldest frame.
    ///
    /// # Errors
    ///
    /// When it could not be committed.
    pub async fn keep_for(&self, consumers: Vec<Consumer>) -> Result<(), OfferError> {
        self.ask(|answer| Command::KeepFor { consumers, answer })
            .await
    }

    /// The frames that wait for `consumer`, in order: the first one, and more as long as all are within `max_bytes`.
    ///
    /// A database that is damaged is mended first: what is whole in it is what waits.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub async fn read(
        &self,
        consumer: Consumer,
        max_bytes: u64,
    ) -> Result<Vec<Pending>, sqlx::Error> {
        let Some(cursor) = self.cursor(consumer) else {
            return Ok(Vec::new());
        };
        let mut reading = self.reading.lock().await;
        let connection = reading.current(&self.dir, &self.gauge).await?;
        let frames = reader::read(connection, &self.gauge, consumer, cursor, max_bytes).await;
        let damage = match frames {
            Err(error) if is_damage(&error) => error,
            frames => return frames,
        };
        let mended = reading.mended;
        let mend = |answer| Command::Mend { mended, answer };
        if self.ask(mend).await.is_err() {
            return Err(damage);
        }
        let connection = reading.current(&self.dir, &self.gauge).await?;
        reader::read(connection, &self.gauge, consumer, cursor, max_bytes).await
    }

    /// Moves a consumer's cursor, keeps the dead letters that were found on the way, deletes the frames that all consumers have had.
    ///
    /// # Errors
    ///
    /// When it could not be committed: the cursor is where it was.
    pub async fn advance(
        &self,
        consumer: Consumer,
        to: Cursor,
        dead: Vec<DeadLetter>,
    ) -> Result<(), OfferError> {
        self.ask(|answer| Command::Advance {
            consumer,
            to,
            dead,
            answer,
        })
        .await
    }

    /// Takes a person out of what waits, of dead letters and of the ledger, and writes the file anew without what it still
    /// had of them. Everybody who writes waits meanwhile.
    ///
    /// # Errors
    ///
    /// When nothing was erased, or the file could not be written anew: ask again.
    pub async fn erase(&self, stone: Stone) -> Result<Erased, OfferError> {
        self.ask(|answer| Command::Erase { stone, answer }).await
    }

    /// Which spool this is.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub async fn origin(&self) -> Result<Origin, sqlx::Error> {
        let mut reading = self.reading.lock().await;
        origin::read(reading.current(&self.dir, &self.gauge).await?).await
    }

    /// Waits until something was kept since the last call for this consumer.
    pub async fn changed(&self, consumer: Consumer) {
        if let Some(changed) = self.gauge.changed.get(consumer.place()) {
            changed.notified().await;
        }
    }

    /// Asks the writer to end after what is already in its inbox.
    pub async fn stop(&self) {
        // It has ended already when nobody listens.
        let _ = self.commands.send(Command::Stop).await;
    }
}

impl Writer {
    /// Waits until everything is written and the database is closed.
    pub async fn finished(self) {
        // The task does not panic; if it were cancelled there is nothing left to wait for.
        let _ = self.0.await;
    }
}

/// Requests that may wait for the writer before the next one waits at the door.
const COMMANDS: usize = 1024;
