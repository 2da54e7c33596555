//! The admin listener: health, readiness and metrics for anyone who reaches it, the admin API for its token.

mod asked;
mod dead;
mod forget;
mod levels;
mod metrics;
mod page;
mod people;
mod records;
mod state;
mod status;
mod timeline;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use tracing_courier::wire::Receipt;

pub use state::Admin;

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
        .merge(timeline::routes())
        // Of routes only: a path that is not there is said as that.
        .route_layer(DefaultBodyLimit::max(MAX_IMPORT_BYTES))
        .route_layer(middleware::from_fn_with_state(admin.clone(), authorize));
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
async fn import(State(admin): State<Admin>, body: Bytes) -> Result<Json<Receipt>, ApiError> {
    admin.ingest.import(body).await.map(Json)
}

/// Compares hashes, so that the time it takes says nothing about the token.
async fn authorize(State(admin): State<Admin>, request: Request, next: Next) -> Response {
    let said = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let is_good = said
        .is_some_and(|said| Sha256::digest(said) == Sha256::digest(admin.token.expose_secret()));
    if is_good {
        next.run(request).await
    } else {
        ApiError::Unauthorized.into_response()
    }
}

/// A batch of imported records at most.
const MAX_IMPORT_BYTES: usize = 4 << 20;
