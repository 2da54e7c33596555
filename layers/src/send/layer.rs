//! Wakes the sender at once on ERROR and FATAL.

use tracing_core::{Event, LevelFilter, Subscriber};
use tracing_subscriber::filter::Filtered;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::backend::Backend;
use crate::quiet_thread::is_quiet;

/// Nudges a [`Backend`] when an error was logged. From [`Backend::layer`]. Delivery does not depend on it: without it the timer sends.
///
/// It reads nothing of the event, so it needs no gate. Put it behind the [`DiskQueueLayer`](crate::DiskQueueLayer).
#[derive(Debug)]
pub struct BackendLayer(Backend);

impl Backend {
    /// The layer that wakes this sender at once on ERROR and FATAL. It comes with its filter, so that it asks for no
    /// more events than errors.
    #[must_use]
    pub fn layer<S>(&self) -> Filtered<BackendLayer, LevelFilter, S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        self.unfiltered_layer().with_filter(LevelFilter::ERROR)
    }

    /// For a stack that filters it already.
    pub(crate) fn unfiltered_layer(&self) -> BackendLayer {
        BackendLayer(self.clone())
    }
}

impl<S: Subscriber> Layer<S> for BackendLayer {
    fn on_event(&self, event: &Event<'_>, _ctx: Context<'_, S>) {
        if *event.metadata().level() == LevelFilter::ERROR && !is_quiet() {
            self.0.nudge();
        }
    }
}
