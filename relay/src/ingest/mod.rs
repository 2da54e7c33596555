//! `POST /api/v1/logs`: from a request to a receipt.

mod body;
mod convert;
mod sampled;
mod sink;
mod turns;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER,
};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tower::util::option_layer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tracing_courier::sanitize::Sanitizer;
use tracing_courier::wire::Receipt;

pub use convert::{Converted, NotABatch, NotUnpacked, convert, unpack};
use sampled::Sampled;
pub use sink::Sink;
use turns::{Turn, Turns};

use crate::disk::Disk;
use crate::edge::own_form;
use crate::export::{MAX_EXCEPTION_BYTES, MAX_MESSAGE_BYTES};
use crate::http::ApiError;
use crate::identity::{Identity, Verifier};
use crate::levels::{self, Levels, Origin};
use crate::limit::{Held, Limits};
use crate::map::{self, Arrival};
use crate::metrics::Metrics;
use crate::redact::Redaction;
use crate::spool::{Frame, Named, Offer, Packed, Traits, Verdict};
use crate::telemetry;
use crate::wire::{self, Batch, Record};

/// What the ingest listener works with; a cheap handle.
#[derive(Clone)]
pub struct Ingest(Arc<Inner>);

struct Inner {
    verifier: Verifier,
    pipeline: Pipeline,
    limits: Limits,
    levels: Levels,
    max_body_bytes: usize,
    turns: Turns,
    is_draining: AtomicBool,
    refusals: Sampled,
}

impl Ingest {
    /// A listener's state.
    #[must_use]
    pub fn new(
        verifier: Verifier,
        pipeline: Pipeline,
        limits: Limits,
        levels: Levels,
        max_body_bytes: usize,
    ) -> Self {
        Self(Arc::new(Inner {
            verifier,
            pipeline,
            limits,
            levels,
            max_body_bytes,
            turns: Turns::new(),
            is_draining: AtomicBool::new(false),
            refusals: Sampled::default(),
        }))
    }

    /// The levels in force.
    #[must_use]
    pub fn levels(&self) -> &Levels {
        &self.0.levels
    }

    /// Who knows whose token it is.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    /// From now on every batch is answered with 503.
    pub fn drain(&self) {
        self.0.is_draining.store(true, Ordering::Release);
    }

    /// Whether it drains.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.is_draining.load(Ordering::Acquire)
    }

    /// The pipeline behind it.
    #[must_use]
    pub fn pipeline(&self) -> &Pipeline {
        &self.0.pipeline
    }

    /// Works on a body that has come in: a small one here, a large one where nobody waits for the thread. The room that
    /// it had on its way is free once it has room to be worked on.
    async fn work(
        &self,
        subject: &str,
        packed: body::Received,
        on_its_way: Held,
    ) -> Result<(Receipt, Origin), ApiError> {
        let Inner {
            limits,
            max_body_bytes,
            turns,
            ..
        } = &*self.0;
        let most = packed.most_bytes(*max_body_bytes);
        let mut room = limits.work(most.min(SMALL_BYTES)).await?;
        if let Some(body) = packed.unpack_small(SMALL_BYTES)? {
            drop(on_its_way);
            room.shrink_to(body.len());
            return self.keep(subject, &body, &mut Turn::default()).await;
        }
        drop(room);
        let (ingest, subject) = (self.clone(), subject.to_owned());
        let large = move |mut turn: Turn| async move {
            let inner = &*ingest.0;
            let mut room = inner.limits.work(most).await?;
            drop(on_its_way);
            let body = packed.unpack(inner.max_body_bytes)?;
            room.shrink_to(body.len());
            ingest.keep(&subject, &body, &mut turn).await
        };
        turns.work(large).await
    }

    async fn keep(
        &self,
        subject: &str,
        body: &[u8],
        turn: &mut Turn,
    ) -> Result<(Receipt, Origin), ApiError> {
        let Inner {
            limits, pipeline, ..
        } = &*self.0;
        let admit = |records| limits.admit_batch(subject, records, body.len());
        pipeline.take(subject, body, admit, turn).await
    }

    /// Accepts a body that was carried by hand: of nobody, and not limited.
    ///
    /// # Errors
    ///
    /// When nothing of it was kept.
    pub async fn import(&self, body: Bytes) -> Result<Receipt, ApiError> {
        let pipeline = self.0.pipeline.clone();
        let import = move |mut turn: Turn| async move {
            let taken = pipeline.take("", &body, |_| Ok(()), &mut turn).await?;
            Ok(taken.0)
        };
        self.0.turns.work(import).await
    }
}

