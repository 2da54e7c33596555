//! Which levels a program should log at, as the relay says.
//!
//! For now the same for everyone; rules come later.

use axum::Json;
use axum::extract::State;
use axum::http::header::{ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tracing_courier::Level;

use crate::fingerprint::hex;
use crate::ingest::Ingest;

/// The body of `GET /api/v1/config/logging`.
#[derive(Clone, Debug, Serialize)]
pub struct LevelConfig {
    min_level: Level,
    modules: std::collections::BTreeMap<String, Level>,
    expires_at: Option<String>,
    refresh_seconds: u32,
}

impl Default for LevelConfig {
    fn default() -> Self {
        Self {
            min_level: Level::Info,
            modules: Default::default(),
            expires_at: None,
            refresh_seconds: REFRESH_SECONDS,
        }
    }
}

/// Levels with the tag that names them.
#[derive(Clone, Debug)]
pub struct Levels {
    config: LevelConfig,
    etag: HeaderValue,
}

impl Default for Levels {
    fn default() -> Self {
        let config = LevelConfig::default();
        let json = serde_json::to_string(&config).unwrap_or_default();
        let hash: String = hex(&<sha2::Sha256 as sha2::Digest>::digest(json))
            .chars()
            .take(16)
            .collect();
        let etag = HeaderValue::from_str(&format!("\"{hash}\""))
            .unwrap_or_else(|_| HeaderValue::from_static("\"0\""));
        Self { config, etag }
    }
}

impl Levels {
    /// The tag, as `ETag` and `Courier-Config` carry it.
    #[must_use]
    pub fn etag(&self) -> HeaderValue {
        self.etag.clone()
    }
}

/// Answers with the levels, or with 304 when the client has them.
pub async fn get_logging(State(ingest): State<Ingest>, headers: HeaderMap) -> Response {
    let levels = ingest.levels();
    let tags = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|tags| tags.to_str().ok());
    let has_it = tags.flat_map(|tags| tags.split(',')).any(|tag| {
        let tag = tag.trim().trim_start_matches("W/");
        tag == "*" || tag.as_bytes() == levels.etag.as_bytes()
    });
    let etag = [(ETAG, levels.etag())];
    if has_it {
        (StatusCode::NOT_MODIFIED, etag).into_response()
    } else {
        (etag, Json(levels.config.clone())).into_response()
    }
}

/// How often a program asks: ten minutes.
const REFRESH_SECONDS: u32 = 600;
