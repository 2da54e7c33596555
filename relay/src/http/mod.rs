//! HTTP as the relay's two listeners and its requests share it.

mod client;
mod error;

pub use client::{Client, ClientError, End, Response};
pub use error::ApiError;
