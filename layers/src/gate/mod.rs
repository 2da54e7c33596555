//! The gate: everything behind it sees clean data only.
//!
//! A `Layer` is handed `&Event` and can't change what another layer sees. So the gate wraps the whole stack. For each
//! event, span and `record()` it does, in this order:
//!
//! 1. visits every value once, leaves out what its field's *name* makes secret without rendering it, renders the
//!    rest and removes what *looks* secret;
//! 2. asks the filters inside again if a value's own formatting logged something meanwhile, since that overwrites
//!    the per-layer filters' memory of the decision (tokio-rs/tracing#2704);
//! 3. rebuilds the event on the same `&'static Metadata` and hands it on: a stock `fmt` layer can't print a secret,
//!    because it never gets one.
//!
//! Without a policy there is nothing to do: events are handed on as they come, and captured when one of our layers asks.
//!
//! What it does not do: filter (that stays with the stack inside), reorder, or hold a lock while a program's own
//! code runs.

mod around;
mod capped;
mod capture;
mod cleaner;
mod error;
mod fields;
mod frame;
mod intake;
mod json;
mod plan;
mod rebuild;
mod report;
mod sanitize_layer;
mod sanitized;
mod span_fields;
mod thread_exit;
mod tree;
mod waiting;

pub use around::Around;
pub(crate) use error::{io_kind_at_end, kind_in, stack_in_debug_of};
pub(crate) use fields::{CleanError, Fields, Value};
pub(crate) use frame::Frame;
pub(crate) use intake::Intake;
pub use json::{Json, json};
pub(crate) use plan::{FieldPlan, Role, crate_relative};
pub(crate) use report::{Report, parse as parse_report};
pub use sanitize_layer::SanitizeLayer;
pub use sanitized::{SanitizeExt, Sanitized, Sealed};
pub(crate) use span_fields::SpanFields;
pub(crate) use thread_exit::may_be_in_spans;
