//! `/admin/v1/levels`: support sets, lists and removes rules for levels.

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::routing::{delete, get};
use axum::{Json, Router};
use bytes::Bytes;
use jiff::Timestamp;
use url::form_urlencoded;

use super::state::Admin;
use crate::access::Caller;
use crate::http::ApiError;
use crate::levels::{
    ChangeError, Deed, Draft, Outcome, Rule, RuleError, StoreError, authored, removal,
};
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
    caller: Caller,
    body: Bytes,
) -> Result<(StatusCode, Json<Outcome>), ApiError> {
    let draft: Draft = serde_json::from_slice(&body)
        .map_err(|error| ApiError::NotARule(format!("no rule: {error}")))?;
    let not_a_rule = |error: RuleError| ApiError::NotARule(error.to_string());
    let checked = draft.clone().check(Timestamp::now()).map_err(not_a_rule)?;
    let mut deed = caller.deed("level.set", checked.whom.query(), checked.rules.to_string());
    if deed.why.is_empty() {
        deed.why = checked.why.into();
    }
    admin.audit.note(deed).await?;
    match admin.ingest.levels().set(draft, &caller.name).await {
        Ok(outcome) => Ok((StatusCode::CREATED, Json(outcome))),
        Err(ChangeError::Rule(error)) => Err(not_a_rule(error)),
        Err(ChangeError::Store(error)) => Err(away(error)),
    }
}

async fn remove(
    State(admin): State<Admin>,
    caller: Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Rule>, ApiError> {
    let query = query.unwrap_or_default();
    let said = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "author")
        .map(|(_, author)| author.chars().take(256).collect::<String>())
        .unwrap_or_default();
    let levels = admin.ingest.levels();
    let rules = levels.list().await.map_err(away)?;
    let rule = rules.into_iter().find(|rule| Ok(rule.id) == id.parse());
    let Some(rule) = rule else {
        return Err(ApiError::NoSuchRule(id));
    };
    let what = removal(rule.id, &said);
    let deed = caller.deed("level.removed", rule.whom.query(), what);
    admin.audit.note(deed).await?;
    let author = authored(&caller.name, &said);
    let removed = levels.remove(rule.id, &author).await.map_err(away)?;
    removed.map(Json).ok_or(ApiError::NoSuchRule(id))
}

/// The store can't be used: the cause goes into the log, the client gets a 503.
pub fn away(error: StoreError) -> ApiError {
    tracing::error!(error = %chain(&error), "the store can't be used");
    ApiError::Unavailable("the store is away")
}
