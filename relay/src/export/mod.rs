//! Sends what the spool holds to an OTLP backend, in order, until it has it.
//!
//! The promises, in order:
//!
//! 1. the cursor moves when the upstream has taken a record, has refused it for its content, or when the record is damaged
//!    and counted as that, and never else;
//! 2. an outage, however long, costs no record; a record that the upstream will never take costs itself only; an upstream
//!    that refuses one record after the other, and takes none, is one that is away for a reason that an operator has to find;
//! 3. a record is sent twice only if the relay died between an answer and its commit.
//!
//! Frames are merged as they lie, up to 5 MB a request; one request is in flight. Partial success is counted and never
//! sent again, as OTLP asks. Files are written by an exporter of their own, with a cursor of its own: see [`file`].

mod clamp;
mod echo;
mod exporter;
pub mod file;
mod fit;
mod limits;
mod merge;
mod pace;
mod pause;
mod retry;
mod spans;
mod upstream;
mod view;
mod words;

pub use exporter::Exporter;
pub use fit::Fit;
pub use limits::{MAX_EXCEPTION_BYTES, MAX_MESSAGE_BYTES};
pub use retry::{Next, next};
pub use upstream::Upstream;
