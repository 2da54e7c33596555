//! Keeps what was accepted until every consumer has had it.
//!
//! The promises, in order:
//!
//! 1. what [`Spool::offer`] says is kept has been committed and synced: it survives `kill -9` and power loss;
//! 2. a record whose name was accepted before is found, in the transaction that would keep it a second time;
//! 3. frames leave in the order in which they came, once for each [`Consumer`], and are deleted behind the last one;
//! 4. damage costs the damaged frames only, and is counted;
//! 5. what does not fit, because of the cap or of the disk, is refused and not half kept.
//!
//! One task writes. Offers that wait for each other's sync share the next one (group commit).
//!
//! What it does not do: look into a frame. A frame is one encoded `ResourceLogs`, packed.

mod accepted;
mod append;
mod command;
mod consumer;
mod ledger;
mod letters;
mod mend;
mod offer;
mod packed;
pub mod ranges;
mod reader;
mod running;
mod salvage;
mod schema;
mod writer;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::SqliteConnection;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

pub use packed::{Packed, join};

use consumer::Stand;
pub use consumer::{Consumer, Cursor, Position};
pub use ledger::Size;
pub use letters::{Dead, PAGE, Which};
pub use offer::{
    DeadLetter, Depth, Frame, Named, Offer, OfferError, Pending, StoredLetter, Traits, Verdict,
};
pub use schema::FILE as DATABASE;
pub use schema::{
    Lock, OpenError, announced, is_held, lock, make_private, open_to_read, private_file,
};

/// A handle on the spool.
#[derive(Clone, Debug)]
pub struct Spool {
    commands: mpsc::Sender<command::Command>,
    gauge: Arc<Gauge>,
    reading: Arc<tokio::sync::Mutex<Reading>>,
    dir: PathBuf,
}

/// The end of a spool: whoever holds it can wait until everything is written.
#[derive(Debug)]
pub struct Writer(JoinHandle<()>);

/// The connection that frames are read by. Once the database was mended its file is another.
#[derive(Debug)]
struct Reading {
    connection: SqliteConnection,
    /// How often the database had been mended when it was opened.
    mended: u64,
}

impl Reading {
    async fn open(dir: &Path, gauge: &Gauge) -> Result<Self, OpenError> {
        let mended = gauge.mended.load(Ordering::Acquire);
        let connection = schema::open_to_read(dir).await?;
        Ok(Self { connection, mended })
    }

    /// To the database as it is now.
    async fn current(
        &mut self,
        dir: &Path,
        gauge: &Gauge,
    ) -> Result<&mut SqliteConnection, sqlx::Error> {
        if self.mended != gauge.mended.load(Ordering::Acquire) {
            *self = Self::open(dir, gauge).await.map_err(|error| match error {
                OpenError::Database { source, .. } => source,
                error => sqlx::Error::Io(std::io::Error::other(error)),
            })?;
        }
        Ok(&mut self.connection)
    }
}

/// What everybody may see without asking the writer.
#[derive(Debug, Default)]
struct Gauge {
    changed: [Notify; Consumer::ALL.len()],
    stand: Mutex<Stand>,
    max_bytes: u64,
    dead: Mutex<Dead>,
    /// How long a dead letter is kept, in nanoseconds.
    keep_dead: AtomicU64,
    ledger: Mutex<Size>,
    damaged: Mutex<Damaged>,
    /// Whether the write-ahead log was gone at the start.
    log_lost: AtomicBool,
    /// Transactions that failed since the relay started, and whether the last one did.
    failed_writes: AtomicU64,
    is_failing: AtomicBool,
    /// How often the database was mended, and is another file since.
    mended: AtomicU64,
}

/// How writing the spool goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Writes {
    /// Transactions that failed since the relay started: a full or failing disk.
    pub failed: u64,
    /// Whether the last one did.
    pub is_failing: bool,
    /// Whether the write-ahead log was gone at the start.
    pub is_log_lost: bool,
}

