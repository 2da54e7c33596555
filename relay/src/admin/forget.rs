//! `POST /admin/v1/forget`: erases a person from what the relay keeps.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};

use super::state::Admin;
use crate::erase::{EraseError, Forgotten, Request};
use crate::http::ApiError;
use crate::text::chain;

/// The route; requests come here only with the admin API's token.
pub fn routes() -> Router<Admin> {
    Router::new().route("/admin/v1/forget", post(forget))
}

/// Erases whom the body names. The reason may stand in the body or in `X-Audit-Why`.
async fn forget(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Json(mut request): Json<Request>,
) -> Result<Json<Forgotten>, ApiError> {
    if request.why.is_empty()
        && let Some(why) = headers.get("x-audit-why").and_then(|why| why.to_str().ok())
    {
        request.why = why.to_owned();
    }
    let eraser = admin.eraser.clone();
    // Once begun it goes on, although whoever asked goes away.
    let forgetting = tokio::spawn(async move { eraser.forget(&request).await });
    let forgotten = forgetting.await.map_err(|ended| {
        tracing::error!(error = %ended, "an erasure ended unexpectedly");
        ApiError::Unavailable("the erasure is not finished: ask again")
    })?;
    forgotten.map(Json).map_err(|error| match error {
        EraseError::Request(error) => ApiError::NotARule(error.to_string()),
        error => {
            tracing::error!(error = chain(&error), "an erasure is not finished");
            ApiError::Unavailable(
                "the erasure is not finished: ask again; the relay's log says why",
            )
        }
    })
}
