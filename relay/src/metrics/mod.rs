//! Counts what the relay does, for `/metrics` in Prometheus' text format (0.0.4).
//!
//! What is counted are counters that the rest of the relay has at hand ([`Metrics`]); what is true at a moment is looked up
//! for each scrape ([`Now`]). What each is called and means is one line in the table.

mod by_label;
mod counters;
mod now;
mod render;
mod row;
mod table;

pub use by_label::ByLabel;
pub use counters::{Exports, Files, Lookups, Metrics};
pub use now::{IndexNow, Keys, Now};
pub use row::Scrape;
