//! `/admin/v1/tokens`: named tokens are made, listed and removed.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get};
use axum::{Json, Router};
use bytes::Bytes;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::levels::away;
use super::state::Admin;
use crate::access::{Caller, ChangeError, NamedToken, NewToken, Role, TokenError};
use crate::http::ApiError;

/// The routes; requests come here only with the admin API's token.
pub fn routes() -> Router<Admin> {
    Router::new()
        .route("/admin/v1/tokens", get(list).post(make))
        .route("/admin/v1/tokens/{name}", delete(remove))
}

/// A token to be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    name: String,
    role: String,
}

async fn list(State(admin): State<Admin>) -> Result<Json<Vec<NamedToken>>, ApiError> {
    Ok(Json(admin.access.tokens.list().await.map_err(away)?))
}

async fn make(
    State(admin): State<Admin>,
    caller: Caller,
    body: Bytes,
) -> Result<(StatusCode, Json<NewToken>), ApiError> {
    let draft: Draft = serde_json::from_slice(&body)
        .map_err(|error| ApiError::NotARule(format!("no token: {error}")))?;
    let role: Role = draft.role.parse().map_err(refused)?;
    let (who, why) = (caller.name.clone(), caller.why);
    let made = admin.access.make_token(who, why, &draft.name, role).await;
    let made = made.map_err(not_changed)?;
    tracing::info!(name = draft.name, %role, by = %caller.name, "token made");
    Ok((
        StatusCode::CREATED,
        Json(NewToken {
            token: made.token,
            text: made.text.expose_secret().to_owned(),
        }),
    ))
}

async fn remove(
    State(admin): State<Admin>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<NamedToken>, ApiError> {
    let none = || ApiError::NotThere(format!("there is no token named `{name:.64}`"));
    let (who, why) = (caller.name.clone(), caller.why);
    let removed = admin.access.remove_token(who, why, &name).await;
    let removed = removed.map_err(not_changed)?.ok_or_else(none)?;
    tracing::info!(name, by = %caller.name, "token removed");
    Ok(Json(removed))
}

fn not_changed(error: ChangeError) -> ApiError {
    match error {
        ChangeError::Audit(error) => error.into(),
        ChangeError::Token(TokenError::Store(error)) => away(error),
        ChangeError::Token(error @ TokenError::Name(_)) => refused(error),
        ChangeError::Token(error) => ApiError::Taken(error.to_string()),
    }
}

fn refused(error: impl std::fmt::Display) -> ApiError {
    ApiError::NotARule(error.to_string())
}
