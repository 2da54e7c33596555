//! From settings to what they mean together: the only validation in the relay.

use std::io;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::ExposeSecret;
use tracing_subscriber::filter::EnvFilter;
use url::Url;

use super::keep_free::keep_free;
use super::network::proxies;
use super::raw::{RawConfig, Setting};
use super::value::{
    MIN_SECRET_BYTES, address, base_url, check_token, clamp, duration, file, into_text,
    is_loopback, rate, size, strong, switch, word, wrong,
};
use super::{
    Config, Connections, DEFAULT_ADMIN_LISTEN, DEFAULT_DATA_DIR, DEFAULT_DEAD_KEEP,
    DEFAULT_EXPORT_RECORDS_PER_SECOND, DEFAULT_FILE_MAX_BYTES, DEFAULT_LEVEL_REFRESH,
    DEFAULT_LISTEN, DEFAULT_LOG, DEFAULT_MAX_BODY_BYTES, DEFAULT_MAX_CONNECTIONS,
    DEFAULT_MAX_RECORDS, DEFAULT_RATE_BYTES, DEFAULT_RATE_RECORDS, DEFAULT_RATE_REQUESTS,
    DEFAULT_SPOOL_MAX_BYTES, Exceptions, FileConfig, KeyConfig, Rates, SpoolKind, TlsConfig,
    TokenConfig, UpstreamConfig,
};

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
    /// Whoever has one token could find the secret by trying. Make one with `openssl rand -hex 32`.
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
    /// A variable is like a setting's and is none. It is not shown: a secret may be in it.
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
    /// Nothing would keep the records, and nobody would get them.
    #[error("--spool none needs an upstream: give --otlp-endpoint")]
    NothingBehind,
}

impl TryFrom<RawConfig> for Config {
    type Error = ConfigError;

    fn try_from(raw: RawConfig) -> Result<Self, ConfigError> {
        let raw = raw.or(RawConfig::default());
        let listen = address("listen", raw.listen.as_ref(), DEFAULT_LISTEN)?;
        let admin_listen = address(
            "admin-listen",
            raw.admin_listen.as_ref(),
            DEFAULT_ADMIN_LISTEN,
        )?;
        let key = key(&raw)?;
        let is_development = matches!(key, KeyConfig::Development);
        for (flag, address) in [("listen", listen), ("admin-listen", admin_listen)] {
            if is_development && !address.ip().is_loopback() {
                return Err(ConfigError::NotLoopback { flag, address });
            }
        }
        let tls = tls(&raw)?;
        let may_be_plain = switch("allow-plain-http", raw.allow_plain_http.as_ref(), false)?;
        let plain = [
            (
                "listen",
                listen,
                tls.is_none(),
                "give --tls-cert-file and --tls-key-file, or --allow-plain-http behind a proxy",
            ),
            (
                "admin-listen",
                admin_listen,
                true,
                "listen on 127.0.0.1, or give --allow-plain-http in a network of your own",
            ),
        ];
        for (flag, address, is_plain, instead) in plain {
            if is_plain && !may_be_plain && !address.ip().is_loopback() {
                return Err(ConfigError::PlainHttp {
                    flag,
                    address,
                    instead,
                });
            }
        }
        let data_dir = PathBuf::from(
            raw.data_dir
                .as_ref()
                .map_or(DEFAULT_DATA_DIR, Setting::as_str),
        );
        let upstream = upstream(&raw)?;
        let spool = match word(raw.spool.as_ref()) {
            None | Some("sqlite") => SpoolKind::Sqlite,
            Some("none") => SpoolKind::None,
            Some(nats) if nats.starts_with("nats://") => {
                return Err(wrong(
                    "spool",
                    "nats://…",
                    "NATS is not supported yet; use sqlite or none",
                ));
            }
            Some(other) => return Err(wrong("spool", other, "use sqlite or none")),
        };
        if spool == SpoolKind::None && upstream.is_none() {
            return Err(ConfigError::NothingBehind);
        }
        if spool == SpoolKind::None && raw.otlp_file_dir.is_some() {
            let expected = "files are written from the spool; leave --spool none out";
            return Err(wrong("otlp-file-dir", "…", expected));
        }
        match word(raw.database_url.as_ref()) {
            None => {}
            Some(url) if url.starts_with("postgres") => {
                let expected = "PostgreSQL is not supported yet; leave it out for SQLite in the data directory";
                return Err(wrong("database-url", "postgres://…", expected));
            }
            Some(_) => {
                return Err(wrong(
                    "database-url",
                    "…",
                    "leave it out for SQLite in the data directory",
                ));
            }
        }
        let default_rate = |rate| if is_development { 0 } else { rate };
        let rates = Rates {
            records: rate(
                "rate-records-per-minute",
                raw.rate_records_per_minute.as_ref(),
                default_rate(DEFAULT_RATE_RECORDS),
            )?,
            bytes: rate(
                "rate-bytes-per-minute",
                raw.rate_bytes_per_minute.as_ref(),
                default_rate(DEFAULT_RATE_BYTES),
            )?,
            requests: rate(
                "rate-requests-per-minute",
                raw.rate_requests_per_minute.as_ref(),
                default_rate(DEFAULT_RATE_REQUESTS),
            )?,
        };
        let max_body_bytes = size(
            "max-body-bytes",
            raw.max_body_bytes.as_ref(),
            DEFAULT_MAX_BODY_BYTES as u64,
        )?;
        let max_records = size(
            "max-records",
            raw.max_records.as_ref(),
            DEFAULT_MAX_RECORDS as u64,
        )?;
        Ok(Self {
            listen,
            admin_listen,
            tls,
            connections: connections(&raw)?,
            admin_token: file("admin-token-file", raw.admin_token_file.as_ref())?.map(into_text),
            data_dir,
            upstream,
            tokens: TokenConfig {
                key,
                issuer: word(raw.jwt_issuer.as_ref()).map(str::to_owned),
                audience: word(raw.jwt_audience.as_ref()).map(str::to_owned),
            },
            spool,
            spool_max_bytes: size(
                "spool-max-bytes",
                raw.spool_max_bytes.as_ref(),
                DEFAULT_SPOOL_MAX_BYTES,
            )?,
            keep_free: keep_free(raw.keep_free.as_ref())?,
            dead_keep: dead_keep(raw.dead_keep.as_ref())?,
            rates,
            max_body_bytes: usize::try_from(max_body_bytes).unwrap_or(usize::MAX),
            max_records: usize::try_from(max_records).unwrap_or(usize::MAX),
            level_refresh: refresh(raw.level_refresh.as_ref())?,
            sanitize: switch("sanitize", raw.sanitize.as_ref(), true)?,
            clamp: clamp("clamp", raw.clamp.as_ref())?,
            limits: clamp("limits", raw.limits.as_ref())?,
            exceptions: match word(raw.exceptions.as_ref()) {
                None | Some("log") => Exceptions::Log,
                Some("span") => Exceptions::Span,
                Some(other) => return Err(wrong("exceptions", other, "use log or span")),
            },
            export_records_per_second: rate(
                "export-records-per-second",
                raw.export_records_per_second.as_ref(),
                DEFAULT_EXPORT_RECORDS_PER_SECOND,
            )?,
            files: files(&raw)?,
            telemetry: telemetry(&raw)?,
            cors_origin: origin(raw.cors_origin.as_ref())?,
            trusted_proxies: proxies(raw.trusted_proxy.as_ref())?,
            log: log(raw.log.as_ref())?,
        })
    }
}

