//! The admin listener: health, readiness and metrics for anyone who reaches it, the admin API for its token.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretBox};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tracing_courier::sanitize::{Counts, Sanitizer};
use tracing_courier::wire::Receipt;

use crate::dead::{DeadError, DeadRecord, Removal};
use crate::edge::own_form;
use crate::error::ApiError;
use crate::ingest::Ingest;
use crate::levels;
use crate::metrics::{Keys, Now};
use crate::spool::PAGE;

/// What the admin listener works with; a cheap handle.
#[derive(Clone)]
pub struct Admin {
    /// The other listener.
    pub ingest: Ingest,
    /// Bytes that the spool may hold.
    pub spool_max_bytes: u64,
    /// The bearer token of the admin API.
    pub token: Arc<SecretBox<[u8]>>,
}

/// The routes of the admin listener.
pub fn app(admin: Admin) -> Router {
    let api = Router::new()
        .route("/admin/v1/import", post(import))
        .route("/admin/v1/dead", get(dead))
        .route("/admin/v1/dead/replay", post(replay))
        .route("/admin/v1/dead/rm", post(remove))
        .merge(levels::admin())
        // Of routes only: a path that is not there is said as that.
        .route_layer(DefaultBodyLimit::max(MAX_IMPORT_BYTES))
        .route_layer(middleware::from_fn_with_state(admin.clone(), authorize));
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .merge(api)
        .layer(middleware::from_fn(own_form))
        .with_state(admin)
}

/// The process answers: that is all.
async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether a batch that comes now would be taken; nothing about why not.
async fn readyz(State(admin): State<Admin>) -> Response {
    let is_full = admin.ingest.pipeline().sink.spool().used_bytes() >= admin.spool_max_bytes;
    if is_full || admin.ingest.is_draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response();
    }
    "ready\n".into_response()
}

async fn metrics(State(admin): State<Admin>) -> Response {
    let pipeline = admin.ingest.pipeline();
    let spool = pipeline.sink.spool();
    let depth = spool.depth();
    let oldest = spool.oldest_received().await.ok().flatten();
    let age = |received: u64| {
        let nanos = Timestamp::now().as_nanosecond() - i128::from(received);
        i64::try_from(nanos / 1_000_000).map_or(0.0, |millis| millis.max(0) as f64 / 1000.0)
    };
    let counts = pipeline.sanitizer.as_ref().map(Sanitizer::counts);
    let redactions = counts.map(Counts::by_rule).unwrap_or_default();
    let keys = admin.ingest.verifier().key_set();
    let now = Now {
        keys: keys.map(|keys| Keys {
            count: keys.keys,
            age_seconds: keys.age.map(|age| age.as_secs_f64()),
            failures: keys.failures,
        }),
        spool_records: depth.records,
        spool_bytes: depth.bytes,
        spool_max_bytes: admin.spool_max_bytes,
        oldest_seconds: oldest.map_or(0.0, age),
        damaged_records: spool.damaged_records(),
        damaged_frames: spool.damaged_frames(),
        dead: spool.dead(),
        spool_used_bytes: spool.used_bytes(),
        ledger: spool.ledger(),
        writes: spool.writes(),
        waiting: spool
            .depths()
            .into_iter()
            .map(|(consumer, depth)| (consumer.name(), depth.records))
            .collect(),
        sanitized_bytes: counts.map_or(0, Counts::scanned_bytes),
        sanitize_truncated: counts.map_or(0, Counts::truncated),
        sanitize_failed_closed: counts.map_or(0, Counts::failed_closed),
    };
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4")],
        pipeline.metrics.render(&now, &redactions),
    )
        .into_response()
}

/// Takes a batch that was carried by hand: of nobody, and not limited.
async fn import(State(admin): State<Admin>, body: Bytes) -> Result<Json<Receipt>, ApiError> {
    admin.ingest.import(body).await.map(Json)
}

/// Which page of dead letters.
#[derive(Deserialize)]
struct Page {
    /// Those behind this number.
    #[serde(default)]
    after: i64,
    /// So many at most.
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
    Json(ids): Json<Vec<i64>>,
) -> Result<Json<u64>, ApiError> {
    Ok(Json(
        admin.ingest.pipeline().sink.spool().replay(ids).await?,
    ))
}

/// Removes dead letters for good.
async fn remove(
    State(admin): State<Admin>,
    Json(removal): Json<Removal>,
) -> Result<Json<u64>, ApiError> {
    let Some(which) = removal.which() else {
        return Err(ApiError::NotARule(DeadError::Which.to_string()));
    };
    let removed = admin.ingest.pipeline().sink.spool().remove(which).await?;
    Ok(Json(removed))
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
