//! A small self-hosted relay: takes batches of log records, keeps them safe, exports them as OTLP.
//!
//! ```text
//! POST /api/v1/logs -> identity -> body -> wire -> map, fingerprint -> spool -> 200
//!                                                                      spool -> export (OTLP)
//! ```
//!
//! The binary `courier-relay` is the usual way to run it. Inside another program:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use courier_relay::config::{Config, RawConfig};
//!
//! let dir = std::env::temp_dir().join("relay");
//! let config = Config::try_from(RawConfig {
//!     otlp_endpoint: Some("http://127.0.0.1:4318".into()),
//!     ..RawConfig::embedded(&dir)
//! })?;
//! let relay = courier_relay::start(config).await?;
//! let token = relay.development_token("user-abc")?;
//! println!("POST http://{}/api/v1/logs", relay.addr());
//! relay.stop().await;
//! # Ok(())
//! # }
//! ```
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)
)]

mod access;
mod admin;
pub mod command;
pub mod config;
mod data_dir;
mod disk;
mod edge;
mod erase;
mod export;
mod find;
mod fingerprint;
mod http;
mod identity;
mod index;
mod ingest;
pub mod levels;
mod limit;
mod map;
mod metrics;
pub mod redact;
mod search;
mod serve;
mod spool;
mod status;
mod stone;
mod store;
mod telemetry;
mod text;
mod timeline;
mod when;
mod wire;

pub use config::Config;
pub use fingerprint::fingerprint;
pub use identity::{DEVELOPMENT_SECRET, KeyError, Secret, SecretError, secret};
pub use ingest::{Converted, NotABatch, NotUnpacked, convert, unpack};
pub use serve::{DEFAULT_TOKEN_TTL, Relay, StartError, start};
pub use status::{Screen, Status};
pub use telemetry::{Telemetry, TelemetryError};
pub use text::escape;
