//! `GET /metrics`: what Prometheus reads.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use tracing_courier::sanitize::{Counts, Sanitizer};

use super::state::Admin;
use crate::metrics::{IndexNow, Keys, Now, Scrape};

/// The counters, and what is true at this moment.
pub async fn metrics(State(admin): State<Admin>) -> Response {
    let pipeline = admin.ingest.pipeline();
    let spool = pipeline.sink.spool();
    let depth = spool.depth();
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
        oldest_seconds: admin.oldest_seconds().await,
        disk: pipeline.disk.space(),
        index: index(&admin).await,
        certificate_seconds: admin.certificate_seconds(),
        is_ready: admin.hindrance().is_none(),
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
    let scrape = Scrape {
        metrics: Arc::clone(&pipeline.metrics),
        now,
        redactions,
    };
    ([(CONTENT_TYPE, Scrape::CONTENT_TYPE)], scrape.render()).into_response()
}

async fn index(admin: &Admin) -> Option<IndexNow> {
    let index = admin.index.as_deref()?;
    let now = Timestamp::now().as_millisecond();
    let lag = now.saturating_sub(index.indexed_until(now).await);
    let size = index.size();
    Some(IndexNow {
        records: size.records,
        segments: size.segments,
        bytes: size.bytes,
        lag_seconds: Duration::from_millis(lag.unsigned_abs()).as_secs_f64(),
        skipped: index.counts.skipped.load(Ordering::Relaxed),
        missing: size.missing,
        unreadable: size.unreadable,
        is_failing: index.counts.is_failing.load(Ordering::Relaxed),
    })
}
