//! Real errors and panics of well-known crates, and what arrives of them at the backend: the device's half and the
//! relay's, without a network in between.
//!
//! `cargo run -p courier-error-trials` prints the tables of `docs/errors.md`; `tests/page.rs` holds the page to them.

pub mod arrived;
pub mod cause;
pub mod page;
pub mod server;
pub mod values;
pub mod ways;
