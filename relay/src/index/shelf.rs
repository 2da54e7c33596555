//! All segments of an index: the one that is written, those that are sealed, when one is rolled, which are removed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::{Connection, SqliteConnection};
use tokio::sync::Notify;

use super::arrival::Arrival;
use super::catalog::Catalog;
use super::rewrite::rewrite;
use super::segment::{Facts, Segment, facts};
use super::{files, schema};
use crate::stone::Whom;

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

impl Limits {
    /// The same with so many records in a segment as `TRIAL_SEGMENT_RECORDS` says: for trials, in which segments
    /// have to be sealed and dropped all the time.
    #[must_use]
    pub fn as_on_trial(self) -> Self {
        let said = std::env::var("TRIAL_SEGMENT_RECORDS").ok();
        let max_records = said.and_then(|said| said.parse().ok());
        Self {
            max_records: max_records.unwrap_or(self.max_records),
            ..self
        }
    }
}

/// What everybody may see of the index without asking whoever writes it.
#[derive(Debug, Default)]
pub struct Board {
    state: Mutex<State>,
    found: Notify,
}

/// What there is.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The segments that can be read, by number. The last one may be open.
    pub segments: BTreeMap<u64, Facts>,
    /// Segments that were put aside, or that a newer relay wrote, since the relay started.
    pub unreadable: Vec<u64>,
    /// Records of segments that were the first ones, and that a look-up found damaged: no gap tells of them.
    lost_before: u64,
    /// What look-ups found damaged, to be put aside.
    damaged: Vec<u64>,
    /// Up to which of the spool's records the index had been when it was opened, by the spool.
    pub had: u64,
}

/// What was taken out of an index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Records.
    pub records: u64,
    /// The segments that they were in.
    pub segments: u64,
    /// Damaged segments that had been put aside. They can't be searched, and were removed.
    pub damaged_removed: u64,
    /// Segments that can't be looked into: a newer relay wrote them, or they are locked.
    pub not_reached: Vec<u64>,
}

impl Board {
    /// What there is now.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a look-up found a segment damaged, or its file gone: nobody asks it again, and whoever writes puts it
    /// aside. Whether it was there until now.
    pub fn is_damaged(&self, number: u64) -> bool {
        let mut state = self.state();
        let before = state.missing();
        let Some(facts) = state.segments.remove(&number) else {
            return false;
        };
        // Of the last one the end has to be known, or nothing would tell that it was there.
        state.had = state.had.max(facts.to_records);
        let told = state.missing().saturating_sub(before);
        state.lost_before += facts.records.saturating_sub(told);
        state.unreadable.push(number);
        state.damaged.push(number);
        drop(state);
        self.found.notify_one();
        true
    }

    /// Waits until something is found damaged.
    pub async fn found_damaged(&self) {
        self.found.notified().await;
    }
}

