//! `GET /api/v1/config/logging`: a program asks for its levels.

use axum::extract::{RawQuery, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;

use super::handle::Ingest;
use crate::http::ApiError;
use crate::identity::TokenError;

/// Answers with the levels, or with 304 when the program has them.
pub async fn get_logging(
    State(ingest): State<Ingest>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let said = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
    let subject = match ingest.verifier().identify(said).await {
        Ok(who) => Some(who.subject),
        // Whoever asks under a good token should not be told for a while what strangers are told.
        Err(error @ TokenError::KeysAway(_)) => return Err(error.into()),
        Err(_) => None,
    };
    let query = query.unwrap_or_default();
    Ok(ingest.levels().answer(&query, subject.as_deref(), &headers))
}
