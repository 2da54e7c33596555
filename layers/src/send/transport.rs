//! The seam between the sender and whatever carries its requests.

use std::time::Duration;

/// One batch on its way.
#[derive(Debug)]
#[non_exhaustive]
pub struct Request<'a> {
    /// Below the endpoint: `/api/v1/logs`.
    pub path: &'static str,
    /// The bearer token, if there is one.
    pub token: Option<&'a str>,
    /// `X-Request-Id`: new for each request, also in the relay's own log.
    pub request_id: &'a str,
    /// JSON, not compressed.
    pub body: &'a [u8],
}

/// A question to the relay: which levels it wants.
#[derive(Debug)]
#[non_exhaustive]
pub struct Get<'a> {
    /// Below the endpoint, with its query: `/api/v1/config/logging?service=field-app`.
    pub path: &'a str,
    /// The bearer token, if there is one.
    pub token: Option<&'a str>,
    /// `X-Request-Id`: new for each request.
    pub request_id: &'a str,
    /// `If-None-Match`: the `ETag` of the answer that is known already.
    pub if_none_match: Option<&'a str>,
}

/// What came back, or did not.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The HTTP status; `None` without an answer (no network, a timeout, a reset).
    pub status: Option<u16>,
    /// How long the server wants to be left alone, from `Retry-After`.
    pub retry_after: Option<Duration>,
    /// `Content-Type`, of the answer to a [`Get`].
    pub content_type: Option<String>,
    /// `ETag`, of the answer to a [`Get`].
    pub etag: Option<String>,
    /// `Courier-Config`: the `ETag` of the levels that the relay has for this sender.
    pub levels_etag: Option<String>,
    /// The body's first [`MAX_ANSWER_BYTES`].
    pub body: Vec<u8>,
    /// Why there was no answer.
    pub error: Option<String>,
}

impl Answer {
    /// No answer came, and this is why.
    #[must_use]
    pub fn none(why: impl Into<String>) -> Self {
        Self {
            error: Some(why.into()),
            ..Self::default()
        }
    }
}

/// An answer's body is read up to here, in bytes: a receipt of 1,000 refused records fits.
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// Carries requests to one endpoint. The sender calls it from its own thread, one request at a time, and it may
/// block there: it keeps its own timeouts. A panic in it is a request without an answer.
pub trait Transport: Send {
    /// Builds what every request needs, if that takes time. Called before each request, and before its records count
    /// as being sent: a program that is killed meanwhile says nothing about them.
    fn prepare(&mut self) {}

    /// Sends one request and waits for its answer.
    fn post(&mut self, request: &Request<'_>) -> Answer;

    /// Asks one question and waits for its answer. A transport that can't gives no answer.
    fn get(&mut self, _request: &Get<'_>) -> Answer {
        Answer::none("this transport asks no questions")
    }

    /// Where to, for people: without credentials.
    fn endpoint(&self) -> &str;
}
