//! HTTP as the relay's two listeners and its requests share it.

mod error;

pub use error::ApiError;
