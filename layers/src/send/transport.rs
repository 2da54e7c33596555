//! The seam between the sender and whatever carries its requests.

use std::fmt;
use std::time::Duration;

/// One batch on its way.
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

impl fmt::Debug for Request<'_> {
    /// Shows no token and no records.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("path", &self.path)
            .field("has_token", &self.token.is_some())
            .field("request_id", &self.request_id)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A question to the relay: which levels it wants.
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

impl fmt::Debug for Get<'_> {
    /// Shows no token, and nothing of the query, which says who asks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.split('?').next();
        f.debug_struct("Get")
            .field("path", &path.unwrap_or_default())
            .field("has_token", &self.token.is_some())
            .field("request_id", &self.request_id)
            .field("if_none_match", &self.if_none_match)
            .finish_non_exhaustive()
    }
}

/// What came back, or did not.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
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
    /// An answer came, with this status and body.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: Some(status),
            body: body.into(),
            ..Self::default()
        }
    }

    /// The same, where `Retry-After` says how long the server wants to be left alone.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The same, with this `Content-Type`.
    #[must_use]
    pub fn with_content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// The same, with this `ETag`.
    #[must_use]
    pub fn with_etag(mut self, etag: impl Into<String>) -> Self {
        self.etag = Some(etag.into());
        self
    }

    /// The same, with this `Courier-Config`.
    #[must_use]
    pub fn with_levels_etag(mut self, etag: impl Into<String>) -> Self {
        self.levels_etag = Some(etag.into());
        self
    }

    /// The same, with another body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

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
