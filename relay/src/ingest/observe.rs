//! Each request gets an id, is counted and logged.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::handle::Ingest;
use crate::telemetry;

/// Gives every request an id, counts its answer and logs it.
pub async fn observe(State(ingest): State<Ingest>, request: Request, next: Next) -> Response {
    let id = request_id(&request);
    let started = Instant::now();
    let method = request.method().clone();
    let path = telemetry::short(request.uri().path()).to_owned();
    let mut response = next.run(request).await;
    let status = response.status();
    let metrics = &ingest.pipeline().metrics;
    metrics.answers.add(status.as_str(), 1);
    metrics
        .request_time
        .observe(started.elapsed().as_secs_f64());
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

/// The header with a request's id, from the client or ours.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A longer `X-Request-Id` is replaced.
const MAX_REQUEST_ID_BYTES: usize = 128;
