//! The relay.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)
)]
pub mod body;
pub mod config;
pub mod error;
pub mod fingerprint;
pub mod identity;
pub mod map;
pub mod spool;
pub mod wire;
