//! Wakes the sender at once on ERROR and FATAL.

use tracing_core::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use super::Backend;

/// Nudges a [`Backend`] when an error was logged. Delivery does not depend on it: without it the timer sends.
///
/// It reads the level and nothing else, so it needs no gate. Put it behind the
/// [`DiskQueueLayer`](crate::DiskQueueLayer).
#[derive(Debug)]
pub struct BackendLayer(Backend);

impl BackendLayer {
    /// Nudges this backend.
    #[must_use]
    pub fn new(backend: &Backend) -> Self {
        Self(backend.clone())
    }
}

impl<S: Subscriber> Layer<S> for BackendLayer {
    fn on_event(&self, event: &Event<'_>, _ctx: Context<'_, S>) {
        if *event.metadata().level() == Level::ERROR {
            self.0.nudge();
        }
    }
}
