//! What can be wrong with settings.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A setting makes no sense. Nothing was started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The value is of no use. The text says what would be.
    #[error("--{flag} `{value}`: {expected}")]
    Value {
        /// The setting, as a flag.
        flag: &'static str,
        /// What was written.
        value: String,
        /// What should be.
        expected: &'static str,
    },
    /// The file can't be read. Check the path and its owner.
    #[error("--{flag}: cannot read `{}`", .path.display())]
    File {
        /// The setting, as a flag.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file has nothing in it. Write the token, key or secret into it.
    #[error("--{flag}: `{}` is empty", .path.display())]
    EmptyFile {
        /// The setting, as a flag.
        flag: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The secret is so short that who has one token could find it by trying. Make one with `openssl rand -hex 32`.
    #[error(
        "--{flag}: `{}` has {bytes} bytes; an HS256 secret needs at least {MIN_SECRET_BYTES}, for example from \
         `openssl rand -hex 32` (--allow-weak-secret takes it, for tests)",
        .path.display()
    )]
    ShortSecret {
        /// The setting, as a flag.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// How many it has.
        bytes: usize,
    },
    /// Others on this machine could make tokens. Take their rights away: `chmod 600`.
    #[error(
        "--{flag}: others can read or write `{}`: chmod 600 it (--allow-weak-secret takes it, for tests)",
        .path.display()
    )]
    OpenSecret {
        /// The setting, as a flag.
        flag: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The TOML is wrong, or has a key that is no setting. The text says where.
    #[error("--config: `{}`", .path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// What and where.
        source: Box<toml::de::Error>,
    },
    /// A variable's name is nearly that of a setting. Its value is not shown: it may be a secret.
    #[error("{name} is no setting: did you mean `{meant}`?")]
    Variable {
        /// The variable.
        name: String,
        /// What it is like.
        meant: String,
    },
    /// Two keys are given. Keep one.
    #[error("--{0} and --{1} exclude each other: give one key")]
    TwoKeys(&'static str, &'static str),
    /// Without a key anybody could make a token, so only this machine may ask.
    #[error(
        "--{flag} `{address}` is not loopback, and without a key the relay is in development mode: \
         give --jwt-secret-file, --jwt-public-key-file or --jwks-url, or listen on 127.0.0.1"
    )]
    NotLoopback {
        /// The setting, as a flag.
        flag: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// What is sent could be read and changed on its way, tokens included.
    #[error("--{flag} `{address}` is not loopback, and would speak plain HTTP: {instead}")]
    PlainHttp {
        /// The setting, as a flag.
        flag: &'static str,
        /// The address.
        address: SocketAddr,
        /// What to do.
        instead: &'static str,
    },
    /// A certificate is of no use without its key, and the other way round. Give both.
    #[error("--{0} needs --{1}")]
    Half(&'static str, &'static str),
    /// Without a spool and without an upstream, records would be lost.
    #[error("--spool none needs an upstream: give --otlp-endpoint")]
    NothingBehind,
}

/// An HS256 secret has at least so many bytes: as many as the hash, by RFC 7518, section 3.2.
pub(super) const MIN_SECRET_BYTES: usize = 32;
