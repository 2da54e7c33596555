//! An open data directory: locked, its spool open, its exports ready to run.
//!
//! `serve` puts listeners in front of it; a command works on it while no relay does.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing_courier::sanitize::{Policy, Sanitizer};

use crate::config::{Config, Exceptions, SpoolKind};
use crate::disk::Disk;
use crate::erase::Eraser;
use crate::export::file::{FileError, FileExporter};
use crate::export::{Exporter, Fit, Upstream};
use crate::http::ClientError;
use crate::index::{self, Desk, Index, Indexer, Limits};
use crate::ingest::{Pipeline, Sink};
use crate::metrics::{Exports, Metrics};
use crate::spool::{self, Consumer, Lock, OfferError, OpenError, Spool, Writer};
use crate::stone::{StoneError, Stones};

/// A locked data directory with its spool open.
#[derive(Debug)]
pub struct DataDir {
    /// The spool in it.
    pub spool: Spool,
    /// The disk that it is on.
    pub disk: Disk,
    /// The upstream that records wait for.
    pub upstream: Option<Upstream>,
    stones: Arc<Stones>,
    /// Where a running index is asked to erase somebody.
    desk: OnceLock<Desk>,
    writer: Writer,
    lock: Lock,
}

/// What takes frames out of the spool.
#[derive(Debug)]
pub struct Running {
    /// They end when they are told to stop.
    pub tasks: Vec<JoinHandle<()>>,
    /// What can be asked of the index, if there is one.
    pub index: Option<Arc<Index>>,
}

