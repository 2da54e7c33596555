//! What the examples share: an OTLP receiver that decodes, and a callsite whose fields are known at run time only.

pub mod dynamic;
pub mod receiver;

/// The README's code, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
