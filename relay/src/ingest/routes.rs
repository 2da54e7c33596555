//! The routes of the ingest listener, and the handler of a batch.

use std::net::SocketAddr;
use std::time::Instant;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::HeaderValue;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use tower::util::option_layer;
use tower_http::cors::CorsLayer;

use super::body;
use super::cors::COURIER_CONFIG;
use super::handle::Ingest;
use super::logging::get_logging;
use super::observe::observe;
use crate::edge::own_form;
use crate::http::ApiError;
use crate::identity::Identity;
use crate::telemetry;

/// The routes of the ingest listener.
pub fn app(ingest: Ingest, cors: Option<CorsLayer>) -> Router {
    Router::new()
        .route("/api/v1/logs", post(post_logs))
        .route("/api/v1/config/logging", get(get_logging))
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
    let received = body::receive(&parts.headers, body, max_bytes).await?;
    inner.limits.admit_user(&who.subject)?;
    let (receipt, program) = ingest.work(&who.subject, received, on_its_way).await?;
    let tag = ingest.levels().tag(&program.under(Some(&who.subject)));
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

/// Refused tokens, where refusals are counted by their status.
const TOKEN: u16 = 0;
