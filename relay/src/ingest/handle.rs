//! The ingest listener's state, and how a body is worked on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use tracing_courier::wire::Receipt;

use super::body::Received;
use super::pipeline::Pipeline;
use super::sampled::Sampled;
use super::turns::{Turn, Turns};
use crate::http::ApiError;
use crate::identity::Verifier;
use crate::levels::{Levels, Program};
use crate::limit::{Held, Limits};

/// What the ingest listener works with; a cheap handle.
#[derive(Clone)]
pub struct Ingest(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) verifier: Verifier,
    pipeline: Pipeline,
    pub(super) limits: Limits,
    levels: Levels,
    pub(super) max_body_bytes: usize,
    turns: Turns,
    is_draining: AtomicBool,
    pub(super) refusals: Sampled,
}

impl Ingest {
    /// A listener's state.
    #[must_use]
    pub fn new(
        verifier: Verifier,
        pipeline: Pipeline,
        limits: Limits,
        levels: Levels,
        max_body_bytes: usize,
    ) -> Self {
        Self(Arc::new(Inner {
            verifier,
            pipeline,
            limits,
            levels,
            max_body_bytes,
            turns: Turns::new(),
            is_draining: AtomicBool::new(false),
            refusals: Sampled::default(),
        }))
    }

    /// The levels in force.
    #[must_use]
    pub fn levels(&self) -> &Levels {
        &self.0.levels
    }

    /// What checks tokens.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    /// From now on every batch is answered with 503.
    pub fn drain(&self) {
        self.0.is_draining.store(true, Ordering::Release);
    }

    /// Whether it drains.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.is_draining.load(Ordering::Acquire)
    }

    /// The pipeline behind it.
    #[must_use]
    pub fn pipeline(&self) -> &Pipeline {
        &self.0.pipeline
    }

    /// Works on a body that has come in: a small one on this thread, a large one on a blocking thread. The
    /// memory that was reserved for it on its way is given back once memory to work on it is reserved.
    pub(super) async fn work(
        &self,
        subject: &str,
        received: Received,
        on_its_way: Held,
    ) -> Result<(Receipt, Program), ApiError> {
        let Inner {
            limits,
            max_body_bytes,
            turns,
            ..
        } = &*self.0;
        let most = received.most_bytes(*max_body_bytes);
        let mut room = limits.work(most.min(SMALL_BYTES)).await?;
        if let Some(body) = received.unpack_small(SMALL_BYTES)? {
            drop(on_its_way);
            room.shrink_to(body.len());
            return self.keep(subject, &body, &mut Turn::default()).await;
        }
        drop(room);
        let (ingest, subject) = (self.clone(), subject.to_owned());
        let large = move |mut turn: Turn| async move {
            let inner = &*ingest.0;
            let mut room = inner.limits.work(most).await?;
            drop(on_its_way);
            let body = received.unpack(inner.max_body_bytes)?;
            room.shrink_to(body.len());
            ingest.keep(&subject, &body, &mut turn).await
        };
        turns.work(large).await
    }

    async fn keep(
        &self,
        subject: &str,
        body: &[u8],
        turn: &mut Turn,
    ) -> Result<(Receipt, Program), ApiError> {
        let Inner {
            limits, pipeline, ..
        } = &*self.0;
        let admit = |records| limits.admit_batch(subject, records, body.len());
        pipeline.take(subject, body, admit, turn).await
    }

    /// Accepts a body that was carried by hand: it has no subject, and no rate limits it.
    ///
    /// # Errors
    ///
    /// When nothing of it was kept.
    pub async fn import(&self, body: Bytes) -> Result<Receipt, ApiError> {
        let pipeline = self.0.pipeline.clone();
        let import = move |mut turn: Turn| async move {
            let taken = pipeline.take("", &body, |_| Ok(()), &mut turn).await?;
            Ok(taken.0)
        };
        self.0.turns.work(import).await
    }
}

/// A larger body, once inflated, is worked on elsewhere: 64 KiB cost some milliseconds, and at worst 25.
const SMALL_BYTES: usize = 64 * 1024;
