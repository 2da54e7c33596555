//! `/admin/v1/levels`: support sets, lists and removes rules for levels.

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::routing::{delete, get};
use axum::{Json, Router};
use bytes::Bytes;
use url::form_urlencoded;

use super::state::Admin;
use crate::http::ApiError;
use crate::levels::{ChangeError, Deed, Draft, Outcome, Rule, StoreError, authored};
use crate::text::chain;

/// The routes; requests come here only with the admin API's token.
pub fn routes() -> Router<Admin> {
    Router::new()
        .route("/admin/v1/levels", get(list).post(set))
        .route("/admin/v1/levels/audit", get(audit))
        .route("/admin/v1/levels/{id}", delete(remove))
}

async fn list(State(admin): State<Admin>) -> Result<Json<Vec<Rule>>, ApiError> {
    Ok(Json(admin.ingest.levels().list().await.map_err(away)?))
}

async fn audit(State(admin): State<Admin>) -> Result<Json<Vec<Deed>>, ApiError> {
    Ok(Json(admin.ingest.levels().deeds().await.map_err(away)?))
}

async fn set(
    State(admin): State<Admin>,
    body: Bytes,
) -> Result<(StatusCode, Json<Outcome>), ApiError> {
    let draft: Draft = serde_json::from_slice(&body)
        .map_err(|error| ApiError::NotARule(format!("no rule: {error}")))?;
    match admin.ingest.levels().set(draft, ADMIN).await {
        Ok(outcome) => Ok((StatusCode::CREATED, Json(outcome))),
        Err(ChangeError::Rule(error)) => Err(ApiError::NotARule(error.to_string())),
        Err(ChangeError::Store(error)) => Err(away(error)),
    }
}

async fn remove(
    State(admin): State<Admin>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Rule>, ApiError> {
    let query = query.unwrap_or_default();
    let author = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "author")
        .map(|(_, author)| author.chars().take(256).collect::<String>())
        .unwrap_or_default();
    let removed = match id.parse() {
        Ok(id) => admin
            .ingest
            .levels()
            .remove(id, &authored(ADMIN, &author))
            .await
            .map_err(away)?,
        Err(_) => None,
    };
    removed.map(Json).ok_or(ApiError::NoSuchRule(id))
}

/// Whose token the admin API's is: the only name there is until tokens have names of their own.
const ADMIN: &str = "admin";

/// The store can't be used: the cause goes into the log, the client gets a 503.
pub fn away(error: StoreError) -> ApiError {
    tracing::error!(error = %chain(&error), "the store can't be used");
    ApiError::Unavailable("the store is away")
}