impl State {
    /// Records that came to the spool between the first and the last record of the index, and are not in it: lost with a
    /// segment or a frame, or skipped.
    #[must_use]
    pub fn missing(&self) -> u64 {
        let Some(last) = self.segments.values().next_back() else {
            return self.lost_before;
        };
        // Positions of another spool say nothing of this one.
        let of_one_spool = || {
            let segments = self.segments.values();
            segments.filter(|facts| facts.spool == last.spool)
        };
        let first = of_one_spool().next().unwrap_or(last);
        let held: u64 = of_one_spool()
            .map(|facts| facts.records + facts.others)
            .sum();
        last.to_records
            .max(self.had)
            .saturating_sub(first.from_records)
            .saturating_sub(held)
            .saturating_add(self.lost_before)
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
    /// The spool that frames come from.
    spool: [u8; 16],
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
        let unfinished = files::remove_unfinished(dir)?;
        if unfinished > 0 {
            tracing::warn!(
                "parts of the index were being written anew when the relay ended: they are as they were before"
            );
        }
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
            spool: [0; 16],
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

    /// Which spool the last segment is of, and its last frame there.
    #[must_use]
    pub fn stands(&self) -> Option<([u8; 16], i64)> {
        let state = self.board.state();
        let last = state.segments.values().next_back()?;
        Some((last.spool, last.frame))
    }

    /// Says which spool frames come from.
    pub fn of_spool(&mut self, spool: [u8; 16]) {
        self.spool = spool;
    }

    /// Goes on in another spool, of which it has the frames up to `frame`, or none: what comes goes into a new segment.
    ///
    /// # Errors
    ///
    /// When the catalogue can't be written.
    pub async fn begin_anew(&mut self, frame: Option<i64>) -> Result<(), sqlx::Error> {
        self.frame = frame;
        self.roll().await
    }

    /// Takes a person out of all segments. Each is written anew beside the old one and takes its place once it is synced:
    /// killed at any moment, every segment is as before or without the person.
    ///
    /// # Errors
    ///
    /// When it can't be written. Segments that were done stay done; ask again for the others.
    pub async fn erase(&mut self, whom: &Whom) -> Result<Erased, sqlx::Error> {
        self.roll().await?;
        self.put_aside()?;
        self.seal_left().await?;
        let mut erased = Erased::default();
        let (segments, unreadable) = {
            let state = self.board.state();
            (state.segments.clone(), state.unreadable.clone())
        };
        for (number, facts) in segments {
            if !facts.is_sealed {
                return Err(sqlx::Error::Protocol(format!(
                    "segment {number} is not sealed: somebody reads it"
                )));
            }
            let file = files::segment(&self.dir, number);
            let new = files::anew(&file);
            files::remove(&new)?;
            match rewrite(&file, &new, whom).await {
                Ok(None) => {}
                Ok(Some(rewritten)) => {
                    files::put_in_place(&new, &file)?;
                    self.board.state().segments.insert(number, rewritten.facts);
                    self.catalog.drop(number).await?;
                    self.catalog.add(&self.dir, number).await?;
                    erased.records += rewritten.gone;
                    erased.segments += u64::from(rewritten.gone > 0);
                }
                Err(error) if is_damage(&error) || !file.exists() => {
                    files::remove(&new)?;
                    tracing::error!(segment = number, %error, "a part of the index is damaged: it can't be searched for whom to erase");
                    self.board.is_damaged(number);
                    self.put_aside()?;
                }
                Err(error) => {
                    let _ = files::remove(&new);
                    return Err(error);
                }
            }
        }
        erased.damaged_removed = files::remove_aside(&self.dir)?;
        let left = unreadable.into_iter();
        let left = left.filter(|number| files::segment(&self.dir, *number).exists());
        erased.not_reached = left.collect();
        self.catalog.clean().await?;
        Ok(erased)
    }

    /// Puts aside what look-ups found damaged.
    ///
    /// # Errors
    ///
    /// When a file can't be renamed.
    pub fn put_aside(&mut self) -> Result<(), std::io::Error> {
        let damaged = std::mem::take(&mut self.board.state().damaged);
        for number in damaged {
            if self.open.as_ref().is_some_and(|open| open.number == number) {
                // What comes goes into a new segment; dropping the connection closes the file.
                self.open = None;
            }
            let file = files::segment(&self.dir, number);
            if !file.exists() {
                tracing::error!(file = %file.display(), "a part of the index is gone: its records are lost, the others answer");
                continue;
            }
            let aside = files::put_aside(&file)?;
            tracing::error!(aside = %aside.display(), "a look-up found a part of the index damaged; it was put aside, the others answer");
        }
        Ok(())
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
                let made = Segment::create(&file, number, begin, received, self.spool).await;
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
                // It is whole, and read as it is until it can be sealed.
                tracing::warn!(segment = number, %error, "a part of the index could not be sealed; it is tried again");
                Ok(())
            }
        }
    }

    /// Seals what could not be sealed when it was full: the disk was, or somebody read it.
    async fn seal_left(&mut self) -> Result<(), sqlx::Error> {
        let open = self.open.as_ref().map(|open| open.number);
        let left: Vec<u64> = {
            let state = self.board.state();
            let left = state.segments.iter().filter(|(_, facts)| !facts.is_sealed);
            left.map(|(number, _)| *number)
                .filter(|number| Some(*number) != open)
                .collect()
        };
        for number in left {
            let file = files::segment(&self.dir, number);
            let facts = Segment::open(&file, number).await?.seal().await?;
            self.board.state().segments.insert(number, facts);
            self.catalog.add(&self.dir, number).await?;
        }
        Ok(())
    }

    /// Removes what is kept long enough, or too much; how many segments went. The open one stays, but is rolled when it
    /// is too old itself.
    ///
    /// # Errors
    ///
    /// When a file can't be removed.
    pub async fn retain(&mut self, now_millis: i64) -> Result<u64, sqlx::Error> {
        if let Err(error) = self.seal_left().await {
            tracing::warn!(%error, "a part of the index can't be sealed yet; it is tried again in a minute");
        }
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
pub fn is_damage(error: &sqlx::Error) -> bool {
    const CORRUPT: u32 = 11;
    const NOT_A_DATABASE: u32 = 26;
    let code = error
        .as_database_error()
        .and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| matches!(code & 0xff, CORRUPT | NOT_A_DATABASE))
}

#[cfg(test)]
mod tests;
