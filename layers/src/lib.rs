//! Field-support logging for Rust.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)
)]

mod breadcrumb;
mod clock;
mod courier;
mod disk;
mod fatal;
mod gate;
mod level;
mod losses;
mod panic;
pub mod queue;
pub mod record;
pub mod sanitize;
pub mod send;
pub mod session;
pub mod testing;
pub mod wire;

pub use breadcrumb::{BreadcrumbLayer, Breadcrumbs};
pub use clock::Clock;
pub use courier::{Courier, CourierBuilder, StartError};
pub use disk::{DiskQueueLayer, TraceIds};
pub use gate::{Json, SanitizeExt, SanitizeLayer, Sanitized, Sealed, json};
pub use level::{Levels, LevelsError, LevelsFilter, Rules};
pub use losses::{Loss, Losses};
pub use panic::PanicHook;
pub use queue::DiskQueue;
pub use record::{Level, Record};
pub use sanitize::Sanitizer;
pub use send::{Backend, BackendLayer, Guard};

/// For the macros of this crate.
#[doc(hidden)]
pub use tracing as __tracing;

/// What the paved path needs: `use tracing_courier::prelude::*`.
pub mod prelude {
    pub use crate::gate::SanitizeExt as _;
    pub use crate::{Courier, fatal};
}
