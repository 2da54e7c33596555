//! Every refusal in the relay's own form, and no request that could be read in two ways.
//!
//! 1. A 4xx is JSON, `{"error":"…"}`, also for an unknown path or method: so a client can tell the relay's
//!    refusal from that of something in between;
//! 2. HTTP/1.1 without exactly one `Host`, and more than one `Authorization`, are 400: the relay and a proxy before it
//!    could take different ones.
//!
//! What it does not do: bytes that are no HTTP at all are answered by hyper, with an empty 400.

use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST};
use axum::http::{StatusCode, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::ApiError;

/// Looks at the head, and puts a refusal into the relay's form.
pub async fn own_form(request: Request, next: Next) -> Response {
    match check(&request) {
        Ok(()) => formed(next.run(request).await).await,
        Err(error) => error.into_response(),
    }
}

fn check(request: &Request) -> Result<(), ApiError> {
    let count = |name| request.headers().get_all(name).iter().count();
    if request.version() == Version::HTTP_11 && count(HOST) != 1 {
        return Err(ApiError::BadHead("HTTP/1.1 needs one `Host`"));
    }
    if count(AUTHORIZATION) > 1 {
        return Err(ApiError::BadHead("there is more than one `Authorization`"));
    }
    Ok(())
}

async fn formed(response: Response) -> Response {
    let status = response.status();
    let is_json = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !status.is_client_error() || is_json {
        return response;
    }
    let (parts, body) = response.into_parts();
    let error = match status {
        StatusCode::NOT_FOUND => ApiError::NoSuchPath,
        StatusCode::METHOD_NOT_ALLOWED => ApiError::NoSuchMethod,
        status => {
            let words = axum::body::to_bytes(body, MAX_WORDS_BYTES).await;
            let words = words.unwrap_or_default();
            let words = String::from_utf8_lossy(&words);
            let reason = status.canonical_reason().unwrap_or_default();
            let words = Some(words.trim()).filter(|words| !words.is_empty());
            ApiError::Other(status, words.unwrap_or(reason).to_owned())
        }
    };
    let mut formed = error.into_response();
    for (name, value) in &parts.headers {
        if name != CONTENT_TYPE && name != CONTENT_LENGTH {
            formed.headers_mut().append(name, value.clone());
        }
    }
    formed
}

/// What the machinery says about a request, at most.
const MAX_WORDS_BYTES: usize = 4096;
