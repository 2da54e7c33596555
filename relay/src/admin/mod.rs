//! The admin listener: health, readiness and metrics for anyone who reaches it, the admin API for its token.

mod asked;
mod audit;
mod dead;
mod export;
mod forget;
mod levels;
mod look;
mod metrics;
mod page;
mod people;
mod records;
mod rights;
mod state;
mod status;
mod tail;
mod timeline;
mod tokens;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use tracing_courier::wire::Receipt;

pub use state::Admin;
pub use tail::MOST_FOLLOWING;

use crate::access::Caller;
use crate::edge::own_form;
use crate::http::ApiError;

/// The routes of the admin listener.
pub fn app(admin: Admin) -> Router {
    let api = Router::new()
        .route("/admin/v1/status", get(status::status))
        .route("/admin/v1/import", post(import))
        .merge(dead::routes())
        .merge(forget::routes())
        .merge(levels::routes())
        .merge(people::routes())
        .merge(records::routes())
        .merge(export::routes())
        .merge(tail::routes())
        .merge(timeline::routes())
        .merge(audit::routes())
        .merge(tokens::routes())
        // Of routes only: a path that is not there is said as that.
        .route_layer(DefaultBodyLimit::max(MAX_IMPORT_BYTES))
        .route_layer(middleware::from_fn_with_state(
            admin.clone(),
            rights::authorize,
        ));
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics::metrics))
        .merge(api)
        .layer(middleware::from_fn(own_form))
        .with_state(admin)
}

/// The process answers: that is all.
async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether a batch that comes now would be taken, and if not, why.
async fn readyz(State(admin): State<Admin>) -> Response {
    match admin.hindrance() {
        None => "ready\n".into_response(),
        Some(why) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("not ready: {why}\n"),
        )
            .into_response(),
    }
}

/// Takes a batch that was carried by hand: it has no subject, and no rate limits it.
async fn import(
    State(admin): State<Admin>,
    caller: Caller,
    body: Bytes,
) -> Result<Json<Receipt>, ApiError> {
    let deed = caller.deed("import", "", format!("{} bytes", body.len()));
    admin.audit.note(deed).await?;
    admin.ingest.import(body).await.map(Json)
}

/// A batch of imported records at most.
const MAX_IMPORT_BYTES: usize = 4 << 20;
