//! The admin listener: health, readiness and metrics for anyone who reaches it, the admin API for its token.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Instant, SystemTime};

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

use crate::edge::{Tls, own_form};
use crate::http::ApiError;
use crate::ingest::Ingest;
use crate::levels;
use crate::metrics::{Exports, Keys, Now};
use crate::spool::{DeadRecord, PAGE, Removal};
use crate::status::{
    DiskStatus, ExportStatus, KeysStatus, LedgerStatus, Listening, Seen, SpoolStatus, Status,
};

/// What the admin listener works with; a cheap handle.
#[derive(Clone)]
pub struct Admin {
    /// The other listener.
    pub ingest: Ingest,
    /// Bytes that the spool may hold.
    pub spool_max_bytes: u64,
    /// The bearer token of the admin API.
    pub token: Arc<SecretBox<[u8]>>,
    /// Where the relay listens.
    pub listening: Listening,
    /// What tokens are checked with.
    pub key_mode: &'static str,
    /// Whether records go to an upstream.
    pub has_upstream: bool,
    /// The ingest listener's certificate.
    pub tls: Option<Arc<Tls>>,
    /// When the relay started.
    pub started: Instant,
}

/// The routes of the admin listener.
pub fn app(admin: Admin) -> Router {
    let api = Router::new()
        .route("/admin/v1/status", get(status))
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

impl Admin {
    /// Why a batch that comes now would be refused, whatever is in it.
    fn hindrance(&self) -> Option<&'static str> {
        let pipeline = self.ingest.pipeline();
        if self.ingest.is_draining() {
            Some("the relay is stopping")
        } else if pipeline.disk.is_low() {
            Some("the disk of the data directory is nearly full")
        } else if pipeline.sink.spool().used_bytes() >= self.spool_max_bytes {
            Some("the spool is full")
        } else {
            None
        }
    }

    fn certificate_seconds(&self) -> Option<f64> {
        Some(self.tls.as_ref()?.seconds_left(SystemTime::now()))
    }

    async fn oldest_seconds(&self) -> f64 {
        let oldest = self.ingest.pipeline().sink.spool().oldest_received().await;
        let age = |received: u64| {
            let nanos = Timestamp::now().as_nanosecond() - i128::from(received);
            i64::try_from(nanos / 1_000_000).map_or(0.0, |millis| millis.max(0) as f64 / 1000.0)
        };
        oldest.ok().flatten().map_or(0.0, age)
    }
}

/// How the relay is, for `courier-relay status`.
async fn status(State(admin): State<Admin>) -> Result<Json<Status>, ApiError> {
    let pipeline = admin.ingest.pipeline();
    let (spool, metrics) = (pipeline.sink.spool(), &pipeline.metrics);
    let depth = spool.depth();
    let ledger = spool.ledger();
    let rules = admin.ingest.levels().list().await.map_err(levels::away)?;
    let exports = spool.depths().into_iter().filter_map(|(consumer, depth)| {
        let name = consumer.name();
        let mut status = match name {
            "export" => export(&metrics.export),
            "spans" => export(&metrics.spans),
            _ => ExportStatus {
                taken: metrics.files.records.get(),
                ..ExportStatus::default()
            },
        };
        // Kept for an upstream that is still to be set.
        if name == "export" && !admin.has_upstream {
            return None;
        }
        status.name = name.to_owned();
        status.waiting = depth.records;
        Some(status)
    });
    let exports: Vec<ExportStatus> = exports.collect();
    let disk = pipeline.disk.space();
    let hindrance = admin.hindrance();
    let keys = admin.ingest.verifier().key_set();
    let seen = Seen {
        hindrance,
        is_disk_nearly_low: disk.is_some_and(|space| space.is_nearly_low()),
        writes: spool.writes(),
        damaged_records: spool.damaged_records(),
        exports: exports.clone(),
        oldest_seconds: admin.oldest_seconds().await,
        keys: keys.clone(),
        certificate_seconds: admin.certificate_seconds(),
    };
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime_seconds: admin.started.elapsed().as_secs(),
        listening: admin.listening.clone(),
        ready: hindrance.is_none(),
        alarms: seen.alarms(),
        spool: SpoolStatus {
            records: depth.records,
            bytes: depth.bytes,
            used_bytes: spool.used_bytes(),
            max_bytes: admin.spool_max_bytes,
            oldest_seconds: seen.oldest_seconds,
            damaged_records: seen.damaged_records,
            failed_writes: spool.writes().failed,
        },
        exports,
        dead_letters: spool.dead_letters(),
        disk: disk.map(|space| DiskStatus {
            free_bytes: space.free,
            size_bytes: space.size,
            keep_free_bytes: space.floor,
            is_low: pipeline.disk.is_low(),
        }),
        keys: KeysStatus {
            mode: admin.key_mode.to_owned(),
            count: keys.as_ref().map_or(1, |set| count(set.keys)),
            age_seconds: keys.and_then(|set| Some(set.age?.as_secs_f64())),
        },
        ledger: LedgerStatus {
            queues: ledger.queues,
            ranges: ledger.ranges,
            bytes: ledger.bytes,
        },
        levels: count(rules.len()),
    }))
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn export(exports: &Exports) -> ExportStatus {
    let last = exports
        .last
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    ExportStatus {
        taken: exports.taken.get(),
        last_seconds: last.as_ref().map(|(_, at)| at.elapsed().as_secs_f64()),
        last_answer: last.map(|(answer, _)| answer),
        alarm: exports.alarm.load(Ordering::Relaxed) == 1,
        ..ExportStatus::default()
    }
}

async fn metrics(State(admin): State<Admin>) -> Response {
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
    let which = removal
        .which()
        .map_err(|not_which| ApiError::NotARule(not_which.to_string()))?;
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
