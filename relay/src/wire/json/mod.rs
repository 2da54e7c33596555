//! Reads JSON as clients really send it.
//!
//! A pull reader over text, with three promises that `serde_json` can't make together:
//!
//! 1. a number that no type holds keeps its literal text;
//! 2. a lone surrogate, and a NUL, arrives as U+FFFD instead of failing the batch;
//! 3. no input overflows a stack: skipping is a loop, and values nested deeper than asked for stay text.
//!
//! What it does not do: forgive. Text that is not JSON by RFC 8259 is an error, with its offset.

mod duplicates;
mod number;
mod reader;
mod text;
mod value;

pub use duplicates::last_wins;
pub use reader::{Error, Next, Reader};
pub use value::{DEPTH, Members, Value};

#[cfg(test)]
mod tests;