/// The data directory can't be used, or what stands behind it can't be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataDirError {
    /// The data directory or its database can't be used.
    #[error(transparent)]
    Spool(#[from] OpenError),
    /// The data directory can't be written. Check its owner and its disk.
    #[error("cannot write to the data directory")]
    Announce(#[source] std::io::Error),
    /// For which exports frames are kept can't be written to the spool.
    #[error("cannot write to the spool")]
    KeepFor(#[from] OfferError),
    /// The files can't be written.
    #[error(transparent)]
    Files(#[from] FileError),
    /// Who was erased can't be read: they would come back.
    #[error(transparent)]
    Stones(#[from] StoneError),
    /// There is no way to talk to the upstream.
    #[error("--otlp-endpoint")]
    Upstream(#[from] ClientError),
}

impl DataDir {
    /// Locks the data directory and opens what is in it.
    ///
    /// # Errors
    ///
    /// When another process has the directory, or it can't be used.
    pub async fn open(config: &Config) -> Result<Self, DataDirError> {
        let upstream = config.upstream.as_ref().map(Upstream::new).transpose()?;
        let lock = spool::lock(&config.data_dir)?;
        let stones = Arc::new(Stones::open(&config.data_dir)?);
        let (spool, writer) = Spool::open(&config.data_dir, config.spool_max_bytes).await?;
        spool.keep_dead_for(config.dead_keep);
        Ok(Self {
            spool,
            disk: Disk::of(&config.data_dir, config.keep_free),
            upstream,
            stones,
            desk: OnceLock::new(),
            writer,
            lock,
        })
    }

    /// Starts the exports that are configured. Frames are kept for these only; without any, they are kept for an upstream
    /// that is still to be set.
    ///
    /// # Errors
    ///
    /// When the spool or the files can't be written.
    pub async fn start_exports(
        &self,
        config: &Config,
        metrics: &Metrics,
        stop: &watch::Receiver<bool>,
    ) -> Result<Running, DataDirError> {
        self.eraser(config).finish().await;
        let mut consumers = Vec::new();
        let mut running = Vec::new();
        if let Some(files) = &config.files {
            consumers.push(Consumer::File);
            let files = FileExporter::open(
                files.clone(),
                self.spool.clone(),
                Arc::clone(&metrics.files),
            )?;
            running.push(files);
        }
        let fit = fit(config);
        let mut exporters = Vec::new();
        let exporter = |consumer, upstream, exports: &Arc<Exports>| Exporter {
            spool: self.spool.clone(),
            consumer,
            upstream,
            fit,
            exports: Arc::clone(exports),
        };
        if let Some(upstream) = &self.upstream {
            exporters.push(exporter(
                Consumer::Export,
                upstream.clone(),
                &metrics.export,
            ));
            if config.exceptions == Exceptions::Span {
                exporters.push(exporter(
                    Consumer::Spans,
                    upstream.of_spans(),
                    &metrics.spans,
                ));
            }
        }
        consumers.extend(exporters.iter().map(|exporter| exporter.consumer));
        let indexer = self.indexer(config).await;
        if consumers.is_empty() && (config.awaits_upstream || indexer.is_none()) {
            tracing::warn!(
                "no upstream: records are kept in the spool until --otlp-endpoint is set"
            );
            consumers.push(Consumer::Export);
        }
        consumers.extend(indexer.is_some().then_some(Consumer::Index));
        self.spool.keep_for(consumers).await?;
        let index = indexer.as_ref().map(|indexer| {
            let dir = config.data_dir.join(index::DIR);
            let keep = config.index.map(|index| index.keep).unwrap_or_default();
            let lookups = Arc::clone(&metrics.lookups);
            let spool = self.spool.clone();
            Arc::new(Index::new(&dir, indexer, spool, keep, lookups))
        });
        let indexer = indexer.map(|indexer| tokio::spawn(indexer.run(stop.clone())));
        let files = running
            .into_iter()
            .map(|files| tokio::spawn(files.run(stop.clone())));
        let exporters = exporters
            .into_iter()
            .map(|exporter| tokio::spawn(exporter.run(stop.clone())));
        Ok(Running {
            tasks: files.chain(exporters).chain(indexer).collect(),
            index,
        })
    }

    /// The index, if there is to be one. One that can't be opened costs nothing else: it is said, and nothing waits for it.
    async fn indexer(&self, config: &Config) -> Option<Indexer> {
        let keeps = config.index.as_ref()?;
        let limits = Limits {
            keep: keeps.keep,
            keep_bytes: keeps.max_bytes,
            ..Limits::default()
        }
        .as_on_trial();
        let dir = config.data_dir.join(index::DIR);
        // An operator who had none so far should know that something is kept now.
        let is_new = !dir.exists() && self.spool.has_kept_any();
        match Indexer::open(&dir, limits, self.spool.clone(), config.spool_max_bytes).await {
            Ok(indexer) => {
                let _ = self.desk.set(indexer.desk());
                let days = keeps.keep.as_secs() / 86_400;
                if is_new {
                    tracing::warn!(dir = %dir.display(), days, "new: from now on what is accepted is also kept here, so that it can be looked up; --keep says how long, --index off leaves it out");
                } else {
                    tracing::info!(dir = %dir.display(), days, "what is accepted is indexed and kept; --index off leaves it out");
                }
                Some(indexer)
            }
            Err(error) => {
                tracing::error!(error = %crate::text::chain(&error), "there is no index: what is accepted is not in it, and goes its other ways");
                None
            }
        }
    }

    /// Who erases persons from it.
    #[must_use]
    pub fn eraser(&self, config: &Config) -> Eraser {
        let (stones, spool) = (self.stones(), self.spool.clone());
        Eraser::new(config, stones, spool, self.desk.get().cloned())
    }

    /// Who was erased from it.
    #[must_use]
    pub fn stones(&self) -> Arc<Stones> {
        Arc::clone(&self.stones)
    }

    /// Says in the data directory where the admin listener is.
    ///
    /// # Errors
    ///
    /// When the lock file can't be written.
    pub fn announce(&self, admin: SocketAddr) -> Result<(), DataDirError> {
        self.lock.announce(admin).map_err(DataDirError::Announce)
    }

    /// The pipeline that a batch goes through into the spool.
    #[must_use]
    pub fn pipeline(&self, config: &Config, metrics: Arc<Metrics>) -> Pipeline {
        let sink = match (config.spool, &self.upstream) {
            (SpoolKind::None, Some(upstream)) => {
                Sink::Through(self.spool.clone(), upstream.clone(), fit(config))
            }
            _ => Sink::Spool(self.spool.clone()),
        };
        Pipeline {
            sink,
            disk: self.disk.clone(),
            metrics,
            sanitizer: config.sanitize.then(|| Sanitizer::new(&Policy::new())),
            max_records: config.max_records,
            stones: self.stones(),
        }
    }

    /// Closes it: everything that was answered for is written.
    pub async fn close(self) {
        self.spool.stop().await;
        self.writer.finished().await;
    }
}

/// How the upstream wants it.
fn fit(config: &Config) -> Fit {
    Fit {
        has_clamp: config.clamp.applies_to(config.upstream.as_ref()),
        has_limits: config.limits.applies_to(config.upstream.as_ref()),
        records_per_second: config.export_records_per_second,
    }
}
