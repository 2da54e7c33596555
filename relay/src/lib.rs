//! The relay.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)
)]
pub mod fingerprint;
pub mod map;
pub mod spool;
pub mod wire;
