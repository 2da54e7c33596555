//! HTTP as the relay's two listeners and its requests share it.

mod client;
mod error;

pub use client::{Answer, Client, ClientError, End};
pub use error::ApiError;
