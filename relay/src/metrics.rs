//! Counts what the relay does, for `/metrics` in Prometheus' text format.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::disk::Space;
use crate::spool::{Dead, Size, Writes};

/// The counters of one relay.
#[derive(Debug, Default)]
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
    /// How long ingest requests took.
    pub request_time: Histogram,
}

/// The counters of one way to the upstream.
#[derive(Debug, Default)]
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
    /// How long requests took.
    pub time: Histogram,
    /// What the upstream answered last: a status or `none`.
    pub last: Mutex<Option<(String, Instant)>>,
    /// 1 while the upstream refuses for a reason that an operator has to look at.
    pub alarm: AtomicU64,
}

impl Exports {
    /// Counts an answer, and keeps it as the last one.
    pub fn answered(&self, label: String) {
        self.answers.add(&label, 1);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((label, Instant::now()));
    }
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

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `more`.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// The sum.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A counter for each of a few labels.
#[derive(Debug, Default)]
pub struct ByLabel(Mutex<BTreeMap<String, u64>>);

impl ByLabel {
    /// Adds `more` to the counter of `label`.
    pub fn add(&self, label: impl AsRef<str>, more: u64) {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match counters.get_mut(label.as_ref()) {
            Some(counter) => *counter += more,
            None => {
                counters.insert(label.as_ref().to_owned(), more);
            }
        }
    }