/// The routes of the ingest listener.
pub fn app(ingest: Ingest, cors: Option<CorsLayer>) -> Router {
    Router::new()
        .route("/api/v1/logs", post(post_logs))
        .route("/api/v1/config/logging", get(levels::get_logging))
        .layer(middleware::from_fn_with_state(ingest.clone(), admit))
        .layer(option_layer(cors))
        .layer(middleware::from_fn(own_form))
        .layer(middleware::from_fn_with_state(ingest.clone(), observe))
        .layer(middleware::from_fn(telemetry::trace))
        .with_state(ingest)
}

/// Accepts one batch. Answers 200 once it is safe in the spool.
async fn post_logs(
    State(ingest): State<Ingest>,
    who: Identity, // before the body, so that a stranger's bytes are never read
    request: Request,
) -> Result<Response, ApiError> {
    if ingest.is_draining() {
        return Err(ApiError::Unavailable("the relay is stopping"));
    }
    // Before the body, so that a full disk costs no traffic.
    ingest.pipeline().has_room()?;
    let (parts, body) = request.into_parts();
    let inner = &ingest.0;
    let max_bytes = inner.max_body_bytes;
    let expected = body::expected_bytes(&parts.headers).unwrap_or(max_bytes);
    let on_its_way = inner
        .limits
        .receive(&who.subject, expected.min(max_bytes))
        .await?;
    let packed = body::receive(&parts.headers, body, max_bytes).await?;
    inner.limits.admit_user(&who.subject)?;
    let (receipt, origin) = ingest.work(&who.subject, packed, on_its_way).await?;
    let tag = ingest.levels().tag(&origin.program(&who.subject));
    Ok(([(COURIER_CONFIG, tag)], Json(receipt)).into_response())
}

impl FromRequestParts<Ingest> for Identity {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, ingest: &Ingest) -> Result<Self, ApiError> {
        let authorization = parts.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        ingest
            .0
            .verifier
            .identify(authorization)
            .await
            .map_err(|reason| {
                if let Some(unsaid) = ingest.0.refusals.say(TOKEN, Instant::now()) {
                    tracing::info!(reason = %reason, unsaid, "a token was refused");
                }
                reason.into()
            })
    }
}

/// Everything behind the edge: parse, map, keep.
#[derive(Clone)]
pub struct Pipeline {
    /// Where records go.
    pub sink: Sink,
    /// What the data directory is on.
    pub disk: Disk,
    /// Where they are counted.
    pub metrics: Arc<Metrics>,
    /// What redacts again, unless the operator does not want it.
    pub sanitizer: Option<Sanitizer>,
    /// Records in one batch at most.
    pub max_records: usize,
}

impl Pipeline {
    /// Whether the disk has room for a batch.
    ///
    /// # Errors
    ///
    /// When it is nearly full: then nothing is accepted.
    pub fn has_room(&self) -> Result<(), ApiError> {
        if self.disk.is_low() {
            return Err(ApiError::Unavailable("the disk is nearly full"));
        }
        Ok(())
    }

    /// Accepts what is whole in `body`, if `admit` lets in so many records. The subject of what was carried by hand is
    /// empty.
    ///
    /// # Errors
    ///
    /// When nothing of it was kept.
    pub async fn accept(
        &self,
        subject: &str,
        body: &[u8],
        admit: impl FnOnce(usize) -> Result<(), ApiError>,
    ) -> Result<Receipt, ApiError> {
        let mut turn = Turn::default();
        let (receipt, _) = self.take(subject, body, admit, &mut turn).await?;
        Ok(receipt)
    }

