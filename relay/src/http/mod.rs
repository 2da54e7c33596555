//! HTTP as the relay's two listeners and its requests share it.

mod client;
mod error;

use axum::http::HeaderName;

pub use client::{Client, ClientError, End, Response};
pub use error::ApiError;

/// `0` on an answer to a look-up that found nothing: a command's exit code says so.
pub const FOUND: HeaderName = HeaderName::from_static("courier-found");
