//! The ids of OpenTelemetry's current trace, for programs with opentelemetry 0.33 (and tracing-opentelemetry 0.34).
//!
//! ```
//! # use tracing_courier::Courier;
//! # let dir = tempfile::tempdir()?;
//! # let dir = dir.path();
//! let courier = Courier::builder("field-app", "1.4.2")
//!     .dir(dir)
//!     .trace_ids(tracing_courier::opentelemetry_0_33::trace_ids)
//!     .start()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! For another version of opentelemetry write the function's few lines yourself: its source is the example.

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;

/// The ids of the span that is current by OpenTelemetry, for [`CourierBuilder::trace_ids`]; `None` outside of any.
///
/// It only looks, and never starts a span: tracing-opentelemetry starts one when the program enters it.
///
/// [`CourierBuilder::trace_ids`]: crate::CourierBuilder::trace_ids
#[must_use]
pub fn trace_ids() -> Option<(u128, u64)> {
    Context::map_current(|context| {
        let span = context.span();
        let ids = span.span_context();
        ids.is_valid().then(|| {
            let trace_id = u128::from_be_bytes(ids.trace_id().to_bytes());
            (trace_id, u64::from_be_bytes(ids.span_id().to_bytes()))
        })
    })
}
