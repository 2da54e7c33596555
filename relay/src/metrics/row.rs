//! What a row of the table is, and what its value is taken from.

use std::collections::BTreeMap;
use std::sync::Arc;

use prometheus_client::encoding::EncodeMetric;
use prometheus_client::metrics::MetricType;

use super::counters::Metrics;
use super::now::Now;

/// Everything that one scrape shows.
#[derive(Debug)]
pub struct Scrape {
    /// The counters.
    pub metrics: Arc<Metrics>,
    /// What is true now.
    pub now: Now,
    /// What the sanitizer took, by rule.
    pub redactions: BTreeMap<&'static str, u64>,
}

/// One metric.
pub struct Row {
    /// What it is called.
    pub name: &'static str,
    /// What it means.
    pub help: &'static str,
    /// Where its value is.
    pub show: fn(&Scrape) -> Show,
}

/// A metric's value, or why there is none.
pub enum Show {
    /// It has one, or one for each label.
    Value(Box<dyn EncodeMetric>),
    /// There is nothing to measure: it is named, so that nobody takes it for a slip of the pen.
    Unset(MetricType),
    /// This relay has nothing of the kind.
    Absent,
}
