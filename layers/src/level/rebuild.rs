//! Asks every callsite of the program anew, from whatever thread.

use tracing_core::span::{Attributes, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Dispatch, Event, LevelFilter, Metadata, Subscriber, callsite};

/// Has every dispatcher that there is say again what it wants.
///
/// Where `tracing` knows of one dispatcher, it takes the calling thread's default for it; a thread may have another or
/// none, and then nobody would want anything. Once it has known of two, it asks those that there are.
pub(super) fn rebuild() {
    drop(Dispatch::new(Nobody));
    callsite::rebuild_interest_cache();
}

/// Wants nothing.
struct Nobody;

impl Subscriber for Nobody {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::never()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::OFF)
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
