//! From settings to what they mean together: the only validation in the relay.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use tracing_subscriber::filter::EnvFilter;
use url::Url;

use super::checked::{
    Clamp, Config, Exceptions, IndexConfig, KeyConfig, Rates, SpoolKind, TokenConfig,
};
use super::defaults::{
    DEFAULT_DATA_DIR, DEFAULT_DEAD_KEEP, DEFAULT_EXPORT_RECORDS_PER_SECOND, DEFAULT_FILE_MAX_BYTES,
    DEFAULT_INDEX_KEEP, DEFAULT_INDEX_MAX_BYTES, DEFAULT_LEVEL_REFRESH, DEFAULT_LOG,
    DEFAULT_MAX_BODY_BYTES, DEFAULT_MAX_RECORDS, DEFAULT_RATE_BYTES, DEFAULT_RATE_RECORDS,
    DEFAULT_RATE_REQUESTS, DEFAULT_SPOOL_MAX_BYTES,
};
use super::error::ConfigError;
use super::files::FileConfig;
use super::keep_free::keep_free;
use super::key::key;
use super::listeners::{self, Listeners};
use super::network::proxies;
use super::raw::RawConfig;
use super::setting::Setting;
use super::upstream::{telemetry, upstream};
use super::value::{duration, file, into_text, rate, size, switch, word, wrong};

impl TryFrom<RawConfig> for Config {
    type Error = ConfigError;

    fn try_from(raw: RawConfig) -> Result<Self, ConfigError> {
        let raw = raw.or(RawConfig::default());
        // Of several things that are wrong, the first of this order is said.
        let addresses = listeners::addresses(&raw)?;
        let key = key(&raw)?;
        let is_development = matches!(key, KeyConfig::Development);
        let Listeners {
            listen,
            admin_listen,
            tls,
        } = listeners::listeners(&raw, addresses, is_development)?;
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
        let index = index(&raw, spool)?;
        if spool == SpoolKind::None && index.is_some() {
            let expected = "the index is filled from the spool; leave --spool none out";
            return Err(wrong("index", "on", expected));
        }
        let awaits_upstream = word(raw.otlp_endpoint.as_ref()) != Some("none");
        if !awaits_upstream && index.is_none() && raw.otlp_file_dir.is_none() {
            let expected = "nobody would get the records: give a base URL or --otlp-file-dir, or leave --index off out";
            return Err(wrong("otlp-endpoint", "none", expected));
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
            connections: listeners::connections(&raw)?,
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
            awaits_upstream,
            index,
            people: raw.people.as_ref().map(|file| PathBuf::from(file.as_str())),
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

fn clamp(flag: &'static str, setting: Option<&Setting>) -> Result<Clamp, ConfigError> {
    match word(setting) {
        None | Some("auto") => Ok(Clamp::Auto),
        Some("on") => Ok(Clamp::On),
        Some("off") => Ok(Clamp::Off),
        Some(other) => Err(wrong(flag, other, "use auto, on or off")),
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

/// The settings of an index that is off are checked too, so that turning it on is no surprise.
/// By default there is one where there is a spool to fill it from.
fn index(raw: &RawConfig, spool: SpoolKind) -> Result<Option<IndexConfig>, ConfigError> {
    let keep = match word(raw.keep.as_ref()) {
        None => DEFAULT_INDEX_KEEP,
        Some(text) => duration(text)
            .filter(|keep| !keep.is_zero())
            .ok_or_else(|| wrong("keep", text, "use a duration such as 30d"))?,
    };
    let max_bytes = size(
        "index-max-bytes",
        raw.index_max_bytes.as_ref(),
        DEFAULT_INDEX_MAX_BYTES,
    )?;
    let is_on = switch("index", raw.index.as_ref(), spool != SpoolKind::None)?;
    Ok(is_on.then_some(IndexConfig { keep, max_bytes }))
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

#[cfg(test)]
mod tests;
