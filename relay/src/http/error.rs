//! Every answer that is not a 200, in one place.

use axum::Json;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::spool::OfferError;
use crate::wire;

/// Why a request was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The token is missing or refused; the answer is the same for all reasons, so that a client does not learn which it was.
    #[error("a valid bearer token is required")]
    Unauthorized,
    /// The token is good, and may not do this: in words that say which role is needed.
    #[error("{0}")]
    Forbidden(String),
    /// What is to be made is there already, in words that say what to do.
    #[error("{0}")]
    Taken(String),
    /// The bytes are not what `Content-Encoding` says.
    #[error("the body is not {0}")]
    NotInflatable(&'static str),
    /// The client went away, or sent fewer bytes than it said.
    #[error("the body ended early")]
    Truncated,
    /// The body took longer than anybody should wait.
    #[error("the body took too long")]
    Slow,
    /// The body is no batch.
    #[error(transparent)]
    NotABatch(#[from] wire::Error),
    /// The body is over the cap, as sent or inflated.
    #[error("the body is over {0} bytes")]
    BodyTooLarge(usize),
    /// The body inflates to more than so many times its size.
    #[error("the body inflates over {0} times")]
    Bomb(usize),
    /// The batch has too many records.
    #[error("the batch has {records} records; at most {max} are taken")]
    TooManyRecords {
        /// How many it has.
        records: usize,
        /// How many it may have.
        max: usize,
    },
    /// A rule for levels that makes no sense.
    #[error("{0}")]
    NotARule(String),
    /// There is no rule of this number, or it has ended.
    #[error("there is no rule {0}, or it has ended")]
    NoSuchRule(String),
    /// There is nothing of this name, in words that say what.
    #[error("{0}")]
    NotThere(String),
    /// The body has another coding than gzip or zstd.
    #[error("`Content-Encoding` must be gzip, zstd or absent")]
    UnknownEncoding,
    /// The body has another type than JSON.
    #[error("`Content-Type` must be application/json")]
    NotJson,
    /// The batch is more than a whole minute of a rate, so that waiting would not help: halve it.
    #[error("the batch is more than a minute's worth")]
    OverAMinute,
    /// A rate is used up until then.
    #[error("too much; try again in {0} s")]
    RateLimited(u64),
    /// `spool = none`: the upstream did not take it.
    #[error("the upstream did not accept it")]
    Upstream,
    /// Whether the token's key is published can't be known before keys are fetched again, in so many seconds.
    #[error("the token's key is not known yet; try again in {0} s")]
    KeyUnknown(u64),
    /// The head of the request is not what HTTP asks for.
    #[error("{0}")]
    BadHead(&'static str),
    /// Nothing is kept that could be looked up.
    #[error(
        "this relay keeps no index: start it with --index on (its log says why, if it should have one)"
    )]
    NoIndex,
    /// A question that can't be understood, in words that say where and what is possible.
    #[error("{0}")]
    NotAQuestion(String),
    /// There is no such path.
    #[error("there is nothing at this path")]
    NoSuchPath,
    /// The path is there, and takes other methods.
    #[error("this path does not take that method")]
    NoSuchMethod,
    /// A 4xx that the machinery below the relay gave, in its words.
    #[error("{1}")]
    Other(StatusCode, String),
    /// The relay can't keep anything now: the spool or the disk is full or failing, or the relay is busy or stopping.
    #[error("{0}")]
    Unavailable(&'static str),
}

impl ApiError {
    /// The answer's status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotInflatable(_)
            | Self::Truncated
            | Self::NotABatch(_)
            | Self::NotARule(_)
            | Self::NotAQuestion(_)
            | Self::BadHead(_) => StatusCode::BAD_REQUEST,
            Self::NoSuchRule(_) | Self::NotThere(_) | Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::NoIndex | Self::Taken(_) => StatusCode::CONFLICT,
            Self::NoSuchMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Other(status, _) => *status,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge(_)
            | Self::Bomb(_)
            | Self::TooManyRecords { .. }
            | Self::OverAMinute => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnknownEncoding | Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Upstream => StatusCode::BAD_GATEWAY,
            Self::KeyUnknown(_) | Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl From<OfferError> for ApiError {
    /// What the disk said is for the operator, not for a client.
    fn from(error: OfferError) -> Self {
        match error {
            OfferError::Full => Self::Unavailable("the spool is full"),
            OfferError::Away(_) => Self::Unavailable("the spool is away"),
            OfferError::Stopping => Self::Unavailable("the relay is stopping"),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response =
            (self.status(), Json(json!({ "error": self.to_string() }))).into_response();
        let headers = response.headers_mut();
        match self {
            Self::Unauthorized => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::RateLimited(seconds) | Self::KeyUnknown(seconds) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            Self::Unavailable(_) | Self::Upstream => {
                headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
            }
            _ => {}
        }
        response
    }
}

/// When to come back after a 502 or 503: soon, since the client backs off by itself if it is not over by then.
const RETRY_SECONDS: u64 = 5;
