//! Takes frames out of the spool and puts them into the index: a consumer like the exports, which the spool never waits for.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use prost::Message;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::spool::{Consumer, Cursor, Pending, Spool};

use super::arrival::Arrival;
use super::shelf::{Board, Erased, Limits, Shelf};
use crate::stone::Whom;

/// Fills the index from the spool.
#[derive(Debug)]
pub struct Indexer {
    spool: Spool,
    shelf: Shelf,
    cap: u64,
    counts: Arc<Counts>,
    desk: Desk,
    asked: mpsc::Receiver<Erase>,
}

/// Where an index that is being filled is asked to erase somebody.
#[derive(Clone, Debug)]
pub struct Desk(mpsc::Sender<Erase>);

#[derive(Debug)]
struct Erase {
    whom: Whom,
    answer: oneshot::Sender<Result<Erased, sqlx::Error>>,
}

impl Desk {
    /// Takes a person out of the index, between two writes. Indexing waits meanwhile; ingest does not.
    ///
    /// # Errors
    ///
    /// When it can't be written, or the index is closed.
    pub async fn erase(&self, whom: Whom) -> Result<Erased, sqlx::Error> {
        let (answer, answered) = oneshot::channel();
        let closed = || sqlx::Error::Protocol("the index is closed".into());
        let asked = self.0.send(Erase { whom, answer }).await;
        asked.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }
}

/// How the indexing goes, for whoever wants to know.
#[derive(Debug, Default)]
pub struct Counts {
    /// Records that were indexed since the relay started.
    pub indexed: AtomicU64,
    /// Records that were skipped, because the index could not be written for too long.
    pub skipped: AtomicU64,
    /// Writes that failed.
    pub failed: AtomicU64,
    /// Whether the last write failed.
    pub is_failing: AtomicBool,
}

/// The index can't be opened. Nothing else is the worse for it.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the index in `{dir}`")]
pub struct IndexError {
    dir: String,
    source: sqlx::Error,
}

impl Indexer {
    /// Opens the index in `dir`, for a spool that takes `cap` bytes.
    ///
    /// # Errors
    ///
    /// When the directory or the catalogue can't be written.
    pub async fn open(
        dir: &Path,
        limits: Limits,
        spool: Spool,
        cap: u64,
    ) -> Result<Self, IndexError> {
        let shelf = Shelf::open(dir, limits)
            .await
            .map_err(|source| IndexError {
                dir: dir.display().to_string(),
                source,
            })?;
        let (desk, asked) = mpsc::channel(1);
        let mut indexer = Self {
            spool,
            shelf,
            cap,
            counts: Arc::default(),
            desk: Desk(desk),
            asked,
        };
        indexer.agree().await;
        Ok(indexer)
    }

    /// What others may see of the segments.
    #[must_use]
    pub fn board(&self) -> Arc<Board> {
        self.shelf.board()
    }

    /// Where it is asked to erase somebody, once it runs.
    #[must_use]
    pub fn desk(&self) -> Desk {
        self.desk.clone()
    }