/// Programs may ask every second to every day: what they accept.
fn refresh(setting: Option<&Setting>) -> Result<Duration, ConfigError> {
    let Some(text) = word(setting) else {
        return Ok(DEFAULT_LEVEL_REFRESH);
    };
    duration(text)
        .filter(|refresh| (1..=86_400).contains(&refresh.as_secs()))
        .ok_or_else(|| wrong("level-refresh", text, "use a duration from 1s to 24h"))
}

fn dead_keep(setting: Option<&Setting>) -> Result<Duration, ConfigError> {
    match word(setting) {
        None => Ok(DEFAULT_DEAD_KEEP),
        Some("0") => Ok(Duration::MAX),
        Some(text) => duration(text)
            .ok_or_else(|| wrong("dead-keep", text, "use a duration such as 90d, or 0")),
    }
}

fn tls(raw: &RawConfig) -> Result<Option<TlsConfig>, ConfigError> {
    let path = |setting: &Setting| PathBuf::from(setting.as_str());
    match (&raw.tls_cert_file, &raw.tls_key_file) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(ConfigError::Half("tls-cert-file", "tls-key-file")),
        (None, Some(_)) => Err(ConfigError::Half("tls-key-file", "tls-cert-file")),
        (Some(certificate), Some(key)) => Ok(Some(TlsConfig {
            certificate: path(certificate),
            key: path(key),
        })),
    }
}

fn connections(raw: &RawConfig) -> Result<Connections, ConfigError> {
    let number = |flag, setting: Option<&Setting>, least| match word(setting) {
        None => Ok(None),
        Some(text) => match text.parse() {
            Ok(number) if (least..=MAX_CONNECTIONS).contains(&number) => Ok(Some(number)),
            _ => Err(wrong(flag, text, "use a number up to 1000000")),
        },
    };
    let all = number("max-connections", raw.max_connections.as_ref(), 1)?
        .unwrap_or(DEFAULT_MAX_CONNECTIONS);
    let flag = "max-connections-per-address";
    let per_address = number(flag, raw.max_connections_per_address.as_ref(), 0)?;
    Ok(Connections {
        all,
        // Nobody has them all; a host that opens a thousand still gets through.
        per_address: NonZeroU32::new(per_address.unwrap_or(all.div_ceil(4))).map(NonZeroU32::get),
    })
}

