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

/// A metric's value, or why it has no value.
pub enum Show {
    /// The metric has a value, or one for each label.
    Value(Box<dyn EncodeMetric>),
    /// There is nothing to measure now: only the name, help and type are shown.
    Unset(MetricType),
    /// This relay does not have what the metric is about: nothing is shown.
    Absent,
}
