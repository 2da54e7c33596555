//! Settings that make sense together, with real types: what the rest of the relay works with.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{SecretBox, SecretString};
use url::Url;

use super::files::FileConfig;
use super::keep_free::KeepFree;
use super::network::Networks;

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
    /// Whether records are kept for an upstream that is still to be set, when there is none.
    pub awaits_upstream: bool,
    /// What the index keeps; `None` is without one.
    pub index: Option<IndexConfig>,
    /// A CSV file of who users are.
    pub people: Option<PathBuf>,
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

/// What the index keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexConfig {
    /// How long, by when records came.
    pub keep: Duration,
    /// On disk at most, in bytes.
    pub max_bytes: u64,
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
