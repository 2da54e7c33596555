//! `POST /api/v1/logs`: from a request to a receipt.

mod body;
mod convert;
mod cors;
#[cfg(test)]
mod field_tests;
mod handle;
mod logging;
mod observe;
mod once;
mod pipeline;
mod routes;
mod sampled;
mod sink;
mod turns;

pub use convert::{Converted, NotABatch, NotUnpacked, convert, unpack};
pub use cors::cors;
pub use handle::Ingest;
pub use pipeline::Pipeline;
pub use routes::app;
pub use sink::Sink;