    fn all(&self) -> BTreeMap<String, u64> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// How often something took how long.
#[derive(Debug, Default)]
pub struct Histogram {
    counts: [AtomicU64; BOUNDS.len()],
    count: AtomicU64,
    micros: AtomicU64,
}

impl Histogram {
    /// Counts one that took `time`.
    pub fn record(&self, time: Duration) {
        for (count, bound) in self.counts.iter().zip(BOUNDS) {
            if time.as_secs_f64() <= bound {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(
            u64::try_from(time.as_micros()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
    }
}

/// What is true at this moment, beside the counters.
#[derive(Clone, Debug, Default)]
pub struct Now {
    /// The published keys, where tokens are checked with such.
    pub keys: Option<Keys>,
    /// Records in the spool.
    pub spool_records: u64,
    /// Bytes in the spool.
    pub spool_bytes: u64,
    /// Bytes that the spool may hold.
    pub spool_max_bytes: u64,
    /// Age of the oldest frame in the spool.
    pub oldest_seconds: f64,
    /// Records found damaged in the spool.
    pub damaged_records: u64,
    /// Frames found damaged in the spool.
    pub damaged_frames: u64,
    /// Bytes of the cap that are used: what waits, names, dead letters.
    pub spool_used_bytes: u64,
    /// Dead letters kept.
    pub dead: Dead,
    /// How writing the spool goes.
    pub writes: Writes,
    /// The ledger of accepted names.
    pub ledger: Size,
    /// Records that wait, for each consumer.
    pub waiting: Vec<(&'static str, u64)>,
    /// The disk of the data directory, where the system says.
    pub disk: Option<Space>,
    /// Seconds until the certificate ends, below zero once it has; `None` without one.
    pub certificate_seconds: Option<f64>,
    /// Whether a batch that comes now is accepted.
    pub is_ready: bool,
    /// Bytes of text that the sanitizer scanned.
    pub sanitized_bytes: u64,
    /// Texts that it cut at its cap.
    pub sanitize_truncated: u64,
    /// Texts that it took as a whole because something inside went wrong.
    pub sanitize_failed_closed: u64,
}

/// The keys that somebody publishes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keys {
    /// How many are in use.
    pub count: usize,
    /// How long ago they were fetched; `None` before the first time.
    pub age_seconds: Option<f64>,
    /// Fetches that brought none.
    pub failures: u64,
}

impl Metrics {
    /// Everything as Prometheus reads it; `redactions` are those of the sanitizer, by rule.
    #[must_use]
    pub fn render(&self, now: &Now, redactions: &BTreeMap<&'static str, u64>) -> String {
        let mut text = Text(String::with_capacity(8192));
        text.labelled(
            "courier_requests_total",
            "Answers of the ingest listener.",
            "status",
            &self.answers,
        );
        text.counter(
            "courier_records_accepted_total",
            "Records accepted.",
            self.accepted.get(),
        );
        text.counter(
            "courier_records_duplicate_total",
            "Records that were there before.",
            self.duplicates.get(),
        );
        text.labelled(
            "courier_records_rejected_total",
            "Records refused for their content.",
            "reason",
            &self.rejected,
        );
        text.counter(
            "courier_members_dropped_total",
            "Members of records and resources dropped because there were too many.",
            self.members_dropped.get(),
        );
        text.each(
            "courier_redactions_total",
            "What the sanitizer took, by rule.",
            "rule",
            redactions.iter().map(|(rule, count)| (*rule, *count)),
        );
        text.counter(
            "courier_sanitized_bytes_total",
            "Bytes of text that the sanitizer scanned.",
            now.sanitized_bytes,
        );
        text.counter(
            "courier_sanitize_truncated_total",
            "Texts that the sanitizer cut at its cap.",
            now.sanitize_truncated,
        );
        text.counter(
            "courier_sanitize_failed_closed_total",
            "Texts that went as a whole because something in the sanitizer went wrong.",
            now.sanitize_failed_closed,
        );
        text.counter(
            "courier_received_bytes_total",
            "Bytes of bodies, inflated.",
            self.received_bytes.get(),
        );
        text.histogram(
            "courier_request_seconds",
            "Time of ingest requests.",
            &self.request_time,
        );
        text.exports(&EXPORT, &self.export);
        let waits_for = |name| now.waiting.iter().any(|(of, _)| *of == name);
        if waits_for("spans") {
            text.exports(&SPANS, &self.spans);
        }
        if waits_for("file") {
            text.files(&self.files);
        }
        text.labels(
            "courier_spool_waiting_records",
            "Records that wait, by consumer.",
            "gauge",
            "consumer",
            now.waiting.iter().copied(),
        );
        text.gauge(
            "courier_spool_records",
            "Records that wait for whoever is furthest behind.",
            now.spool_records,
        );
        text.gauge(
            "courier_spool_bytes",
            "Bytes that wait, before they were packed.",
            now.spool_bytes,
        );
        text.gauge(
            "courier_spool_used_bytes",
            "Bytes of the cap that are used: what waits, the ledger of names, dead letters.",
            now.spool_used_bytes,
        );
        text.gauge(
            "courier_spool_max_bytes",
            "Bytes that may be used.",
            now.spool_max_bytes,
        );
        // In integers, so that it does not flap around the mark.
        let is_filling = now.spool_used_bytes >= now.spool_max_bytes / 5 * 4
            || now.disk.is_some_and(|disk| disk.is_nearly_low());
        text.gauge(
            "courier_spool_nearly_full",
            "1 from 80 % of the cap on, and while the disk has less than four times --keep-free.",
            u8::from(is_filling),
        );
        text.counter(
            "courier_records_damaged_total",
            "Records lost to damage of the spool.",
            now.damaged_records,
        );
        text.counter(
            "courier_frames_damaged_total",
            "Frames of the spool that were not what was written.",
            now.damaged_frames,
        );
        text.gauge(
            "courier_spool_oldest_seconds",
            "Age of what waits longest.",
            now.oldest_seconds,
        );
        text.gauge_if(
            "courier_jwks_keys",
            "Published keys in use; absent where tokens are checked with another key.",
            now.keys.map(|keys| keys.count),
        );
        text.gauge_if(
            "courier_jwks_age_seconds",
            "How long ago published keys were fetched; over 600 when their publisher is away, absent before the first time.",
            now.keys.and_then(|keys| keys.age_seconds),
        );
        text.gauge_if(
            "courier_certificate_left_seconds",
            "Seconds until the certificate expires, below zero once it has; absent without one.",
            now.certificate_seconds,
        );
        if let Some(keys) = &now.keys {
            text.counter(
                "courier_jwks_failures_total",
                "Fetches of published keys that brought none.",
                keys.failures,
            );
        }
        text.gauge(
            "courier_dead_letters",
            "Dead letters kept.",
            now.dead.letters,
        );
        text.gauge(
            "courier_dead_letter_bytes",
            "Bytes of the spool's cap that dead letters take.",
            now.dead.bytes,
        );
        text.counter(
            "courier_dead_letters_expired_total",
            "Dead letters that went for their age, or because they took a quarter of the cap.",
            now.dead.expired,
        );
        text.operation(now, &self.connections_refused);
        text.ledger(now.ledger);
        text.counter(
            "courier_spool_write_errors_total",
            "Transactions of the spool that failed; nothing of them was acknowledged.",
            now.writes.failed,
        );
        text.gauge(
            "courier_spool_write_alarm",
            "1 while the spool can't be written: a full or failing disk.",
            u8::from(now.writes.is_failing),
        );
        text.gauge(
            "courier_spool_log_lost",
            "1 if the spool's write-ahead log was gone when this relay started.",
            u8::from(now.writes.is_log_lost),
        );
        text.0
    }
}

struct Text(String);

impl Text {
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, "counter");
        self.line(format_args!("{name} {value}"));
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl fmt::Display) {
        self.head(name, help, "gauge");
        self.line(format_args!("{name} {value}"));
    }

    /// A gauge that has no value where there is nothing to measure.
    fn gauge_if(&mut self, name: &str, help: &str, value: Option<impl fmt::Display>) {
        self.head(name, help, "gauge");
        if let Some(value) = value {
            self.line(format_args!("{name} {value}"));
        }
    }

    fn labelled(&mut self, name: &str, help: &str, label: &str, values: &ByLabel) {
        let values = values.all();
        self.each(
            name,
            help,
            label,
            values.iter().map(|(of, value)| (of.as_str(), *value)),
        );
    }

    fn each<'v>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl Iterator<Item = (&'v str, u64)>,
    ) {
        self.labels(name, help, "counter", label, values);
    }

