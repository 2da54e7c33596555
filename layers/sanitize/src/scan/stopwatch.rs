//! How long a policy's own patterns take.

use std::time::Duration;

/// A running stopwatch; one that stands still where the platform has no monotonic clock.
pub(crate) struct Stopwatch {
    #[cfg(not(target_family = "wasm"))]
    since: std::time::Instant,
}

impl Stopwatch {
    pub fn start() -> Self {
        Self {
            #[cfg(not(target_family = "wasm"))]
            since: std::time::Instant::now(),
        }
    }

    #[cfg(not(target_family = "wasm"))]
    pub fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    #[cfg(target_family = "wasm")]
    pub fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}
