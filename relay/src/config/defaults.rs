//! What a setting is where nothing is said; the help of each says the same.

use std::time::Duration;

/// How long a dead letter is kept: 90 days, time enough for an operator to look.
pub const DEFAULT_DEAD_KEEP: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// What the log shows by default: every request with its id, and whatever matters beside them.
pub const DEFAULT_LOG: &str = "info,courier_relay::ingest=debug";
/// Ingest listens here unless told otherwise: loopback, because development mode is the default.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8787";
/// The admin listener's default.
pub const DEFAULT_ADMIN_LISTEN: &str = "127.0.0.1:8788";
/// Connections at once by default. Each is an open file; the relay asks the system for as many as it gives.
pub const DEFAULT_MAX_CONNECTIONS: u32 = 4096;
/// The data directory's default.
pub const DEFAULT_DATA_DIR: &str = "./courier-data";
/// Frames kept at most by default: 1 GiB, about three million records.
pub const DEFAULT_SPOOL_MAX_BYTES: u64 = 1 << 30;
/// Records that the upstream gets in a second at most by default: a full spool drains in half a minute, and ingest is left
/// most of a core.
pub const DEFAULT_EXPORT_RECORDS_PER_SECOND: u32 = 250_000;
/// How long the index keeps records by default: a month, in which most of what is asked about happened.
pub const DEFAULT_INDEX_KEEP: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// What the index takes on disk at most by default: 10 GiB.
pub const DEFAULT_INDEX_MAX_BYTES: u64 = 10 << 30;
/// A file of exported records that has reached this is done, by default: 100 MiB.
pub const DEFAULT_FILE_MAX_BYTES: u64 = 100 << 20;
/// Records of one user in a minute by default.
pub const DEFAULT_RATE_RECORDS: u32 = 6000;
/// Inflated bytes of one user in a minute by default: 10 kB a record.
pub const DEFAULT_RATE_BYTES: u32 = 60_000_000;
/// Requests of one address in a minute by default.
pub const DEFAULT_RATE_REQUESTS: u32 = 600;
/// How often programs ask for their levels by default: ten minutes, so that a silent one is not much of a load.
pub const DEFAULT_LEVEL_REFRESH: Duration = Duration::from_secs(600);
/// A request's body at most by default: 1 MiB.
pub const DEFAULT_MAX_BODY_BYTES: usize = 1 << 20;
/// A request's records at most by default.
pub const DEFAULT_MAX_RECORDS: usize = 1000;
