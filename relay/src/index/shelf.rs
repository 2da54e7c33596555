//! All segments of an index: the one that is written, those that are sealed, when one is rolled, which are removed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::{Connection, SqliteConnection};

use super::arrival::Arrival;
use super::catalog::Catalog;
use super::segment::{Facts, Segment, facts};
use super::{files, schema};

/// When a segment is rolled, and when it is removed.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Records of one segment.
    pub max_records: u64,
    /// Bytes of one segment's file.
    pub max_bytes: u64,
    /// Between the first and the last record that came to one segment.
    pub max_span: Duration,
    /// How long records are kept, by when they came.
    pub keep: Duration,
    /// Bytes of all segments.
    pub keep_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_records: 250_000,
            max_bytes: 256 << 20,
            max_span: Duration::from_secs(24 * 60 * 60),
            keep: Duration::from_secs(30 * 24 * 60 * 60),
            keep_bytes: 10 << 30,
        }
    }
}

/// What everybody may see of the index without asking whoever writes it.
#[derive(Debug, Default)]
pub struct Board {
    state: Mutex<State>,
}

/// What there is.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The segments that can be read, by number. The last one may be open.
    pub segments: BTreeMap<u64, Facts>,
    /// Segments that were put aside, or that a newer relay wrote, since the relay started.
    pub unreadable: Vec<u64>,
}

impl Board {
    /// What there is now.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Records that came to the spool between the first and the last record of the index, and are not in it: lost with a
    /// segment or a frame, or skipped.
    #[must_use]
    pub fn missing(&self) -> u64 {
        let first = self.segments.values().next();
        let last = self.segments.values().next_back();
        let (Some(first), Some(last)) = (first, last) else {
            return 0;
        };
        let held: u64 = self
            .segments
            .values()
            .map(|facts| facts.records + facts.others)
            .sum();
        last.to_records
            .saturating_sub(first.from_records)
            .saturating_sub(held)
    }
}

/// What a segment's file turned out to be.
enum Found {
    Whole(Facts),
    /// Nothing was committed to it.
    Empty,
    Newer,
    Damaged(sqlx::Error),
    /// It can't be opened now: locked, or not ours to read.
    Away(sqlx::Error),
}

/// The segments of a directory, for whoever writes them.
#[derive(Debug)]
pub struct Shelf {
    dir: PathBuf,
    limits: Limits,
    open: Option<Segment>,
    next: u64,
    /// The last frame of the spool that was taken.
    frame: Option<i64>,
    catalog: Catalog,
    board: Arc<Board>,
}

impl Shelf {
    /// Opens the index in `dir`: seals what an earlier run did not, puts aside what is damaged, repairs the catalogue.
    ///
    /// # Errors
    ///
    /// When the directory or the catalogue can't be written.
    pub async fn open(dir: &Path, limits: Limits) -> Result<Self, sqlx::Error> {
        crate::disk::private::make_dir(dir)?;
        let numbers = files::segments(dir)?;
        let mut state = State::default();
        let mut open = None;
        for &number in &numbers {
            let file = files::segment(dir, number);
            match look_at(&file).await {
                Found::Whole(facts) if facts.is_sealed => {
                    state.segments.insert(number, facts);
                }
                Found::Whole(facts) => match Segment::open(&file, number).await {
                    Ok(segment) if numbers.last() == Some(&number) => {
                        state.segments.insert(number, facts);
                        open = Some(segment);
                    }
                    Ok(segment) => match segment.seal().await {
                        Ok(facts) => {
                            state.segments.insert(number, facts);
                        }
                        Err(error) if is_damage(&error) => {
                            aside(&file, number, &mut state, &error)?;
                        }
                        Err(error) => return Err(error),
                    },
                    Err(error) if is_damage(&error) => aside(&file, number, &mut state, &error)?,
                    Err(error) => return Err(error),
                },
                Found::Empty => files::remove(&file)?,
                Found::Newer => {
                    tracing::error!(file = %file.display(), "a newer relay wrote this part of the index; it is left as it is, and not looked into");
                    state.unreadable.push(number);
                }
                Found::Damaged(error) => aside(&file, number, &mut state, &error)?,
                Found::Away(error) => {
                    tracing::error!(%error, file = %file.display(), "a part of the index can't be read; the others answer");
                    state.unreadable.push(number);
                }
            }
        }
        let mut catalog = Catalog::open(dir).await?;
        let sealed = state.segments.iter().filter(|(_, facts)| facts.is_sealed);
        let sealed: BTreeMap<u64, Facts> = sealed.map(|(n, facts)| (*n, *facts)).collect();
        catalog.repair(dir, &sealed).await?;
        // A number is never given twice, also not that of a segment that was put aside.
        let next = numbers.last().copied().unwrap_or_default() + 1;
        let frame = state.segments.values().next_back().map(|last| last.frame);
        let board = Arc::new(Board::default());
        *board.state() = state;
        Ok(Self {
            dir: dir.to_owned(),
            limits,
            open,
            next,
            frame,
            catalog,
            board,
        })
    }

    /// What others may see of it.
    #[must_use]
    pub fn board(&self) -> Arc<Board> {
        Arc::clone(&self.board)
    }

    /// The last frame of the spool that was taken.
    #[must_use]
    pub fn frame(&self) -> Option<i64> {
        self.frame
    }

    /// Forgets how far it was, in a spool that is no longer there: what comes goes into a new segment.
    ///
    /// # Errors
    ///
    /// When the catalogue can't be written.
    pub async fn begin_anew(&mut self) -> Result<(), sqlx::Error> {
        self.frame = None;
        self.roll().await
    }

