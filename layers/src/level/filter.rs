//! The levels as a filter of a layer.

use tracing_core::subscriber::Interest;
use tracing_core::{LevelFilter, Metadata};
use tracing_subscriber::layer::{Context, Filter};

use super::handle::Levels;

/// Lets a layer see what the levels say. From [`Levels::filter`].
///
/// Where all layers agree about a callsite, `tracing` remembers it and asks nobody. Where they don't (a quiet console
/// beside a queue that listens to TRACE), each event asks, and the answer is one look at a table.
#[derive(Clone, Debug)]
pub struct LevelsFilter(Levels);

impl Levels {
    /// The filter for a layer: `.with_filter(levels.filter())`.
    #[must_use]
    pub fn filter(&self) -> LevelsFilter {
        LevelsFilter(self.clone())
    }
}

impl<S> Filter<S> for LevelsFilter {
    #[inline]
    fn enabled(&self, metadata: &Metadata<'_>, _ctx: &Context<'_, S>) -> bool {
        match self.0.0.decided.get(metadata) {
            Some(is_recorded) => is_recorded,
            None => self.0.0.rules.load().records(metadata),
        }
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.target() == "log" {
            // The log bridge asks with the record's own target, each time.
            return Interest::sometimes();
        }
        match self.0.decide(metadata) {
            None => Interest::sometimes(),
            Some(true) => Interest::always(),
            Some(false) => Interest::never(),
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.0.0.rules.load().max_level_hint())
    }
}
