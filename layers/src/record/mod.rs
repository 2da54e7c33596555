//! The one noun of this crate: a record.
//!
//! On its way to disk a record is never a [`Record`]: `encode.rs` writes it straight from the gate's clean values into
//! JSON. `Record` is its shape for everybody else: a log viewer inside the program, tests, the panic hook, and the
//! guard that cuts what is too long. Which fields there are stands once, in `field.rs`.

mod encode;
mod error;
mod field;
mod guard;
mod level;
mod shape;
mod timestamp;

pub(crate) use encode::{Extra, encode, encode_head, encode_head_with, encode_spans};
pub(crate) use error::message;
#[doc(hidden)]
pub use field::{Field, Holds, Written};
pub use guard::MAX_RECORD_BYTES;
pub(crate) use guard::fit;
pub use level::{Level, UnknownLevel};
pub use shape::{Breadcrumb, Location, Record};
pub(crate) use timestamp::timestamp;
