//! The key that tokens are checked with.

use url::Url;

use super::checked::KeyConfig;
use super::error::ConfigError;
use super::raw::RawConfig;
use super::value::{file, is_loopback, strong, switch, word, wrong};

/// The one key that is given; without one it is development mode.
pub(super) fn key(raw: &RawConfig) -> Result<KeyConfig, ConfigError> {
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
