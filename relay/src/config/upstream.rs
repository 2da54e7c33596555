//! The OTLP backends: for records, and for spans about the relay itself.

use secrecy::ExposeSecret;

use super::checked::UpstreamConfig;
use super::error::ConfigError;
use super::raw::RawConfig;
use super::value::{base_url, check_token, file, into_text, word};

/// Where records go: as `--otlp-endpoint` says, else to the Logfire region of the token.
pub(super) fn upstream(raw: &RawConfig) -> Result<Option<UpstreamConfig>, ConfigError> {
    let token = match file("otlp-token-file", raw.otlp_token_file.as_ref())? {
        Some(token) => Some(into_text(token)),
        None => raw.logfire_token.clone(),
    };
    check_token("otlp-token-file", token.as_ref())?;
    let said = raw.otlp_endpoint.as_ref().or(raw.logfire_endpoint.as_ref());
    let endpoint = match (word(said), &raw.logfire_token) {
        (Some("none"), _) => return Ok(None),
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
pub(super) fn logfire_endpoint(token: &str) -> String {
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

/// Where spans about the relay go.
pub(super) fn telemetry(raw: &RawConfig) -> Result<Option<UpstreamConfig>, ConfigError> {
    let Some(text) = word(raw.telemetry_endpoint.as_ref()) else {
        return Ok(None);
    };
    let token = file("telemetry-token-file", raw.telemetry_token_file.as_ref())?.map(into_text);
    check_token("telemetry-token-file", token.as_ref())?;
    let endpoint = base_url("telemetry-endpoint", text)?;
    Ok(Some(UpstreamConfig { endpoint, token }))
}
