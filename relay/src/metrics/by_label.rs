//! Counters of one name, told apart by a label.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// A counter for each of a few values of a label.
#[derive(Debug, Default)]
pub struct ByLabel(Mutex<BTreeMap<String, u64>>);

impl ByLabel {
    /// Adds `more` to the counter of `value`.
    pub fn add(&self, value: impl AsRef<str>, more: u64) {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match counters.get_mut(value.as_ref()) {
            Some(counter) => *counter += more,
            None => {
                counters.insert(value.as_ref().to_owned(), more);
            }
        }
    }

    /// As they are now, by a label of this name.
    pub fn by(&self, label: &'static str) -> Labelled {
        let counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let values = counters
            .iter()
            .map(|(value, count)| (value.clone(), *count));
        Labelled::counters(label, values)
    }
}

/// Series of one name, in an order that is the same at each scrape; the library's own families have none.
pub struct Labelled {
    label: &'static str,
    kind: MetricType,
    values: Vec<(String, u64)>,
}

impl Labelled {
    /// Counters by `label`.
    pub fn counters(label: &'static str, values: impl Iterator<Item = (String, u64)>) -> Self {
        Self {
            label,
            kind: MetricType::Counter,
            values: values.collect(),
        }
    }

    /// Gauges by `label`.
    pub fn gauges(label: &'static str, values: impl Iterator<Item = (String, u64)>) -> Self {
        Self {
            label,
            kind: MetricType::Gauge,
            values: values.collect(),
        }
    }
}

impl EncodeMetric for Labelled {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (value, number) in &self.values {
            let labels = [(self.label, value.as_str())];
            let encoder = encoder.encode_family(&labels)?;
            match self.kind {
                MetricType::Counter => ConstCounter::new(*number).encode(encoder)?,
                _ => ConstGauge::new(*number).encode(encoder)?,
            }
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        self.kind
    }
}
