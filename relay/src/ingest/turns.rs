//! Turns to work on a large body: a few at once, on blocking threads.
//!
//! Inflating, reading, redacting and mapping a body of a megabyte takes up to a third of a second. On the threads that
//! answer `/healthz` and everybody's small requests, two of them at once would make the relay unreachable.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::ApiError;

/// The turns of one relay; a cheap handle.
#[derive(Clone, Debug)]
pub struct Turns(Arc<Semaphore>);

/// A turn, until it is given back. Work on a small body needs none.
#[derive(Debug, Default)]
pub struct Turn {
    turns: Option<Turns>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Turns {
    /// One less than there are processors, so that one of them is left to all others.
    #[must_use]
    pub fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Semaphore::new(
            processors.saturating_sub(1).max(1),
        )))
    }

    /// Waits for a turn.
    ///
    /// # Errors
    ///
    /// When no turn comes free within [`TURN_TIMEOUT`].
    pub async fn take(&self) -> Result<Turn, ApiError> {
        let permit = Arc::clone(&self.0).acquire_owned();
        match tokio::time::timeout(TURN_TIMEOUT, permit).await {
            Ok(Ok(permit)) => Ok(Turn {
                turns: Some(self.clone()),
                permit: Some(permit),
            }),
            Ok(Err(_)) | Err(_) => Err(ApiError::Unavailable("the relay is busy")),
        }
    }

    /// Does `work` with a turn, on a thread of its own. It goes on when its caller has gone.
    ///
    /// # Errors
    ///
    /// When no turn comes free in time, or `work` panicked.
    pub async fn work<T, F>(
        &self,
        work: impl FnOnce(Turn) -> F + Send + 'static,
    ) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ApiError>>,
    {
        let turn = self.take().await?;
        let (runtime, span) = (Handle::current(), tracing::Span::current());
        let worked = tokio::task::spawn_blocking(move || {
            let _entered = span.entered();
            runtime.block_on(work(turn))
        });
        worked.await.unwrap_or_else(|ended| {
            tracing::error!(error = %ended, "work on a body ended unexpectedly; nothing of it was kept");
            Err(ApiError::Unavailable("the relay failed on this body"))
        })
    }
}

impl Turn {
    /// Gives it back while one waits for something else.
    pub fn pause(&mut self) {
        self.permit = None;
    }

    /// Waits for the next turn, after a pause.
    ///
    /// # Errors
    ///
    /// When no turn comes free within [`TURN_TIMEOUT`].
    pub async fn resume(&mut self) -> Result<(), ApiError> {
        if let Some(turns) = &self.turns {
            self.permit = turns.take().await?.permit;
        }
        Ok(())
    }
}

/// How long a body waits for its turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_pauses_lets_the_next_one_work_and_who_waits_too_long_is_told_to_come_back() {
        let turns = Turns(Arc::new(Semaphore::new(1)));
        let mut first = turns.take().await.expect("it is free");
        assert!(turns.take().await.is_err(), "it is taken");
        first.pause();
        let second = turns.take().await.expect("the first pauses");
        assert!(first.resume().await.is_err());
        drop(second);
        assert_eq!(first.resume().await, Ok(()));
        assert_eq!(
            Turn::default().resume().await,
            Ok(()),
            "small bodies need none"
        );
    }

    #[tokio::test]
    async fn work_that_panics_costs_its_own_request_only() {
        let turns = Turns::new();
        for _ in 0..turns.0.available_permits() + 1 {
            let worked: Result<(), _> = turns
                .work(|_turn| async { panic!("a body nobody thought of") })
                .await;
            assert!(matches!(worked, Err(ApiError::Unavailable(_))));
        }
        let worked = turns.work(|_turn| async { Ok(7) }).await;
        assert_eq!(worked, Ok(7));
    }
}