    fn labels<'v>(
        &mut self,
        name: &str,
        help: &str,
        kind: &str,
        label: &str,
        values: impl Iterator<Item = (&'v str, u64)>,
    ) {
        self.head(name, help, kind);
        for (of, value) in values {
            self.line(format_args!("{name}{{{label}=\"{of}\"}} {value}"));
        }
    }

    fn exports(&mut self, names: &Names, exports: &Exports) {
        self.labelled(
            names.requests,
            "Export requests, by answer.",
            "answer",
            &exports.answers,
        );
        let counters = [
            (
                names.retries,
                "Export requests sent again.",
                &exports.retries,
            ),
            (
                names.taken,
                "Records that the upstream took.",
                &exports.taken,
            ),
            (
                names.refused,
                "Records refused by partial success.",
                &exports.refused,
            ),
            (
                names.dead,
                "Records put aside for good.",
                &exports.dead_letters,
            ),
            (
                names.warnings,
                "Requests taken with a warning.",
                &exports.warnings,
            ),
        ];
        for (name, help, counter) in counters {
            self.counter(name, help, counter.get());
        }
        self.histogram(names.seconds, "Time of export requests.", &exports.time);
        let alarm = exports.alarm.load(Ordering::Relaxed);
        self.gauge(
            names.alarm,
            "1 while the upstream's answer needs an operator.",
            alarm,
        );
    }

    fn operation(&mut self, now: &Now, refused: &ByLabel) {
        self.gauge(
            "courier_ready",
            "1 if a batch that comes now is accepted, as /readyz says.",
            u8::from(now.is_ready),
        );
        if let Some(disk) = now.disk {
            self.gauge(
                "courier_disk_free_bytes",
                "Bytes free on the disk of the data directory.",
                disk.free,
            );
            self.gauge(
                "courier_disk_keep_free_bytes",
                "Below so many free bytes batches are refused.",
                disk.floor,
            );
        }
        self.labelled(
            "courier_connections_refused_total",
            "Connections that were hung up on: too many from one address, or none could be accepted.",
            "reason",
            refused,
        );
    }