    /// Puts frames, ascending, behind what is there. What is there already is passed over. All or none of them are written
    /// when this returns.
    ///
    /// # Errors
    ///
    /// When nothing was written: a full or failing disk.
    pub async fn take(&mut self, mut arrivals: Vec<Arrival>) -> Result<(), sqlx::Error> {
        arrivals.retain(|arrival| self.frame.is_none_or(|taken| arrival.frame > taken));
        let Some(first) = arrivals.first() else {
            return Ok(());
        };
        let received = i64::try_from(first.received / 1_000_000).unwrap_or(i64::MAX);
        let begin = (first.from_records, first.frame - 1);
        let more = arrivals
            .last()
            .map_or(0, |last| last.to_records.saturating_sub(first.from_records));
        if self.is_full(more, received) {
            self.roll().await?;
        }
        let open = match &mut self.open {
            Some(open) => open,
            None => {
                let number = self.next;
                let file = files::segment(&self.dir, number);
                let made = Segment::create(&file, number, begin, received).await;
                if made.is_err() {
                    let _ = files::remove(&file);
                }
                let made = made?;
                self.next += 1;
                self.open.insert(made)
            }
        };
        open.append(arrivals).await?;
        self.frame = Some(open.facts.frame);
        let mut state = self.board.state();
        state.segments.insert(open.number, open.facts);
        Ok(())
    }

    fn is_full(&self, more: u64, received: i64) -> bool {
        let Some(open) = &self.open else {
            return false;
        };
        let facts = open.facts;
        let span = u64::try_from(received.saturating_sub(facts.first_received)).unwrap_or_default();
        facts.records > 0
            && (facts.records.saturating_add(more) > self.limits.max_records
                || u128::from(span) >= self.limits.max_span.as_millis()
                || open.bytes() >= self.limits.max_bytes)
    }

    /// Seals the open segment and lists it; the next record begins another.
    async fn roll(&mut self) -> Result<(), sqlx::Error> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let number = open.number;
        match open.seal().await {
            Ok(facts) => {
                self.board.state().segments.insert(number, facts);
                self.catalog.add(&self.dir, number).await
            }
            Err(error) => {
                // It is whole, and read as it is; the next start seals it.
                tracing::warn!(segment = number, %error, "a part of the index could not be sealed; the next start tries again");
                Ok(())
            }
        }
    }

    /// Removes what is kept long enough, or too much; how many segments went. The open one stays, but is rolled when it
    /// is too old itself.
    ///
    /// # Errors
    ///
    /// When a file can't be removed.
    pub async fn retain(&mut self, now_millis: i64) -> Result<u64, sqlx::Error> {
        let keep = i64::try_from(self.limits.keep.as_millis()).unwrap_or(i64::MAX);
        let oldest_kept = now_millis.saturating_sub(keep);
        if self
            .open
            .as_ref()
            .is_some_and(|open| open.facts.records > 0 && open.facts.last_received < oldest_kept)
        {
            self.roll().await?;
        }
        let open = self.open.as_ref().map(|open| open.number);
        let segments = self.board.state().segments.clone();
        let bytes = |number: u64| {
            let file = files::segment(&self.dir, number);
            std::fs::metadata(file).map_or(0, |metadata| metadata.len())
        };
        let mut total: u64 = segments.keys().map(|&number| bytes(number)).sum();
        let mut removed = 0;
        for (number, facts) in segments {
            let is_old = facts.last_received < oldest_kept;
            if Some(number) == open || !(is_old || total > self.limits.keep_bytes) {
                break;
            }
            total = total.saturating_sub(bytes(number));
            self.board.state().segments.remove(&number);
            files::remove(&files::segment(&self.dir, number))?;
            self.catalog.drop(number).await?;
            removed += 1;
        }
        Ok(removed)
    }

    /// The catalogue.
    #[cfg(test)]
    pub fn catalog(&mut self) -> &mut Catalog {
        &mut self.catalog
    }

    /// Closes it as it is.
    ///
    /// # Errors
    ///
    /// What SQLite says; everything that was taken is written.
    pub async fn close(self) -> Result<(), sqlx::Error> {
        if let Some(open) = self.open {
            open.close().await?;
        }
        self.catalog.close().await
    }
}

async fn look_at(file: &Path) -> Found {
    let look = async {
        let mut connection = schema::open_as_it_is(file).await?;
        let version: i64 = sqlx::query_scalar("PRAGMA user_version")
            .fetch_one(&mut connection)
            .await?;
        let found = match version {
            0 if is_empty(&mut connection).await? => Found::Empty,
            schema::VERSION => Found::Whole(facts(&mut connection).await?),
            newer if newer > schema::VERSION => Found::Newer,
            _ => Found::Damaged(sqlx::Error::Protocol("it is no segment".into())),
        };
        connection.close().await?;
        Ok(found)
    };
    match look.await {
        Ok(found) => found,
        Err(error) if is_damage(&error) => Found::Damaged(error),
        Err(error) => Found::Away(error),
    }
}

async fn is_empty(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema")
        .fetch_one(connection)
        .await?;
    Ok(tables == 0)
}

fn aside(
    file: &Path,
    number: u64,
    state: &mut State,
    error: &sqlx::Error,
) -> Result<(), sqlx::Error> {
    let aside = files::put_aside(file)?;
    tracing::error!(%error, aside = %aside.display(), "a part of the index is damaged; it was put aside, the others answer");
    state.unreadable.push(number);
    Ok(())
}

/// Whether SQLite says that the file is not what it wrote.
fn is_damage(error: &sqlx::Error) -> bool {
    const CORRUPT: u32 = 11;
    const NOT_A_DATABASE: u32 = 26;
    let code = error
        .as_database_error()
        .and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| matches!(code & 0xff, CORRUPT | NOT_A_DATABASE))
}

#[cfg(test)]
mod tests;
