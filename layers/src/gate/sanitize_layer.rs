//! The policy of a gate.

use crate::clock::Clock;
use crate::sanitize::Sanitizer;

/// The policy that wraps a stack: what [`sanitized`](crate::SanitizeExt::sanitized) takes.
///
/// It is a layer in tower's sense and no `tracing_subscriber::Layer`: one that sits beside others can't change
/// what they see, so this does not compile:
///
/// ```compile_fail
/// use tracing_subscriber::prelude::*;
/// tracing_subscriber::registry().with(tracing_courier::SanitizeLayer::default());
/// ```
#[derive(Clone, Debug)]
pub struct SanitizeLayer {
    pub(super) sanitizer: Option<Sanitizer>,
    pub(super) clock: Clock,
}

impl SanitizeLayer {
    /// The policy of this sanitizer.
    #[must_use]
    pub fn new(sanitizer: Sanitizer) -> Self {
        Self {
            sanitizer: Some(sanitizer),
            clock: Clock::System,
        }
    }

    /// No policy at all: events are handed on as they are, and captured for our layers when they ask.
    #[must_use]
    pub fn none() -> Self {
        Self {
            sanitizer: None,
            clock: Clock::System,
        }
    }

    /// Sets the clock that stamps the records. By default the system's.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }
}

impl Default for SanitizeLayer {
    fn default() -> Self {
        Self::new(Sanitizer::default())
    }
}

impl From<Sanitizer> for SanitizeLayer {
    fn from(sanitizer: Sanitizer) -> Self {
        Self::new(sanitizer)
    }
}
