//! `/admin/v1/dead`: an operator lists, replays and removes dead letters.

use axum::extract::{Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;

use super::state::Admin;
use crate::access::Caller;
use crate::http::ApiError;
use crate::spool::{DeadRecord, PAGE, Removal, by_number};

/// The routes; requests come here only with the admin API's token.
pub fn routes() -> Router<Admin> {
    Router::new()
        .route("/admin/v1/dead", get(dead))
        .route("/admin/v1/dead/replay", post(replay))
        .route("/admin/v1/dead/rm", post(remove))
}

/// Which page of dead letters.
#[derive(Deserialize)]
struct Page {
    /// Dead letters with a higher number than this.
    #[serde(default)]
    after: i64,
    /// How many at most.
    #[serde(default = "whole_page")]
    limit: u64,
}

fn whole_page() -> u64 {
    PAGE
}

/// Lists dead letters, a page of them.
async fn dead(
    State(admin): State<Admin>,
    Query(page): Query<Page>,
) -> Result<Json<Vec<DeadRecord>>, ApiError> {
    let spool = admin.ingest.pipeline().sink.spool();
    let letters = spool.letters(page.after, page.limit).await;
    let letters = letters.map_err(|error| {
        tracing::error!(error = %error, "the dead letters can't be read");
        ApiError::Unavailable("the spool is away")
    })?;
    Ok(Json(letters.iter().map(DeadRecord::from).collect()))
}

/// Puts dead letters back into the spool, those of the ids or all.
async fn replay(
    State(admin): State<Admin>,
    caller: Caller,
    Json(ids): Json<Vec<i64>>,
) -> Result<Json<u64>, ApiError> {
    let which = if ids.is_empty() {
        "all".to_owned()
    } else {
        by_number(&ids)
    };
    let deed = caller.deed("dead.replayed", "", which);
    admin.audit.note(deed).await?;
    Ok(Json(
        admin.ingest.pipeline().sink.spool().replay(ids).await?,
    ))
}

/// Removes dead letters for good.
async fn remove(
    State(admin): State<Admin>,
    caller: Caller,
    Json(removal): Json<Removal>,
) -> Result<Json<u64>, ApiError> {
    let said = removal.to_string();
    let which = removal
        .which()
        .map_err(|not_which| ApiError::NotARule(not_which.to_string()))?;
    admin
        .audit
        .note(caller.deed("dead.removed", "", said))
        .await?;
    let removed = admin.ingest.pipeline().sink.spool().remove(which).await?;
    Ok(Json(removed))
}