/// What was found damaged since the relay started.
#[derive(Debug, Default)]
struct Damaged {
    records: u64,
    frames: u64,
    /// Frames that are not whole, whose records are counted already, and that somebody still has before him.
    torn: BTreeMap<i64, u64>,
}

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

    async fn begin(dir: &Path, gauge: &Arc<Gauge>) -> Result<writer::Writing, OpenError> {
        let connection = schema::open(dir).await?;
        writer::Writing::begin(dir, connection, Arc::clone(gauge))
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
        self.ask(|answer| command::Command::Offer {
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
        self.ask(|answer| command::Command::Offer {
            offer,
            keep: false,
            answer,
        })
        .await
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, OfferError>>) -> command::Command,
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
        self.ask(|answer| command::Command::KeepFor { consumers, answer })
            .await
    }

    /// Where a consumer stands; `None` when nothing is kept for it.
    #[must_use]
    pub fn cursor(&self, consumer: Consumer) -> Option<Cursor> {
        self.gauge.stand().of(consumer)
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
            Err(error) if reader::is_damage(&error) => error,
            frames => return frames,
        };
        let mended = reading.mended;
        let mend = |answer| command::Command::Mend { mended, answer };
        if self.ask(mend).await.is_err() {
            return Err(damage);
        }
        let connection = reading.current(&self.dir, &self.gauge).await?;
        reader::read(connection, &self.gauge, consumer, cursor, max_bytes).await
    }

    /// Moves a consumer's cursor, keeps the dead letters that were found on the way, deletes what nobody waits for.
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
        self.ask(|answer| command::Command::Advance {
            consumer,
            to,
            dead,
            answer,
        })
        .await
    }

    /// Waits until something was kept since the last call for this consumer.
    pub async fn changed(&self, consumer: Consumer) {
        if let Some(changed) = self.gauge.changed.get(consumer.place()) {
            changed.notified().await;
        }
    }

    /// What waits for the consumer that is furthest behind: what is on disk.
    #[must_use]
    pub fn depth(&self) -> Depth {
        self.gauge.stand().depth()
    }

    /// What waits for each consumer.
    #[must_use]
    pub fn depths(&self) -> Vec<(Consumer, Depth)> {
        self.gauge.stand().depths()
    }

    /// Records found damaged since the relay started; they are lost.
    #[must_use]
    pub fn damaged_records(&self) -> u64 {
        self.gauge
            .damaged
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .records
    }

    /// The dead letters that are kept.
    #[must_use]
    pub fn dead(&self) -> Dead {
        *self
            .gauge
            .dead
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// How the writing goes.
    #[must_use]
    pub fn writes(&self) -> Writes {
        Writes {
            failed: self.gauge.failed_writes.load(Ordering::Relaxed),
            is_failing: self.gauge.is_failing.load(Ordering::Relaxed),
            is_log_lost: self.gauge.log_lost.load(Ordering::Relaxed),
        }
    }

    /// Frames found damaged since the relay started.
    #[must_use]
    pub fn damaged_frames(&self) -> u64 {
        let damaged = self.gauge.damaged.lock();
        damaged.unwrap_or_else(PoisonError::into_inner).frames
    }

    /// Counts so many records of a frame as damaged; once, however often that is found.
    pub fn damaged_frame(&self, frame: i64, records: u64) {
        self.gauge.damaged_frame(frame, records);
    }

    /// How many dead letters are kept.
    #[must_use]
    pub fn dead_letters(&self) -> u64 {
        self.dead().letters
    }

    /// From now on dead letters are kept for so long.
    pub fn keep_dead_for(&self, keep: Duration) {
        let nanos = u64::try_from(keep.as_nanos()).unwrap_or(u64::MAX);
        self.gauge.keep_dead.store(nanos, Ordering::Relaxed);
    }

    /// Bytes of the cap that are used: what waits, the ledger of accepted names, dead letters.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        let beside = self.ledger().bytes.saturating_add(self.dead().bytes);
        self.depth().bytes.saturating_add(beside)
    }

    /// How much the ledger of accepted names holds.
    #[must_use]
    pub fn ledger(&self) -> Size {
        let ledger = self.gauge.ledger.lock();
        *ledger.unwrap_or_else(PoisonError::into_inner)
    }

    /// When the oldest pending frame came, in Unix nanoseconds.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub async fn oldest_received(&self) -> Result<Option<u64>, sqlx::Error> {
        let behind = self.gauge.stand().behind().frame;
        let mut reading = self.reading.lock().await;
        let connection = reading.current(&self.dir, &self.gauge).await?;
        let received =
            sqlx::query_scalar("SELECT received FROM frame WHERE id > ?1 ORDER BY id LIMIT 1")
                .bind(behind)
                .fetch_optional(&mut *connection)
                .await?;
        Ok(received.map(unsigned))
    }

    /// Asks the writer to end after what is already in its inbox.
    pub async fn stop(&self) {
        // It has ended already when nobody listens.
        let _ = self.commands.send(command::Command::Stop).await;
    }
}

impl Writer {
    /// Waits until everything is written and the database is closed.
    pub async fn finished(self) {
        // The task does not panic; if it were cancelled there is nothing left to wait for.
        let _ = self.0.await;
    }
}

impl Gauge {
    /// Counts the records of a frame that is not whole; once, however often it is read.
    fn damaged_frame(&self, id: i64, records: u64) {
        let behind = self.stand().behind().frame;
        let mut damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        damaged.torn.retain(|&id, _| id > behind);
        if damaged.torn.insert(id, records).is_none() {
            damaged.records += records;
            damaged.frames += 1;
            tracing::error!(
                records,
                frame = id,
                "the spool is damaged: these records are lost"
            );
        }
    }

    /// Counts records behind the frame `behind` that are not in a database that was mended, but for those that were
    /// counted when they were read. Where the damaged file stood decides: the stand in memory may be ahead of it.
    fn damaged(&self, records: u64, behind: i64) {
        let mut damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        let torn = std::mem::take(&mut damaged.torn);
        let counted: u64 = torn
            .range(behind.saturating_add(1)..)
            .map(|(_, records)| records)
            .sum();
        damaged.records += records.saturating_sub(counted);
    }

    fn stand(&self) -> Stand {
        *self.stand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Requests that may wait for the writer before the next one waits at the door.
const COMMANDS: usize = 1024;

#[cfg(test)]
mod tests;
