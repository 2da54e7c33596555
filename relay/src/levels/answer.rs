//! The levels over HTTP: `GET /api/v1/config/logging` for programs, `/admin/v1/levels` for support.

use std::borrow::Cow;

use axum::extract::{Path, RawQuery, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use axum::{Json, Router};
use bytes::Bytes;
use url::form_urlencoded;

use super::rule::{Moment, authored};
use super::{ChangeError, Deed, Draft, Levels, Outcome, Program, Rule, StoreError};
use crate::admin::Admin;
use crate::http::ApiError;
use crate::identity::TokenError;
use crate::ingest::Ingest;
use crate::text::chain;

/// Answers with the levels, or with 304 when the program has them.
pub async fn get_logging(
    State(ingest): State<Ingest>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let subject = match ingest.verifier().identify(said(&headers)).await {
        Ok(who) => Some(who.subject),
        // Whoever asks under a good token should not be told for a while what strangers are told.
        Err(error @ TokenError::KeysAway(_)) => return Err(error.into()),
        Err(_) => None,
    };
    let query = query.unwrap_or_default();
    let query = Query::read(&query);
    let program = query.program(subject.as_deref());
    Ok(ingest.levels().answer(&program, &headers))
}

impl Levels {
    fn answer(&self, program: &Program<'_>, headers: &HeaderMap) -> Response {
        let now = Moment::now();
        self.0.seen.note(program, now.wall);
        let program = &self.0.bonds.known(program);
        let book = self.0.book.load();
        let told = book.tell(program, now);
        let etag = (ETAG, told.etag.clone());
        if has(headers, &told.etag) {
            return (StatusCode::NOT_MODIFIED, [etag]).into_response();
        }
        let json = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
        ([etag, json], told.body(now)).into_response()
    }
}

fn said(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get(AUTHORIZATION).map(HeaderValue::as_bytes)
}

/// Whether the program has what this tag names.
fn has(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let tags = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|tags| tags.to_str().ok());
    tags.flat_map(|tags| tags.split(',')).any(|tag| {
        let tag = tag.trim().trim_start_matches("W/");
        tag == "*" || tag.as_bytes() == etag.as_bytes()
    })
}

/// What a program says of itself. What it does not say, or says empty, is not known.
#[derive(Default)]
struct Query<'q> {
    install: Option<Cow<'q, str>>,
    session: Option<Cow<'q, str>>,
    service: Option<Cow<'q, str>>,
    version: Option<Cow<'q, str>>,
}

impl<'q> Query<'q> {
    fn read(query: &'q str) -> Self {
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match name.as_ref() {
                "installId" | "install_id" => &mut read.install,
                "sessionId" | "session_id" => &mut read.session,
                "service" => &mut read.service,
                "version" => &mut read.version,
                _ => continue,
            };
            *place = Some(value).filter(|value| !value.is_empty());
        }
        read
    }

    fn program<'p>(&'p self, subject: Option<&'p str>) -> Program<'p> {
        Program {
            subject,
            install: self.install.as_deref(),
            session: self.session.as_deref(),
            service: self.service.as_deref(),
            version: self.version.as_deref(),
        }
    }
}

/// The admin API's part; whoever gets here has shown its token.
pub fn admin() -> Router<Admin> {
    Router::new()
        .route("/admin/v1/levels", get(list).post(set))
        .route("/admin/v1/levels/audit", get(audit))
        .route("/admin/v1/levels/{id}", delete(remove))
}

async fn list(State(admin): State<Admin>) -> Result<Json<Vec<Rule>>, ApiError> {
    Ok(Json(admin.ingest.levels().list().await.map_err(away)?))
}

async fn audit(State(admin): State<Admin>) -> Result<Json<Vec<Deed>>, ApiError> {
    Ok(Json(admin.ingest.levels().deeds().await.map_err(away)?))
}

async fn set(
    State(admin): State<Admin>,
    body: Bytes,
) -> Result<(StatusCode, Json<Outcome>), ApiError> {
    let draft: Draft = serde_json::from_slice(&body)
        .map_err(|error| ApiError::NotARule(format!("no rule: {error}")))?;
    match admin.ingest.levels().set(draft, ADMIN).await {
        Ok(outcome) => Ok((StatusCode::CREATED, Json(outcome))),
        Err(ChangeError::Rule(error)) => Err(ApiError::NotARule(error.to_string())),
        Err(ChangeError::Store(error)) => Err(away(error)),
    }
}

async fn remove(
    State(admin): State<Admin>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Rule>, ApiError> {
    let query = query.unwrap_or_default();
    let author = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "author")
        .map(|(_, author)| author.chars().take(256).collect::<String>())
        .unwrap_or_default();
    let removed = match id.parse() {
        Ok(id) => admin
            .ingest
            .levels()
            .remove(id, &authored(ADMIN, &author))
            .await
            .map_err(away)?,
        Err(_) => None,
    };
    removed.map(Json).ok_or(ApiError::NoSuchRule(id))
}

/// Whose token the admin API's is: the only name there is until tokens have names of their own.
const ADMIN: &str = "admin";

/// The store is away: for the log the cause, for whoever asks a 503.
pub fn away(error: StoreError) -> ApiError {
    tracing::error!(error = %chain(&error), "the store can't be used");
    ApiError::Unavailable("the store is away")
}
