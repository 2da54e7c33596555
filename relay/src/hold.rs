//! The part of a relay that keeps: the locked data directory, the spool in it, the upstream behind it.
//!
//! `serve` puts listeners before it, `import` a directory.

use std::net::SocketAddr;
use std::sync::Arc;

use tracing_courier::sanitize::{Policy, Sanitizer};

use crate::config::{Config, SpoolKind};
use crate::export::{Upstream, UpstreamError};
use crate::ingest::Pipeline;
use crate::metrics::Metrics;
use crate::sink::Sink;
use crate::spool::{self, Lock, OpenError, Spool, Writer};

/// A locked data directory with its spool open.
#[derive(Debug)]
pub struct Hold {
    /// What waits.
    pub spool: Spool,
    /// For whom it waits.
    pub upstream: Option<Upstream>,
    writer: Writer,
    lock: Lock,
}

/// Nothing can be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HoldError {
    /// The data directory or its database can't be used.
    #[error(transparent)]
    Spool(#[from] OpenError),
    /// The data directory can't be written. Check its owner and its disk.
    #[error("cannot write to the data directory")]
    Announce(#[source] std::io::Error),
    /// The upstream can't be talked to.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
}

impl Hold {
    /// Locks the data directory and opens what is in it.
    ///
    /// # Errors
    ///
    /// When somebody else has it, or it can't be used.
    pub async fn open(config: &Config) -> Result<Self, HoldError> {
        let upstream = config.upstream.as_ref().map(Upstream::new).transpose()?;
        let lock = spool::lock(&config.data_dir)?;
        let (spool, writer) = Spool::open(&config.data_dir, config.spool_max_bytes).await?;
        Ok(Self {
            spool,
            upstream,
            writer,
            lock,
        })
    }

    /// Says in the data directory where the admin listener is.
    ///
    /// # Errors
    ///
    /// When that can't be written.
    pub fn announce(&self, admin: SocketAddr) -> Result<(), HoldError> {
        self.lock.announce(admin).map_err(HoldError::Announce)
    }

    /// The way of a batch into it.
    #[must_use]
    pub fn pipeline(&self, config: &Config, metrics: Arc<Metrics>) -> Pipeline {
        let sink = match (config.spool, &self.upstream) {
            (SpoolKind::None, Some(upstream)) => {
                Sink::Through(self.spool.clone(), upstream.clone())
            }
            _ => Sink::Spool(self.spool.clone()),
        };
        Pipeline {
            sink,
            metrics,
            sanitizer: config.sanitize.then(|| Sanitizer::new(&Policy::new())),
            max_records: config.max_records,
        }
    }

    /// Closes it: everything that was answered for is written.
    pub async fn close(self) {
        self.spool.stop().await;
        self.writer.finished().await;
    }
}
