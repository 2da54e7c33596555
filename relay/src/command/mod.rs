//! What an operator does to a data directory, beside a running relay or without one; the binary's commands are these.
//!
//! One process at a time has a data directory open. While a relay runs on it, a command works through that relay's admin
//! API (`admin_client`); else it opens the directory itself.

mod admin_client;
pub mod admin_token;
pub mod audit;
mod backup;
mod check;
pub mod dead;
pub mod forget;
mod import;
mod index;
pub mod level;
mod look;
mod reached;
mod status;

pub use admin_client::{AdminClientError, Looked};
pub use backup::{BackupError, backup, backup_all};
pub use check::{Finding, check};
pub use import::{ImportError, Imported, import};
pub use index::{RebuildError, rebuild};
pub use look::{follow, look};
pub use status::status;