    /// The same, with where the batch came from. The turn is given back while the sink is waited for.
    ///
    /// # Errors
    ///
    /// When nothing of it was kept.
    pub async fn take(
        &self,
        subject: &str,
        body: &[u8],
        admit: impl FnOnce(usize) -> Result<(), ApiError>,
        turn: &mut Turn,
    ) -> Result<(Receipt, Origin), ApiError> {
        self.has_room()?;
        let arrival = Arrival {
            subject,
            received: Timestamp::now(),
        };
        let mut batch = wire::parse(body, self.max_records)?;
        if batch.sent > self.max_records {
            return Err(ApiError::TooManyRecords {
                records: batch.sent,
                max: self.max_records,
            });
        }
        admit(batch.sent)?;
        let origin = Origin::of(&batch);
        for (_, reject) in &batch.rejected {
            self.metrics.rejected.add(reject.as_str(), 1);
        }
        let of_records = batch.records.iter().map(|record| record.dropped.members);
        let dropped = batch.resource_dropped.members + of_records.sum::<u64>();
        self.metrics.members_dropped.add(dropped);
        if let Some(sanitizer) = &self.sanitizer {
            Redaction::by(sanitizer).batch(&mut batch);
        }
        let mut records = std::mem::take(&mut batch.records);
        let whole = records.len();
        once(&mut records, &batch);
        while !records.is_empty() {
            let offer = offer(&batch, &records, &arrival, body);
            turn.pause();
            match self.sink.accept(offer).await? {
                Verdict::Kept => break,
                Verdict::Known { seqs, hash } => {
                    turn.resume().await?;
                    let seqs: HashSet<u64> = seqs.into_iter().collect();
                    let before = records.len();
                    records.retain(|record| match name(record, &batch) {
                        Some(seq) => !seqs.contains(&seq),
                        None => !hash,
                    });
                    if records.len() == before {
                        // The ledger knows a name that none of these has: it can't be, and must not loop.
                        return Err(ApiError::Unavailable("the spool is away"));
                    }
                }
            }
        }
        let receipt = Receipt {
            accepted: count(records.len()),
            duplicates: count(whole - records.len()),
            rejected: convert::in_words(&batch.rejected),
        };
        self.metrics.accepted.add(receipt.accepted);
        self.metrics.duplicates.add(receipt.duplicates);
        self.metrics.received_bytes.add(count(body.len()));
        Ok((receipt, origin))
    }
}

/// Drops what has the name of a record before it in the same batch.
pub fn once(records: &mut Vec<Record<'_>>, batch: &Batch<'_>) {
    // A device sends its queue in order.
    let names = || records.iter().filter_map(|record| name(record, batch));
    if names().is_sorted_by(|one, next| one < next) {
        return;
    }
    let mut seen = HashSet::new();
    records.retain(|record| name(record, batch).is_none_or(|seq| seen.insert(seq)));
}

/// A record's seq, where it has the queue that makes it a name.
fn name(record: &Record<'_>, batch: &Batch<'_>) -> Option<u64> {
    batch.context.queue.as_ref().and(record.seq)
}

fn offer(batch: &Batch<'_>, records: &[Record<'_>], arrival: &Arrival<'_>, body: &[u8]) -> Offer {
    let mut seqs: Vec<u64> = records
        .iter()
        .filter_map(|record| name(record, batch))
        .collect();
    let hash = (seqs.len() < records.len()).then(|| {
        let mut hash = Sha256::new();
        hash.update(arrival.subject);
        hash.update([0]);
        hash.update(body);
        hash.finalize().into()
    });
    seqs.sort_unstable();
    let queue = batch.context.queue.as_deref().filter(|_| !seqs.is_empty());
    let mapped = map::to_otlp(batch, records, arrival);
    Offer {
        subject: arrival.subject.to_owned(),
        frame: Some(Frame {
            packed: Packed::new(&mapped.body),
            records: count(records.len()),
            received: u64::try_from(arrival.received.as_nanosecond()).unwrap_or_default(),
            oldest: mapped.oldest,
            newest: mapped.newest,
            traits: traits(records),
        }),
        named: queue.map(|queue| Named {
            queue: queue.to_owned(),
            seqs,
        }),
        hash,
    }
}

