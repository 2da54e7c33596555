//! What the examples share: an OTLP receiver that decodes, and a callsite whose fields are known at run time only.

pub mod dynamic;
#[cfg(doctest)]
mod pages;
pub mod receiver;
