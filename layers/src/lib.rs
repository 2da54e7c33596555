//! Field-support logging for Rust.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)
)]

mod clock;
mod losses;
pub mod queue;
mod record;
pub mod sanitize;
pub mod wire;

pub use clock::Clock;
pub use losses::{Loss, Losses};
pub use record::Level;
