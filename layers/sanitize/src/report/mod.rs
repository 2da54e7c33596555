//! What was found, counted, and what it cost.

pub(crate) mod cost;
pub(crate) mod counts;
pub(crate) mod finding;
