//! One pass over a text for all rules, and the output that comes of it.

pub(crate) mod find;
pub(crate) mod numbers;
pub(crate) mod rewrite;
pub(crate) mod stopwatch;
pub(crate) mod strict;
pub(crate) mod table;
