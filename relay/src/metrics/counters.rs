//! The counters of a relay, as the rest of it has them at hand.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use super::by_label::ByLabel;

/// The counters of one relay.
#[derive(Debug)]
pub struct Metrics {
    /// Answers of the ingest listener, by status.
    pub answers: ByLabel,
    /// Connections that were hung up on, by reason.
    pub connections_refused: Arc<ByLabel>,
    /// Records rejected, by reason.
    pub rejected: ByLabel,
    /// Records accepted.
    pub accepted: Counter,
    /// Records that were there before.
    pub duplicates: Counter,
    /// Records of erased persons that came again.
    pub kept_out: Counter,
    /// Members of records and resources that were over their cap.
    pub members_dropped: Counter,
    /// Bytes of bodies, inflated.
    pub received_bytes: Counter,
    /// Logs on their way to the upstream.
    pub export: Arc<Exports>,
    /// Exceptions on their way to the upstream as spans, when they go there.
    pub spans: Arc<Exports>,
    /// Records on their way to files, when they go there.
    pub files: Arc<Files>,
    /// How the index answers.
    pub lookups: Arc<Lookups>,
    /// How long ingest requests took, in seconds.
    pub request_time: Histogram,
}

/// The counters of one way to the upstream.
#[derive(Debug)]
pub struct Exports {
    /// Requests, by what the upstream answered.
    pub answers: ByLabel,
    /// Records that the upstream took.
    pub taken: Counter,
    /// Records that the upstream took the request of, and then refused (partial success).
    pub refused: Counter,
    /// Requests that were sent again.
    pub retries: Counter,
    /// Records put aside for good.
    pub dead_letters: Counter,
    /// Requests that the upstream took with a warning.
    pub warnings: Counter,
    /// How long requests took, in seconds.
    pub time: Histogram,
    /// What the upstream answered last: a status or `none`.
    pub last: Mutex<Option<(String, Instant)>>,
    /// 1 while the upstream refuses for a reason that an operator has to look at.
    pub alarm: Gauge,
}

/// The counters of the file exporter.
#[derive(Debug, Default)]
pub struct Files {
    /// Records written and synced.
    pub records: Counter,
    /// Bytes written and synced.
    pub bytes: Counter,
    /// Writes that failed; they are tried again.
    pub errors: Counter,
}

/// The counters of questions to the index.
#[derive(Debug)]
pub struct Lookups {
    /// How long a question for records took, in seconds.
    pub time: Histogram,
    /// Questions that ended at their time limit, before every segment was asked.
    pub cut: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            answers: ByLabel::default(),
            connections_refused: Arc::default(),
            rejected: ByLabel::default(),
            accepted: Counter::default(),
            duplicates: Counter::default(),
            kept_out: Counter::default(),
            members_dropped: Counter::default(),
            received_bytes: Counter::default(),
            export: Arc::default(),
            spans: Arc::default(),
            files: Arc::default(),
            lookups: Arc::default(),
            request_time: Histogram::new(BOUNDS),
        }
    }
}

impl Default for Exports {
    fn default() -> Self {
        Self {
            answers: ByLabel::default(),
            taken: Counter::default(),
            refused: Counter::default(),
            retries: Counter::default(),
            dead_letters: Counter::default(),
            warnings: Counter::default(),
            time: Histogram::new(BOUNDS),
            last: Mutex::default(),
            alarm: Gauge::default(),
        }
    }
}

impl Default for Lookups {
    fn default() -> Self {
        Self {
            time: Histogram::new(BOUNDS),
            cut: Counter::default(),
        }
    }
}

impl Exports {
    /// Counts an answer, and keeps it as the last one.
    pub fn answered(&self, label: String) {
        self.answers.add(&label, 1);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((label, Instant::now()));
    }
}

/// Upper bounds of a histogram's buckets, in seconds.
const BOUNDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];