fn key(raw: &RawConfig) -> Result<KeyConfig, ConfigError> {
    let given: Vec<&'static str> = [
        ("jwt-secret-file", &raw.jwt_secret_file),
        ("jwt-public-key-file", &raw.jwt_public_key_file),
        ("jwks-url", &raw.jwks_url),
    ]
    .into_iter()
    .filter_map(|(flag, setting)| setting.is_some().then_some(flag))
    .collect();
    if let [one, other, ..] = given[..] {
        return Err(ConfigError::TwoKeys(one, other));
    }
    let may_be_weak = switch("allow-weak-secret", raw.allow_weak_secret.as_ref(), false)?;
    if let Some(secret) = file("jwt-secret-file", raw.jwt_secret_file.as_ref())? {
        if !may_be_weak {
            strong(
                "jwt-secret-file",
                raw.jwt_secret_file.as_ref(),
                secret.len(),
            )?;
        }
        return Ok(KeyConfig::Secret(secret.into_boxed_slice().into()));
    }
    if let Some(pem) = file("jwt-public-key-file", raw.jwt_public_key_file.as_ref())? {
        return Ok(KeyConfig::PublicKey(pem));
    }
    if let Some(text) = word(raw.jwks_url.as_ref()) {
        let expected = "use an https URL, or http on loopback";
        let url = Url::parse(text).map_err(|_| wrong("jwks-url", text, expected))?;
        let is_fit = url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url);
        return if is_fit {
            Ok(KeyConfig::Jwks(url))
        } else {
            Err(wrong("jwks-url", text, expected))
        };
    }
    Ok(KeyConfig::Development)
}

fn upstream(raw: &RawConfig) -> Result<Option<UpstreamConfig>, ConfigError> {
    let token = match file("otlp-token-file", raw.otlp_token_file.as_ref())? {
        Some(token) => Some(into_text(token)),
        None => raw.logfire_token.clone(),
    };
    check_token("otlp-token-file", token.as_ref())?;
    let said = raw.otlp_endpoint.as_ref().or(raw.logfire_endpoint.as_ref());
    let endpoint = match (word(said), &raw.logfire_token) {
        (Some(text), _) => text.to_owned(),
        (None, Some(token)) => logfire_endpoint(token.expose_secret()),
        (None, None) => match &token {
            Some(token) if token.expose_secret().starts_with("pylf_") => {
                logfire_endpoint(token.expose_secret())
            }
            _ => return Ok(None),
        },
    };
    let endpoint = base_url("otlp-endpoint", &endpoint)?;
    Ok(Some(UpstreamConfig { endpoint, token }))
}

/// Where Logfire keeps the records of a token: its region stands in the token (`pylf_v1_eu_…`).
fn logfire_endpoint(token: &str) -> String {
    let region = match token.split('_').collect::<Vec<_>>()[..] {
        ["pylf", _, region, ..]
            if !region.is_empty() && region.bytes().all(|byte| byte.is_ascii_lowercase()) =>
        {
            region
        }
        _ => "us",
    };
    format!("https://logfire-{region}.pydantic.dev")
}

fn files(raw: &RawConfig) -> Result<Option<FileConfig>, ConfigError> {
    let max_bytes = size(
        "otlp-file-max-bytes",
        raw.otlp_file_max_bytes.as_ref(),
        DEFAULT_FILE_MAX_BYTES,
    )?;
    let keep = rate("otlp-file-keep", raw.otlp_file_keep.as_ref(), 0)?;
    let keep = keep.and_then(|keep| NonZeroUsize::try_from(keep).ok());
    Ok(raw.otlp_file_dir.as_ref().map(|dir| FileConfig {
        dir: PathBuf::from(dir.as_str()),
        max_bytes,
        keep,
    }))
}

fn telemetry(raw: &RawConfig) -> Result<Option<UpstreamConfig>, ConfigError> {
    let Some(text) = word(raw.telemetry_endpoint.as_ref()) else {
        return Ok(None);
    };
    let token = file("telemetry-token-file", raw.telemetry_token_file.as_ref())?.map(into_text);
    check_token("telemetry-token-file", token.as_ref())?;
    let endpoint = base_url("telemetry-endpoint", text)?;
    Ok(Some(UpstreamConfig { endpoint, token }))
}

fn origin(setting: Option<&Setting>) -> Result<Option<String>, ConfigError> {
    let Some(text) = word(setting) else {
        return Ok(None);
    };
    let is_origin = Url::parse(text).is_ok_and(|url| url.origin().ascii_serialization() == text);
    if is_origin {
        Ok(Some(text.to_owned()))
    } else {
        Err(wrong(
            "cors-origin",
            text,
            "use one origin, for example https://app.example",
        ))
    }
}

/// What the log shows; checked here, so that a slip is not found when it is needed.
fn log(setting: Option<&Setting>) -> Result<String, ConfigError> {
    let text = word(setting).unwrap_or(DEFAULT_LOG).trim();
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(wrong(
            "log",
            text,
            "use levels, for example info,courier_relay::ingest=debug",
        )),
    }
}

/// More than any system has open files for.
const MAX_CONNECTIONS: u32 = 1_000_000;

#[cfg(test)]
mod tests;