/// What an exporter may want to know of the records without a look inside.
fn traits(records: &[Record<'_>]) -> Traits {
    let of_exception = |record: &Record<'_>| {
        let lengths =
            [&record.error, &record.stack_trace].map(|text| text.as_ref().map(|text| text.len()));
        lengths.into_iter().flatten().max()
    };
    let is_long = |record: &Record<'_>| {
        record.message.len() > MAX_MESSAGE_BYTES
            || of_exception(record).is_some_and(|bytes| bytes > MAX_EXCEPTION_BYTES)
    };
    Traits {
        has_exception: records.iter().any(|record| of_exception(record).is_some()),
        has_long_text: records.iter().any(is_long),
    }
}

fn count(records: usize) -> u64 {
    u64::try_from(records).unwrap_or(u64::MAX)
}

/// Lets a request in by its address, before anything else is looked at.
async fn admit(
    State(ingest): State<Ingest>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    match ingest.0.limits.admit_request(peer, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// What a page from `origin` may ask and see; `None` when it can't stand in a header.
#[must_use]
pub fn cors(origin: &str) -> Option<CorsLayer> {
    let origin = HeaderValue::from_str(origin).ok()?;
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::exact(origin))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            AUTHORIZATION,
            CONTENT_TYPE,
            CONTENT_ENCODING,
            IF_NONE_MATCH,
            X_REQUEST_ID,
        ])
        .expose_headers([COURIER_CONFIG, ETAG, RETRY_AFTER, X_REQUEST_ID])
        .max_age(Duration::from_secs(600));
    Some(layer)
}

/// Gives every request an id, counts its answer and logs it.
async fn observe(State(ingest): State<Ingest>, request: Request, next: Next) -> Response {
    let id = request_id(&request);
    let started = Instant::now();
    let method = request.method().clone();
    let path = telemetry::short(request.uri().path()).to_owned();
    let mut response = next.run(request).await;
    let status = response.status();
    let metrics = &ingest.pipeline().metrics;
    metrics.answers.add(status.as_str(), 1);
    metrics.request_time.record(started.elapsed());
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let request_id = id.to_str().unwrap_or_default();
    let is_fine = status.is_success() || status == StatusCode::NOT_MODIFIED;
    let status = status.as_u16();
    // Inside a program that sends its own log here, a line about each batch would be the next batch.
    if is_fine {
        tracing::debug!(request_id, %method, path, status, micros, "answered");
    } else if let Some(unsaid) = ingest.0.refusals.say(status, Instant::now()) {
        tracing::info!(request_id, %method, path, status, micros, unsaid, "answered");
    }
    response.headers_mut().insert(X_REQUEST_ID, id);
    response
}

/// The client's own id if it is fit to be logged and echoed, else a new one.
fn request_id(request: &Request) -> HeaderValue {
    let said = request.headers().get(X_REQUEST_ID).filter(|id| {
        !id.is_empty()
            && id.len() <= MAX_REQUEST_ID_BYTES
            && id.as_bytes().iter().all(u8::is_ascii_graphic)
    });
    said.cloned().unwrap_or_else(|| {
        HeaderValue::from_str(&uuid::Uuid::new_v4().to_string())
            .unwrap_or_else(|_| HeaderValue::from_static("none"))
    })
}

/// A larger body, once inflated, is worked on elsewhere: 64 KiB cost some milliseconds, and at worst 25.
const SMALL_BYTES: usize = 64 * 1024;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const COURIER_CONFIG: HeaderName = HeaderName::from_static("courier-config");

/// Refused tokens, where refusals are counted by their status.
const TOKEN: u16 = 0;

/// A longer `X-Request-Id` is replaced.
const MAX_REQUEST_ID_BYTES: usize = 128;
