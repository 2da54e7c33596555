//! What one setting says: its form is checked here, and what is wrong with it named.

use std::fs;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::error::{ConfigError, MIN_SECRET_BYTES};
use super::setting::Setting;

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

pub(super) fn word(setting: Option<&Setting>) -> Option<&str> {
    setting.map(Setting::as_str)
}

pub(super) fn wrong(flag: &'static str, value: &str, expected: &'static str) -> ConfigError {
    ConfigError::Value {
        flag,
        value: value.to_owned(),
        expected,
    }
}

pub(super) fn address(
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

pub(super) fn size(
    flag: &'static str,
    setting: Option<&Setting>,
    default: u64,
) -> Result<u64, ConfigError> {
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

pub(super) fn rate(
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

pub(super) fn switch(
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

pub(super) fn file(
    flag: &'static str,
    setting: Option<&Setting>,
) -> Result<Option<Vec<u8>>, ConfigError> {
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

/// Whether an HS256 secret of so many bytes, in the setting's file, can be guessed or read by others.
pub(super) fn strong(
    flag: &'static str,
    setting: Option<&Setting>,
    bytes: usize,
) -> Result<(), ConfigError> {
    let path = PathBuf::from(setting.map_or("", Setting::as_str));
    if bytes < MIN_SECRET_BYTES {
        return Err(ConfigError::ShortSecret { flag, path, bytes });
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let file = match fs::metadata(&path) {
            Ok(file) => file,
            Err(source) => return Err(ConfigError::File { flag, path, source }),
        };
        // Of somebody else's file a group may have been let in on purpose, which is then our way in: so does systemd's
        // `LoadCredential`, whose access list shows as the group's rights.
        let is_ours = file.uid() == rustix::process::geteuid().as_raw();
        let others = if is_ours { 0o077 } else { 0o027 };
        if file.mode() & others != 0 {
            return Err(ConfigError::OpenSecret { flag, path });
        }
    }
    Ok(())
}

pub(super) fn into_text(bytes: Vec<u8>) -> SecretString {
    SecretString::from(String::from_utf8_lossy(&bytes).trim().to_owned())
}

/// A backend's base URL. It is not repeated in errors, since a password may stand in it.
pub(super) fn base_url(flag: &'static str, text: &str) -> Result<Url, ConfigError> {
    let refuse = |expected| wrong(flag, "…", expected);
    let endpoint =
        Url::parse(text).map_err(|_| refuse("use a URL, for example https://otlp.example"))?;
    if !matches!(endpoint.scheme(), "http" | "https") || endpoint.host().is_none() {
        return Err(refuse("use an http or https URL"));
    }
    if !endpoint.username().is_empty() || endpoint.password().is_some() {
        return Err(refuse(
            "a URL must not carry credentials; put the token into a file of its own",
        ));
    }
    if endpoint.query().is_some() || endpoint.fragment().is_some() {
        return Err(refuse("give the base URL, without a query or fragment"));
    }
    let path = endpoint.path().trim_end_matches('/');
    if path.ends_with("/v1/logs") || path.ends_with("/v1/traces") {
        return Err(refuse("give the base URL; /v1/logs is put behind it"));
    }
    Ok(endpoint)
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

pub(super) fn check_token(
    flag: &'static str,
    token: Option<&SecretString>,
) -> Result<(), ConfigError> {
    let is_fit = token.is_none_or(|token| {
        let token = token.expose_secret();
        !token.is_empty() && token.bytes().all(|byte| (0x20..0x7f).contains(&byte))
    });
    if is_fit {
        Ok(())
    } else {
        Err(wrong(flag, "…", "a token is one line of visible ASCII"))
    }
}
