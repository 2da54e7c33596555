//! What a page in a browser may do.

use std::time::Duration;

use axum::http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER,
};
use axum::http::{HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::observe::X_REQUEST_ID;

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

/// The header with the tag of the levels that a program is told.
pub const COURIER_CONFIG: HeaderName = HeaderName::from_static("courier-config");
