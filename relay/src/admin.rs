//! The admin listener: health, readiness, metrics.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;

use crate::ingest::Ingest;
use crate::metrics::Now;

/// What the admin listener works with; a cheap handle.
#[derive(Clone)]
pub struct Admin {
    /// The other listener.
    pub ingest: Ingest,
    /// Bytes that the spool may hold.
    pub spool_max_bytes: u64,
}

/// The routes of the admin listener.
pub fn app(admin: Admin) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(admin)
}

/// The process answers: that is all.
async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether a batch that comes now would be taken; nothing about why not.
async fn readyz(State(admin): State<Admin>) -> Response {
    let is_full = admin.ingest.pipeline().sink.spool().depth().bytes >= admin.spool_max_bytes;
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
    let now = Now {
        spool_records: depth.records,
        spool_bytes: depth.bytes,
        spool_max_bytes: admin.spool_max_bytes,
        oldest_seconds: oldest.map_or(0.0, age),
        dead_letters: spool.dead_letters(),
    };
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4")],
        pipeline.metrics.render(&now),
    )
        .into_response()
}