    fn ledger(&mut self, ledger: Size) {
        self.gauge(
            "courier_ledger_queues",
            "Queues that the ledger of accepted seqs knows.",
            ledger.queues,
        );
        self.gauge(
            "courier_ledger_ranges",
            "Ranges of accepted seqs, of all queues.",
            ledger.ranges,
        );
        self.gauge(
            "courier_ledger_bytes",
            "Bytes of the spool's cap that the ledger of accepted seqs takes.",
            ledger.bytes,
        );
        self.counter(
            "courier_ledger_gaps_closed_total",
            "Gaps between accepted seqs that were closed because a queue had too many.",
            ledger.gaps_closed,
        );
        self.counter(
            "courier_ledger_queues_forgotten_total",
            "Queues forgotten because they were silent for long.",
            ledger.queues_forgotten,
        );
    }

    fn files(&mut self, files: &Files) {
        let counters = [
            (
                "courier_file_records_total",
                "Records written to files.",
                &files.records,
            ),
            (
                "courier_file_bytes_total",
                "Bytes written to files.",
                &files.bytes,
            ),
            (
                "courier_file_errors_total",
                "Writes to files that failed.",
                &files.errors,
            ),
        ];
        for (name, help, counter) in counters {
            self.counter(name, help, counter.get());
        }
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, help, "histogram");
        for (count, bound) in histogram.counts.iter().zip(BOUNDS) {
            let count = count.load(Ordering::Relaxed);
            self.line(format_args!("{name}_bucket{{le=\"{bound}\"}} {count}"));
        }
        let count = histogram.count.load(Ordering::Relaxed);
        let seconds = Duration::from_micros(histogram.micros.load(Ordering::Relaxed)).as_secs_f64();
        self.line(format_args!(
            "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {seconds}\n{name}_count {count}"
        ));
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.0.write_fmt(line);
        self.0.push('\n');
    }
}

/// The names of one way to the upstream.
struct Names {
    requests: &'static str,
    retries: &'static str,
    taken: &'static str,
    refused: &'static str,
    dead: &'static str,
    warnings: &'static str,
    seconds: &'static str,
    alarm: &'static str,
}

const EXPORT: Names = Names {
    requests: "courier_export_requests_total",
    retries: "courier_export_retries_total",
    taken: "courier_records_exported_total",
    refused: "courier_records_upstream_refused_total",
    dead: "courier_records_dead_lettered_total",
    warnings: "courier_export_warnings_total",
    seconds: "courier_export_seconds",
    alarm: "courier_export_alarm",
};

const SPANS: Names = Names {
    requests: "courier_span_export_requests_total",
    retries: "courier_span_export_retries_total",
    taken: "courier_span_records_exported_total",
    refused: "courier_span_records_upstream_refused_total",
    dead: "courier_span_records_dead_lettered_total",
    warnings: "courier_span_export_warnings_total",
    seconds: "courier_span_export_seconds",
    alarm: "courier_span_export_alarm",
};

/// Upper bounds of a histogram's buckets, in seconds.
const BOUNDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_begins_with_courier_and_every_line_is_well_formed() {
        let metrics = Metrics::default();
        metrics.answers.add("200", 3);
        metrics.rejected.add("bad_level", 1);
        metrics.request_time.record(Duration::from_millis(3));
        let text = metrics.render(
            &Now {
                keys: Some(Keys {
                    count: 2,
                    age_seconds: Some(3.0),
                    failures: 0,
                }),
                spool_used_bytes: 80,
                spool_max_bytes: 100,
                ..Now::default()
            },
            &BTreeMap::from([("email", 2)]),
        );
        let mut names = BTreeSet::new();
        for line in text.lines().filter(|line| line.starts_with("# TYPE")) {
            assert!(names.insert(line), "said twice: {line}");
        }
        for line in text.lines() {
            let is_comment =
                line.starts_with("# HELP courier_") || line.starts_with("# TYPE courier_");
            let value = line
                .rsplit_once(' ')
                .and_then(|(_, value)| value.parse::<f64>().ok());
            assert!(
                is_comment || line.starts_with("courier_") && value.is_some(),
                "{line}"
            );
        }
        assert!(text.contains("courier_requests_total{status=\"200\"} 3\n"));
        assert!(text.contains("courier_request_seconds_bucket{le=\"0.0025\"} 0\n"));
        assert!(text.contains("courier_request_seconds_bucket{le=\"0.005\"} 1\n"));
        assert!(text.contains("courier_spool_nearly_full 1\n"));
        assert!(text.contains("courier_redactions_total{rule=\"email\"} 2\n"));
    }
}