    /// How it goes.
    #[must_use]
    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    /// Runs until `stop` is set and everything that waits is indexed, or can't be.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut retain_at = Instant::now();
        let board = self.shelf.board();
        loop {
            while let Ok(erase) = self.asked.try_recv() {
                self.erase(erase).await;
            }
            if let Err(error) = self.shelf.put_aside() {
                tracing::error!(%error, "a damaged part of the index can't be put aside");
            }
            if Instant::now() >= retain_at {
                retain_at = Instant::now() + RETAIN_EVERY;
                self.retain().await;
            }
            let frames = match self.spool.read(Consumer::Index, MAX_BYTES).await {
                Ok(frames) => frames,
                Err(error) => {
                    tracing::error!(%error, "the spool can't be read");
                    if stopped_while(TRY_AGAIN, &mut stop).await {
                        break;
                    }
                    continue;
                }
            };
            if frames.is_empty() {
                if *stop.borrow() {
                    break;
                }
                tokio::select! {
                    () = self.spool.changed(Consumer::Index) => {}
                    () = board.found_damaged() => {}
                    Some(erase) = self.asked.recv() => {
                        self.erase(erase).await;
                        continue;
                    }
                    _ = stop.changed() => {}
                    () = tokio::time::sleep_until(retain_at) => {}
                }
                // A sync for every batch would be too many.
                let _ = tokio::time::timeout(GATHER, stop.wait_for(|stop| *stop)).await;
                continue;
            }
            if self.step(frames).await {
                continue;
            }
            if stopped_while(TRY_AGAIN, &mut stop).await {
                break;
            }
        }
        if let Err(error) = self.shelf.close().await {
            tracing::warn!(%error, "the index was not closed; the next start goes on where it was");
        }
    }

    async fn erase(&mut self, erase: Erase) {
        let erased = self.shelf.erase(&erase.whom).await;
        // Whoever asked may have gone away; the start finishes what could not be done.
        drop(erase.answer.send(erased));
    }

    /// A spool that was replaced counts anew: how far the index was says something only of its own, and of its copies.
    async fn agree(&mut self) {
        let origin = match self.spool.origin().await {
            Ok(origin) => origin,
            Err(error) => {
                tracing::error!(%error, "which spool this is can't be read; it is taken for the one that the index is of");
                return;
            }
        };
        let spool: [u8; 16] = origin.id[..].try_into().unwrap_or_default();
        self.shelf.of_spool(spool);
        let Some((of, frame)) = self.shelf.stands() else {
            return;
        };
        let shared = origin.shares(&of, frame, self.spool.last_frame());
        if of == spool && shared == Some(frame) {
            let stood = self.spool.cursor(Consumer::Index).unwrap_or_default();
            self.shelf.board().state().had = stood.at.records;
            return;
        }
        tracing::warn!(
            shared,
            "the index is of another spool, as after a backup was put in its place: what is not in both is indexed as new"
        );
        if let Err(error) = self.shelf.begin_anew(shared).await {
            tracing::error!(%error, "the index's catalogue can't be written");
        }
    }

    /// Indexes these frames, or skips them when too much waits; whether it got on.
    async fn step(&mut self, frames: Vec<Pending>) -> bool {
        let Some(last) = frames.last() else {
            return true;
        };
        let to = Cursor {
            frame: last.id,
            done: 0,
            at: last.to,
        };
        if self.holds_the_spool() {
            return self.skip(to, "it is too slow").await;
        }
        let unpacking = tokio::task::spawn_blocking(move || {
            frames.into_iter().map(arrival).collect::<Vec<_>>()
        });
        let Ok(arrivals) = unpacking.await else {
            tracing::error!("frames can't be unpacked for the index; they are skipped");
            return self.skip(to, "it can't read them").await;
        };
        for arrival in &arrivals {
            if arrival.logs.is_none() && !arrival.is_for_another {
                let records = arrival.to_records.saturating_sub(arrival.from_records);
                self.spool.damaged_frame(arrival.frame, records);
            }
        }
        let before = self.shelf.frame();
        let fresh = arrivals
            .iter()
            .filter(|arrival| before.is_none_or(|before| arrival.frame > before));
        let records: u64 = fresh
            .filter(|arrival| arrival.logs.is_some())
            .map(|arrival| arrival.to_records.saturating_sub(arrival.from_records))
            .sum();
        match self.shelf.take(arrivals).await {
            Ok(()) => {
                self.counts.is_failing.store(false, Ordering::Relaxed);
                self.counts.indexed.fetch_add(records, Ordering::Relaxed);
                // When this fails, the frames come again and are passed over.
                let advanced = self.spool.advance(Consumer::Index, to, Vec::new()).await;
                advanced.is_ok()
            }
            Err(error) => {
                self.counts.failed.fetch_add(1, Ordering::Relaxed);
                if !self.counts.is_failing.swap(true, Ordering::Relaxed) {
                    tracing::error!(%error, "the index can't be written; records wait for it, up to its backlog");
                }
                if self.waiting() > self.cap / SHARE {
                    return self.skip(to, "it could not be written for too long").await;
                }
                false
            }
        }
    }

    /// Passes over what is waiting up to `to`.
    async fn skip(&self, to: Cursor, why: &str) -> bool {
        let stood = self.spool.cursor(Consumer::Index).unwrap_or_default();
        let records = to.at.records.saturating_sub(stood.at.records);
        let advanced = self.spool.advance(Consumer::Index, to, Vec::new()).await;
        if advanced.is_ok() {
            self.counts.skipped.fetch_add(records, Ordering::Relaxed);
            tracing::error!(
                records,
                why,
                "the index skips these records: they are not in it"
            );
        }
        advanced.is_ok()
    }

    /// Whether the spool would soon be full for the index alone: the others would let go of a part of it.
    fn holds_the_spool(&self) -> bool {
        let depths = self.spool.depths().into_iter();
        let others = depths.filter(|(of, _)| *of != Consumer::Index);
        let others = others.map(|(_, depth)| depth.bytes).max();
        let alone = self.waiting().saturating_sub(others.unwrap_or_default());
        let nearly_full = self.cap - self.cap / 8;
        self.spool.used_bytes() > nearly_full && alone > self.cap / SHARE
    }

    /// Bytes of the spool that wait for the index.
    fn waiting(&self) -> u64 {
        let depths = self.spool.depths();
        let index = depths.iter().find(|(of, _)| *of == Consumer::Index);
        index.map_or(0, |(_, depth)| depth.bytes)
    }

    async fn retain(&mut self) {
        let now = Timestamp::now().as_millisecond();
        match self.shelf.retain(now).await {
            Ok(0) => {}
            Ok(segments) => tracing::info!(segments, "old parts of the index were removed"),
            Err(error) => tracing::error!(%error, "old parts of the index can't be removed"),
        }
    }
}

/// A frame as the index takes it.
fn arrival(pending: Pending) -> Arrival {
    let Pending {
        id,
        frame,
        is_for_another,
        erased,
        subject,
        queue,
        from,
        to,
    } = pending;
    // A frame of which all was erased is whole, and has nothing.
    let has_some = frame.records > 0 || erased > 0;
    let logs = has_some.then(|| frame.packed.unpack()).flatten();
    Arrival {
        frame: id,
        from_records: from.records.saturating_sub(erased),
        to_records: to.records,
        received: frame.received,
        plain_bytes: frame.packed.bytes,
        is_for_another,
        erased: if is_for_another || logs.is_none() {
            0
        } else {
            erased
        },
        subject,
        queue,
        seqs: frame.names.seqs,
        hash: frame.names.hash,
        logs: logs.and_then(|logs| ResourceLogs::decode(&logs[..]).ok()),
    }
}

/// Waits; whether the relay stops.
async fn stopped_while(wait: Duration, stop: &mut watch::Receiver<bool>) -> bool {
    tokio::time::timeout(wait, stop.wait_for(|stop| *stop))
        .await
        .is_ok()
}

/// Of the spool's cap, this part waits at most for an index that can't be written.
const SHARE: u64 = 4;

/// Frames that are put into one transaction, at most.
const MAX_BYTES: u64 = 4 << 20;

/// How long records gather before they are written.
const GATHER: Duration = Duration::from_millis(200);

/// How soon a write that failed is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// How often it is looked for what is too old.
const RETAIN_EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
