//! From text to meaning: the only validation of settings in the relay.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::raw::{RawConfig, Setting};
use super::{
    Clamp, Config, Connections, DEFAULT_ADMIN_LISTEN, DEFAULT_DATA_DIR, DEFAULT_LEVEL_REFRESH,
    DEFAULT_LISTEN, DEFAULT_MAX_BODY_BYTES, DEFAULT_MAX_CONNECTIONS, DEFAULT_MAX_RECORDS,
    DEFAULT_RATE_BYTES, DEFAULT_RATE_RECORDS, DEFAULT_RATE_REQUESTS, DEFAULT_SPOOL_MAX_BYTES,
    KeyConfig, Rates, SpoolKind, TlsConfig, TokenConfig, UpstreamConfig,
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
    /// The TOML is wrong, or has a key that is no setting. The text says where.
    #[error("--config: `{}`", .path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// What and where.
        source: Box<toml::de::Error>,
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
                issuer: raw.jwt_issuer.map(|setting| setting.as_str().to_owned()),
                audience: raw.jwt_audience.map(|setting| setting.as_str().to_owned()),
            },
            spool,
            spool_max_bytes: size(
                "spool-max-bytes",
                raw.spool_max_bytes.as_ref(),
                DEFAULT_SPOOL_MAX_BYTES,
            )?,
            rates,
            max_body_bytes: usize::try_from(max_body_bytes).unwrap_or(usize::MAX),
            max_records: usize::try_from(max_records).unwrap_or(usize::MAX),
            level_refresh: refresh(raw.level_refresh.as_ref())?,
            sanitize: switch("sanitize", raw.sanitize.as_ref(), true)?,
            clamp: match word(raw.clamp.as_ref()) {
                None | Some("auto") => Clamp::Auto,
                Some("on") => Clamp::On,
                Some("off") => Clamp::Off,
                Some(other) => return Err(wrong("clamp", other, "use auto, on or off")),
            },
            cors_origin: origin(raw.cors_origin.as_ref())?,
            trusted_proxies: proxies(raw.trusted_proxy.as_ref())?,
        })
    }
}

/// A duration such as `500ms`, `30s`, `10m`, `24h`, `7d`.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let millis: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(millis).map(Duration::from_millis)
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

fn word(setting: Option<&Setting>) -> Option<&str> {
    setting.map(Setting::as_str)
}

fn wrong(flag: &'static str, value: &str, expected: &'static str) -> ConfigError {
    ConfigError::Value {
        flag,
        value: value.to_owned(),
        expected,
    }
}

fn address(
    flag: &'static str,
    setting: Option<&Setting>,
    default: &str,
) -> Result<SocketAddr, ConfigError> {
    let text = word(setting).unwrap_or(default);
    text.parse().map_err(|_| {
        wrong(
            flag,
            text,
            "use an address and a port, for example 127.0.0.1:8787",
        )
    })
}

fn size(flag: &'static str, setting: Option<&Setting>, default: u64) -> Result<u64, ConfigError> {
    let Some(text) = word(setting) else {
        return Ok(default);
    };
    let digits = text
        .find(|character: char| !character.is_ascii_digit() && character != '_')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
    let factor: Option<u64> = match unit.trim() {
        "" | "B" => Some(1),
        "KiB" | "k" | "K" => Some(1 << 10),
        "MiB" | "M" => Some(1 << 20),
        "GiB" | "G" => Some(1 << 30),
        "kB" | "KB" => Some(1000),
        "MB" => Some(1_000_000),
        "GB" => Some(1_000_000_000),
        _ => None,
    };
    let number = number.replace('_', "").parse::<u64>().ok();
    let size = number
        .zip(factor)
        .and_then(|(number, factor)| number.checked_mul(factor));
    size.filter(|&size| size > 0).ok_or_else(|| {
        wrong(
            flag,
            text,
            "use a number above 0, for example 1000, 64KiB or 1GiB",
        )
    })
}

fn rate(
    flag: &'static str,
    setting: Option<&Setting>,
    default: u32,
) -> Result<Option<NonZeroU32>, ConfigError> {
    let rate = match word(setting) {
        Some(text) => text
            .parse()
            .map_err(|_| wrong(flag, text, "use a number up to 4294967295; 0 is off"))?,
        None => default,
    };
    Ok(NonZeroU32::new(rate))
}

fn switch(
    flag: &'static str,
    setting: Option<&Setting>,
    default: bool,
) -> Result<bool, ConfigError> {
    match word(setting) {
        None => Ok(default),
        Some("on" | "true") => Ok(true),
        Some("off" | "false") => Ok(false),
        Some(other) => Err(wrong(flag, other, "use on or off")),
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

fn file(flag: &'static str, setting: Option<&Setting>) -> Result<Option<Vec<u8>>, ConfigError> {
    let Some(setting) = setting else {
        return Ok(None);
    };
    let path = PathBuf::from(setting.as_str());
    let mut bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(source) => return Err(ConfigError::File { flag, path, source }),
    };
    // Editors and `echo` put a line end there that is no part of any token, key or secret.
    while let Some(b'\n' | b'\r') = bytes.last() {
        bytes.pop();
    }
    if bytes.is_empty() {
        Err(ConfigError::EmptyFile { flag, path })
    } else {
        Ok(Some(bytes))
    }
}

fn into_text(bytes: Vec<u8>) -> SecretString {
    SecretString::from(String::from_utf8_lossy(&bytes).trim().to_owned())
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
    if let Some(secret) = file("jwt-secret-file", raw.jwt_secret_file.as_ref())? {
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

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn upstream(raw: &RawConfig) -> Result<Option<UpstreamConfig>, ConfigError> {
    let token = match file("otlp-token-file", raw.otlp_token_file.as_ref())? {
        Some(token) => Some(into_text(token)),
        None => raw.logfire_token.clone(),
    };
    if let Some(token) = &token {
        let is_fit = !token.expose_secret().is_empty()
            && token
                .expose_secret()
                .bytes()
                .all(|byte| (0x20..0x7f).contains(&byte));
        if !is_fit {
            return Err(wrong(
                "otlp-token-file",
                "…",
                "a token is one line of visible ASCII",
            ));
        }
    }
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
    let refuse = |expected| wrong("otlp-endpoint", "…", expected);
    let endpoint =
        Url::parse(&endpoint).map_err(|_| refuse("use a URL, for example https://otlp.example"))?;
    if !matches!(endpoint.scheme(), "http" | "https") || endpoint.host().is_none() {
        return Err(refuse("use an http or https URL"));
    }
    if !endpoint.username().is_empty() || endpoint.password().is_some() {
        return Err(refuse(
            "a URL must not carry credentials; use --otlp-token-file",
        ));
    }
    if endpoint.query().is_some() || endpoint.fragment().is_some() {
        return Err(refuse("give the base URL, without a query or fragment"));
    }
    if endpoint.path().trim_end_matches('/').ends_with("/v1/logs") {
        return Err(refuse("give the base URL; /v1/logs is put behind it"));
    }
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

fn proxies(setting: Option<&Setting>) -> Result<Vec<IpAddr>, ConfigError> {
    let texts = word(setting).into_iter().flat_map(|text| text.split(','));
    texts
        .map(|text| {
            text.trim()
                .parse()
                .map_err(|_| wrong("trusted-proxy", text, "use addresses, separated by commas"))
        })
        .collect()
}

/// More than any system has open files for.
const MAX_CONNECTIONS: u32 = 1_000_000;

#[cfg(test)]
mod tests;
