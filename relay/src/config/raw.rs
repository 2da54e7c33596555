//! Settings as they were written: flags, environment, TOML.

use std::path::Path;
use std::str::FromStr;

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::Error as _;

use super::error::ConfigError;
use super::nearest::nearest;
use super::setting::{Setting, setting};

/// One line each: the field, its flag, its environment variable and its help.
macro_rules! settings {
    ($($(#[doc = $help:literal])+ $field:ident: $flag:literal, $env:literal $([$($more:tt)+])?;)+) => {
        /// What the operator wrote; everything is optional.
        #[derive(Clone, Debug, Default, Deserialize, clap::Args)]
        #[serde(default, deny_unknown_fields)]
        pub struct RawConfig {
            $(
                $(#[doc = $help])+
                #[arg(long = $flag, env = $env, hide_env_values = true, value_parser = setting, global = true $(, $($more)+)?)]
                pub $field: Option<Setting>,
            )+
            /// What `LOGFIRE_ENDPOINT` says; `otlp_endpoint` wins.
            #[arg(skip)]
            #[serde(skip)]
            pub logfire_endpoint: Option<Setting>,
            /// What `LOGFIRE_TOKEN` says; `otlp_token_file` wins.
            #[arg(skip)]
            #[serde(skip)]
            pub logfire_token: Option<SecretString>,
        }

        impl RawConfig {
            /// The TOML keys.
            const KEYS: &[&str] = &[$(stringify!($field)),+];

            /// The environment variables.
            const VARIABLES: &[&str] = &[$($env),+];

            /// The TOML keys, and whether each is set.
            #[cfg(test)]
            fn keys(&self) -> Vec<(&'static str, bool)> {
                vec![$((stringify!($field), self.$field.is_some())),+]
            }

            /// These settings, and where they are silent, those of `other`. An empty one is silent.
            #[must_use]
            pub fn or(self, other: Self) -> Self {
                Self {
                    $($field: self.$field.filter(Setting::is_said).or(other.$field.filter(Setting::is_said)),)+
                    logfire_endpoint: self.logfire_endpoint.filter(Setting::is_said).or(other.logfire_endpoint.filter(Setting::is_said)),
                    logfire_token: self.logfire_token.or(other.logfire_token),
                }
            }
        }
    };
}

settings! {
    /// Ingest and levels [default: 127.0.0.1:8787]
    listen: "listen", "COURIER_LISTEN";
    /// Health, metrics and the admin API [default: 127.0.0.1:8788]
    admin_listen: "admin-listen", "COURIER_ADMIN_LISTEN";
    /// PEM file with the certificate of the ingest listener; without one it speaks plain HTTP
    tls_cert_file: "tls-cert-file", "COURIER_TLS_CERT_FILE";
    /// PEM file with that certificate's key; both are read again on SIGHUP and when they change
    tls_key_file: "tls-key-file", "COURIER_TLS_KEY_FILE";
    /// Plain HTTP on addresses that are not loopback, for use behind a proxy: on or off [default: off]
    allow_plain_http: "allow-plain-http", "COURIER_ALLOW_PLAIN_HTTP" [num_args = 0..=1, require_equals = true, default_missing_value = "on"];
    /// Connections at once [default: 4096]
    max_connections: "max-connections", "COURIER_MAX_CONNECTIONS";
    /// Connections at once from one address that is no trusted proxy; 0 is off [default: a quarter of all]
    max_connections_per_address: "max-connections-per-address", "COURIER_MAX_CONNECTIONS_PER_ADDRESS";
    /// Bearer token of the admin API [default: made in the data directory]
    admin_token_file: "admin-token-file", "COURIER_ADMIN_TOKEN_FILE";
    /// Everything that the relay keeps [default: ./courier-data]
    data_dir: "data-dir", "COURIER_DATA_DIR";
    /// Base URL of an OTLP/HTTP backend; without one records are kept in the spool until there is, and the word none says that there will be none: what is accepted is in the index and in files only
    otlp_endpoint: "otlp-endpoint", "COURIER_OTLP_ENDPOINT";
    /// File with the backend's raw token
    otlp_token_file: "otlp-token-file", "COURIER_OTLP_TOKEN_FILE";
    /// File with an HS256 secret
    jwt_secret_file: "jwt-secret-file", "COURIER_JWT_SECRET_FILE";
    /// Take an HS256 secret under 32 bytes, or one that others can read, for tests only: on or off [default: off]
    allow_weak_secret: "allow-weak-secret", "COURIER_ALLOW_WEAK_SECRET" [num_args = 0..=1, require_equals = true, default_missing_value = "on"];
    /// PEM file with an RS256, ES256 or EdDSA public key
    jwt_public_key_file: "jwt-public-key-file", "COURIER_JWT_PUBLIC_KEY_FILE";
    /// Where public keys are published, by https
    jwks_url: "jwks-url", "COURIER_JWKS_URL";
    /// Required `iss` of a token
    jwt_issuer: "jwt-issuer", "COURIER_JWT_ISSUER";
    /// Required `aud` of a token
    jwt_audience: "jwt-audience", "COURIER_JWT_AUDIENCE";
    /// sqlite, or none to answer only when the backend has [default: sqlite]
    spool: "spool", "COURIER_SPOOL";
    /// Records kept at most, for example 1GiB [default: 1GiB]
    spool_max_bytes: "spool-max-bytes", "COURIER_SPOOL_MAX_BYTES";
    /// Left free on the disk of the data directory, for example 64MiB or 1%; below it batches are refused, 0 is off [default: 1%, at most 64MiB]
    keep_free: "keep-free", "COURIER_KEEP_FREE";
    /// How long what the backend refused for good is kept, for example 90d; 0 is as long as it fits [default: 90d]
    dead_keep: "dead-keep", "COURIER_DEAD_KEEP";
    /// Keep what was accepted, so that a person's records at a time are found: on or off [default: on, but with --spool none]
    index: "index", "COURIER_INDEX";
    /// How long it is kept, by when it came, for example 30d [default: 30d]
    keep: "keep", "COURIER_KEEP";
    /// What of it is on disk at most, for example 10GiB [default: 10GiB]
    index_max_bytes: "index-max-bytes", "COURIER_INDEX_MAX_BYTES";
    /// CSV file of who users are, for find: the columns user, name, phone and site; it is never exported
    people: "people", "COURIER_PEOPLE";
    /// Database of the store [default: SQLite in the data directory]
    database_url: "database-url", "COURIER_DATABASE_URL";
    /// Records a user may send in a minute; 0 is off [default: 6000]
    rate_records_per_minute: "rate-records-per-minute", "COURIER_RATE_RECORDS_PER_MINUTE";
    /// Inflated bytes a user may send in a minute; 0 is off [default: 60000000]
    rate_bytes_per_minute: "rate-bytes-per-minute", "COURIER_RATE_BYTES_PER_MINUTE";
    /// Requests an address may make in a minute; 0 is off [default: 600]
    rate_requests_per_minute: "rate-requests-per-minute", "COURIER_RATE_REQUESTS_PER_MINUTE";
    /// A request's body at most, as sent and inflated [default: 1MiB]
    max_body_bytes: "max-body-bytes", "COURIER_MAX_BODY_BYTES";
    /// A request's records at most [default: 1000]
    max_records: "max-records", "COURIER_MAX_RECORDS";
    /// How often programs ask for their levels, for example 10m [default: 10m]
    level_refresh: "level-refresh", "COURIER_LEVEL_REFRESH";
    /// Redact again what clients send: on or off [default: on]
    sanitize: "sanitize", "COURIER_SANITIZE";
    /// Keep times within what the backend takes: auto (Logfire), on or off [default: auto]
    clamp: "clamp", "COURIER_CLAMP";
    /// Put long texts as Logfire takes them: auto (Logfire), on or off [default: auto]
    limits: "limits", "COURIER_LIMITS";
    /// Send records with an error as log only, or also as span, for backends that build issues from spans [default: log]
    exceptions: "exceptions", "COURIER_EXCEPTIONS";
    /// Records that the backend gets in a second at most; 0 is off [default: 250000]
    export_records_per_second: "export-records-per-second", "COURIER_EXPORT_RECORDS_PER_SECOND";
    /// Directory for files with lines of OTLP JSON, beside the backend or instead of it
    otlp_file_dir: "otlp-file-dir", "COURIER_OTLP_FILE_DIR";
    /// A file that has reached this is done, and another begins [default: 100MiB]
    otlp_file_max_bytes: "otlp-file-max-bytes", "COURIER_OTLP_FILE_MAX_BYTES";
    /// Full files kept; 0 keeps all [default: 0]
    otlp_file_keep: "otlp-file-keep", "COURIER_OTLP_FILE_KEEP";
    /// Base URL of an OTLP/HTTP backend for spans about the relay itself; none sends none
    telemetry_endpoint: "telemetry-endpoint", "COURIER_TELEMETRY_ENDPOINT";
    /// File with that backend's raw token
    telemetry_token_file: "telemetry-token-file", "COURIER_TELEMETRY_TOKEN_FILE";
    /// The web origin that may send
    cors_origin: "cors-origin", "COURIER_CORS_ORIGIN";
    /// Proxies whose X-Forwarded-For counts: addresses or networks (10.0.0.0/8), separated by commas
    trusted_proxy: "trusted-proxy", "COURIER_TRUSTED_PROXY";
    /// What the log on stderr shows, for example info,courier_relay::export=debug; read again from the file on SIGHUP [default: info,courier_relay::ingest=debug]
    log: "log", "COURIER_LOG";
}

impl FromStr for RawConfig {
    type Err = toml::de::Error;

    /// Reads TOML; unknown keys are refused.
    fn from_str(text: &str) -> Result<Self, toml::de::Error> {
        let table: toml::Table = toml::from_str(text)?;
        for (key, value) in &table {
            if let Some(advice) = advice(key, value) {
                return Err(toml::de::Error::custom(advice));
            }
        }
        toml::from_str(text)
    }
}

impl RawConfig {
    /// For a relay inside another program: free loopback ports, development mode, everything in `dir`.
    #[must_use]
    pub fn embedded(dir: &Path) -> Self {
        Self {
            listen: Some(Setting::from("127.0.0.1:0")),
            admin_listen: Some(Setting::from("127.0.0.1:0")),
            data_dir: Some(Setting::from(dir.display())),
            ..Self::default()
        }
    }

    /// Reads a TOML file.
    ///
    /// # Errors
    ///
    /// When it can't be read, is no TOML, or has a key that is no setting.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::File {
            flag: "config",
            path: path.to_owned(),
            source,
        })?;
        text.parse().map_err(|source| ConfigError::Toml {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }
}

impl RawConfig {
    /// Names of variables that are no setting and are not like one either.
    ///
    /// # Errors
    ///
    /// When one of `names` is misspelt: it begins with `COURIER_`, is no setting, and is much like one.
    pub fn check_variables(
        names: impl Iterator<Item = String>,
    ) -> Result<Vec<String>, ConfigError> {
        let known = || Self::VARIABLES.iter().chain(&[CONFIG]).copied();
        let mut foreign = Vec::new();
        for name in names {
            let Some(said) = name.strip_prefix(PREFIX) else {
                continue;
            };
            if known().any(|known| known == name) {
                continue;
            }
            let bare = known().filter_map(|known| known.strip_prefix(PREFIX));
            match nearest(said, bare) {
                Some(meant) => {
                    let meant = format!("{PREFIX}{meant}");
                    return Err(ConfigError::Variable { name, meant });
                }
                None => foreign.push(name),
            }
        }
        Ok(foreign)
    }
}

/// What is to be said about a key of the file, if it is no setting or of a wrong kind.
fn advice(key: &str, value: &toml::Value) -> Option<String> {
    let keys = || RawConfig::KEYS.iter().copied();
    let section = |table: &toml::Table| {
        let inside = table.keys().next()?;
        let meant = nearest(&format!("{key}_{inside}"), keys())?;
        let is_inside = meant.starts_with(&format!("{key}_"));
        is_inside
            .then(|| format!("there are no sections: write `{meant} = …` instead of `[{key}]`"))
    };
    if let toml::Value::Table(table) = value
        && let Some(advice) = section(table)
    {
        return Some(advice);
    }
    if keys().any(|known| known == key) {
        return match value {
            toml::Value::Array(_) if !LISTS.contains(&key) => {
                Some(format!("`{key}` takes one value, not an array"))
            }
            toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => {
                let kind = value.type_str();
                Some(format!(
                    "`{key}` is a {kind}: write a string, a number or a boolean"
                ))
            }
            _ => None,
        };
    }
    Some(match nearest(key, keys()) {
        Some(meant) => format!("`{key}` is no setting: did you mean `{meant}`?"),
        None => format!("`{key}` is no setting; `courier-relay serve --help` lists them"),
    })
}

/// Settings that may be an array.
const LISTS: [&str; 1] = ["trusted_proxy"];

/// Variables of the relay begin with it.
const PREFIX: &str = "COURIER_";

/// The variable that names the file.
const CONFIG: &str = "COURIER_CONFIG";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_sets_for_a_service_of_this_name_is_foreign() {
        let names = [
            "COURIER_SERVICE_HOST",
            "COURIER_PORT",
            "COURIER_PORT_8787_TCP_ADDR",
            "HOME",
        ];
        let foreign = RawConfig::check_variables(names.iter().map(ToString::to_string));
        assert_eq!(foreign.expect("none is misspelt"), names[..3]);
    }

    #[test]
    fn the_commented_file_names_every_setting_and_nothing_else() {
        let text = include_str!("../../dist/relay.toml");
        assert!(
            text.lines()
                .all(|line| line.is_empty() || line.starts_with('#')),
            "as it stands it changes nothing"
        );
        let settings: Vec<&str> = text
            .lines()
            .filter(|line| line.contains(" = "))
            .filter_map(|line| line.strip_prefix('#'))
            .collect();
        let raw: RawConfig = settings
            .join("\n")
            .parse()
            .expect("it is TOML with known keys");
        for (key, is_set) in raw.keys() {
            assert!(is_set, "{key} is missing");
        }
    }
}
