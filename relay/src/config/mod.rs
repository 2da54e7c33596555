//! What the operator wrote, and what makes sense of it.
//!
//! A setting is a flag, an environment variable and a TOML key; the flag wins, then the environment. [`RawConfig`] holds
//! them as text; [`Config`] is the only thing that the rest of the relay sees, and nothing is checked a second time.
//! Every error names the setting and what to do, before anything is started.

mod keep_free;
mod nearest;
mod network;
mod raw;
mod read;
mod value;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{SecretBox, SecretString};
use url::Url;

pub use crate::export::file::FileConfig;
pub use keep_free::KeepFree;
pub use network::Networks;
pub use raw::{RawConfig, Setting};
pub use read::ConfigError;
pub use value::duration;

/// Settings that make sense together.
#[derive(Debug)]
pub struct Config {
    /// Where clients send to.
    pub listen: SocketAddr,
    /// Where operators look.
    pub admin_listen: SocketAddr,
    /// The ingest listener's certificate; `None` is plain HTTP.
    pub tls: Option<TlsConfig>,
    /// Connections at once.
    pub connections: Connections,
    /// The admin API's bearer token; `None` makes one in the data directory.
    pub admin_token: Option<SecretString>,
    /// Everything that the relay keeps.
    pub data_dir: PathBuf,
    /// Where records go; `None` keeps them in the spool.
    pub upstream: Option<UpstreamConfig>,
    /// Which tokens are good.
    pub tokens: TokenConfig,
    /// What stands between a request and the upstream.
    pub spool: SpoolKind,
    /// Frames kept at most, in bytes.
    pub spool_max_bytes: u64,
    /// How much of the data directory's disk is left free: below it batches are refused.
    pub keep_free: KeepFree,
    /// How long dead letters are kept; [`Duration::MAX`] is as long as they fit.
    pub dead_keep: Duration,
    /// How much one user or address may send.
    pub rates: Rates,
    /// A request's body at most, as sent and inflated.
    pub max_body_bytes: usize,
    /// A request's records at most.
    pub max_records: usize,
    /// How often programs are told to ask for their levels.
    pub level_refresh: Duration,
    /// Whether what clients send is redacted again.
    pub sanitize: bool,
    /// Whether times are kept within what an upstream takes.
    pub clamp: Clamp,
    /// Whether long texts are put as Logfire takes them.
    pub limits: Clamp,
    /// How the upstream gets records with an error.
    pub exceptions: Exceptions,
    /// Records that the upstream gets in a second at most.
    pub export_records_per_second: Option<NonZeroU32>,
    /// Files that records are also written to.
    pub files: Option<FileConfig>,
    /// Where spans about the relay itself go.
    pub telemetry: Option<UpstreamConfig>,
    /// The web origin that may send.
    pub cors_origin: Option<String>,
    /// Proxies whose word on a client's address counts.
    pub trusted_proxies: Networks,
    /// What the log shows, as `EnvFilter` reads it.
    pub log: String,
}

/// Files with a certificate and its key, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// The certificate, and those that signed it.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// How many connections there may be at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// In all.
    pub all: u32,
    /// From one address that is no trusted proxy; `None` is without limit.
    pub per_address: Option<u32>,
}

/// An OTLP/HTTP backend.
#[derive(Clone, Debug)]
pub struct UpstreamConfig {
    /// Its base URL; `/v1/logs` is put behind it.
    pub endpoint: Url,
    /// Its `Authorization`, raw.
    pub token: Option<SecretString>,
}

/// How tokens are checked.
#[derive(Debug)]
pub struct TokenConfig {
    /// With which key.
    pub key: KeyConfig,
    /// `iss`, when it is to be checked.
    pub issuer: Option<String>,
    /// `aud`, when it is to be checked.
    pub audience: Option<String>,
}

/// The key that tokens are checked with.
#[derive(Debug)]
pub enum KeyConfig {
    /// An HS256 secret of our own, made in the data directory.
    Development,
    /// An HS256 secret.
    Secret(SecretBox<[u8]>),
    /// A public key in PEM.
    PublicKey(Vec<u8>),
    /// Where public keys are published.
    Jwks(Url),
}

impl KeyConfig {
    /// In words, for people.
    #[must_use]
    pub fn mode(&self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Secret(_) => "HS256 secret",
            Self::PublicKey(_) => "public key",
            Self::Jwks(_) => "published keys",
        }
    }
}

/// What stands between a request and the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpoolKind {
    /// A database in the data directory.
    Sqlite,
    /// Nothing: a request is answered when the upstream has answered.
    None,
}

/// How an upstream gets records with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceptions {
    /// As logs like all others.
    Log,
    /// As logs, and once more as spans without length.
    Span,
}

/// Whether records are put as an upstream with limits takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clamp {
    /// For Logfire only.
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

impl Clamp {
    /// Whether it is to be done for `upstream`.
    #[must_use]
    pub fn applies_to(self, upstream: Option<&UpstreamConfig>) -> bool {
        let is_logfire = |upstream: &UpstreamConfig| {
            let host = upstream.endpoint.host_str();
            host.is_some_and(|host| host == "pydantic.dev" || host.ends_with(".pydantic.dev"))
        };
        match self {
            Self::On => true,
            Self::Off => false,
            Self::Auto => upstream.is_some_and(is_logfire),
        }
    }
}

/// How much may be sent in a minute; `None` is without limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Records of one user.
    pub records: Option<std::num::NonZeroU32>,
    /// Inflated bytes of one user.
    pub bytes: Option<std::num::NonZeroU32>,
    /// Requests of one address.
    pub requests: Option<std::num::NonZeroU32>,
}

/// How long a dead letter is kept: 90 days, a season in which somebody has looked.
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
