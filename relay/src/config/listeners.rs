//! The two listeners: where they are, who may reach them without TLS, and how many may.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use super::checked::{Connections, TlsConfig};
use super::defaults::{DEFAULT_ADMIN_LISTEN, DEFAULT_LISTEN, DEFAULT_MAX_CONNECTIONS};
use super::error::ConfigError;
use super::raw::RawConfig;
use super::setting::Setting;
use super::value::{address, switch, word, wrong};

/// The listeners' settings.
pub(super) struct Listeners {
    pub listen: SocketAddr,
    pub admin_listen: SocketAddr,
    pub tls: Option<TlsConfig>,
}

/// The addresses of the ingest and of the admin listener.
pub(super) fn addresses(raw: &RawConfig) -> Result<(SocketAddr, SocketAddr), ConfigError> {
    let ingest = address("listen", raw.listen.as_ref(), DEFAULT_LISTEN)?;
    let admin = address(
        "admin-listen",
        raw.admin_listen.as_ref(),
        DEFAULT_ADMIN_LISTEN,
    )?;
    Ok((ingest, admin))
}

/// What the listeners need. Without a key they are for this machine only, and so they are without TLS unless
/// `--allow-plain-http` says otherwise.
pub(super) fn listeners(
    raw: &RawConfig,
    (listen, admin_listen): (SocketAddr, SocketAddr),
    is_development: bool,
) -> Result<Listeners, ConfigError> {
    for (flag, address) in [("listen", listen), ("admin-listen", admin_listen)] {
        if is_development && !address.ip().is_loopback() {
            return Err(ConfigError::NotLoopback { flag, address });
        }
    }
    let tls = tls(raw)?;
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
    Ok(Listeners {
        listen,
        admin_listen,
        tls,
    })
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

/// How many connections there may be.
pub(super) fn connections(raw: &RawConfig) -> Result<Connections, ConfigError> {
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

/// More than any system has open files for.
const MAX_CONNECTIONS: u32 = 1_000_000;
