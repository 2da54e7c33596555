//! What the admin listener works with.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use jiff::Timestamp;
use secrecy::SecretBox;
use tokio::sync::Semaphore;

use crate::access::{Access, Audit};
use crate::edge::Tls;
use crate::erase::Eraser;
use crate::find::People;
use crate::http::ApiError;
use crate::index::Index;
use crate::ingest::Ingest;
use crate::status::Listening;

/// What the admin listener works with; a cheap handle.
#[derive(Clone)]
pub struct Admin {
    /// The other listener.
    pub ingest: Ingest,
    /// Bytes that the spool may hold.
    pub spool_max_bytes: u64,
    /// The bearer token of the admin API that lies in the data directory; its name is `admin`.
    pub token: Arc<SecretBox<[u8]>>,
    /// The named tokens beside it, and the audit of what was done with all of them.
    pub access: Access,
    /// That audit.
    pub audit: Audit,
    /// Where the relay listens.
    pub listening: Listening,
    /// What tokens are checked with.
    pub key_mode: &'static str,
    /// Whether records go to an upstream.
    pub has_upstream: bool,
    /// Who erases persons.
    pub eraser: Arc<Eraser>,
    /// The ingest listener's certificate.
    pub tls: Option<Arc<Tls>>,
    /// When the relay started.
    pub started: Instant,
    /// What was kept, to be looked up; `None` with `--index off`, or where it can't be used.
    pub index: Option<Arc<Index>>,
    /// Who users are, for `find`.
    pub people: Option<Arc<People>>,
    /// Places for those who follow what comes.
    pub tails: Arc<Semaphore>,
}

impl Admin {
    /// The index.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub(super) fn index(&self) -> Result<&Index, ApiError> {
        self.index.as_deref().ok_or(ApiError::NoIndex)
    }

    /// Why a batch that comes now would be refused, whatever is in it.
    pub(super) fn hindrance(&self) -> Option<&'static str> {
        let pipeline = self.ingest.pipeline();
        if self.ingest.is_draining() {
            Some("the relay is stopping")
        } else if pipeline.disk.is_low() {
            Some("the disk of the data directory is nearly full")
        } else if pipeline.sink.spool().used_bytes() >= self.spool_max_bytes {
            Some("the spool is full")
        } else {
            None
        }
    }

    /// How long the certificate is good, below zero once it has expired; `None` without one.
    pub(super) fn certificate_seconds(&self) -> Option<f64> {
        Some(self.tls.as_ref()?.seconds_left(SystemTime::now()))
    }

    /// How long what waits longest has waited; 0 when nothing waits.
    pub(super) async fn oldest_seconds(&self) -> f64 {
        let oldest = self.ingest.pipeline().sink.spool().oldest_received().await;
        let age = |received: u64| {
            let nanos = Timestamp::now().as_nanosecond() - i128::from(received);
            i64::try_from(nanos / 1_000_000).map_or(0.0, |millis| millis.max(0) as f64 / 1000.0)
        };
        oldest.ok().flatten().map_or(0.0, age)
    }
}
