//! `GET /admin/v1/audit`: who did what, to whom, when and why.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::{Json, Router, routing::get};
use serde::Deserialize;

use super::state::Admin;
use crate::access::{Listing, Page};
use crate::http::ApiError;

/// The route; requests come here only with the admin API's token.
pub fn routes() -> Router<Admin> {
    Router::new().route("/admin/v1/audit", get(audit))
}

/// Which entries.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    cursor: Option<String>,
    limit: Option<u32>,
    who: Option<String>,
    subject: Option<String>,
}

async fn audit(
    State(admin): State<Admin>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Listing>, ApiError> {
    let Query(asked) = asked.map_err(|error| ApiError::NotAQuestion(error.body_text()))?;
    let limit = asked.limit.unwrap_or(Page::DEFAULT);
    if !(1..=Page::MAX).contains(&limit) {
        let said = format!("limit: give 1 to {}, not {limit}", Page::MAX);
        return Err(ApiError::NotAQuestion(said));
    }
    let mut page = Page {
        limit,
        who: asked.who,
        subject: asked.subject,
        ..Page::default()
    };
    if let Some(cursor) = asked.cursor {
        let none = || ApiError::NotAQuestion(format!("`{cursor:.64}` is no cursor of the audit"));
        page = page.at(&cursor).ok_or_else(none)?;
    }
    Ok(Json(admin.audit.entries(&page).await?))
}
