//! `POST /admin/v1/forget`: erases a person from what the relay keeps.

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};

use super::state::Admin;
use crate::access::Caller;
use crate::erase::{EraseError, Forgotten, Request};
use crate::http::ApiError;
use crate::text::chain;

/// The route; requests come here only with a token whose role is admin.
pub fn routes() -> Router<Admin> {
    Router::new().route("/admin/v1/forget", post(forget))
}

/// Erases whom the body names. The reason may stand in the body or in `X-Audit-Why`.
async fn forget(
    State(admin): State<Admin>,
    caller: Caller,
    Json(mut request): Json<Request>,
) -> Result<Json<Forgotten>, ApiError> {
    if request.why.is_empty() {
        request.why = caller.why.to_string();
    }
    let eraser = admin.eraser.clone();
    // Once begun it goes on, although whoever asked goes away.
    let forgetting = tokio::spawn(async move { eraser.forget(&request, &caller.name).await });
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
