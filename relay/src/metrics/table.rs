//! Every metric of the relay, in the order of the text: its name, what it means, where its value is.

use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;

use super::by_label::Labelled;
use super::row::{Row, Scrape, Show};

/// One entry each: the name, the help, and how the value comes from a scrape.
macro_rules! rows {
    ($($name:expr, $help:literal: |$scrape:ident| $show:expr;)+) => {
        &[$(Row { name: $name, help: $help, show: |$scrape: &Scrape| $show }),+]
    };
}

/// The same for each way to an upstream; `$prefix` tells them apart.
macro_rules! ways {
    ($prefix:literal, |$scrape:ident| $exports:expr) => {
        rows! {
            concat!("courier_", $prefix, "export_requests_total"), "Export requests, by answer.":
                |$scrape| $exports.map_or(Show::Absent, |way| labelled(way.answers.by("answer")));
            concat!("courier_", $prefix, "export_retries_total"), "Export requests sent again.":
                |$scrape| $exports.map_or(Show::Absent, |way| counter(way.retries.get()));
            concat!("courier_", $prefix, "records_exported_total"), "Records that the upstream took.":
                |$scrape| $exports.map_or(Show::Absent, |way| counter(way.taken.get()));
            concat!("courier_", $prefix, "records_upstream_refused_total"), "Records refused by partial success.":
                |$scrape| $exports.map_or(Show::Absent, |way| counter(way.refused.get()));
            concat!("courier_", $prefix, "records_dead_lettered_total"), "Records put aside for good.":
                |$scrape| $exports.map_or(Show::Absent, |way| counter(way.dead_letters.get()));
            concat!("courier_", $prefix, "export_warnings_total"), "Requests taken with a warning.":
                |$scrape| $exports.map_or(Show::Absent, |way| counter(way.warnings.get()));
            concat!("courier_", $prefix, "export_seconds"), "Time of export requests.":
                |$scrape| $exports.map_or(Show::Absent, |way| histogram(&way.time));
            concat!("courier_", $prefix, "export_alarm"), "1 while the upstream's answer needs an operator.":
                |$scrape| $exports.map_or(Show::Absent, |way| flag(way.alarm.get() == 1));
        }
    };
}

/// All metrics.
pub const ROWS: [&[Row]; 8] = [INGEST, EXPORT, SPANS, FILES, SPOOL, INDEX, KEYS, OPERATION];

const INGEST: &[Row] = rows! {
    "courier_requests_total", "Answers of the ingest listener.":
        |scrape| labelled(scrape.metrics.answers.by("status"));
    "courier_records_accepted_total", "Records accepted.":
        |scrape| counter(scrape.metrics.accepted.get());
    "courier_records_duplicate_total", "Records that were there before.":
        |scrape| counter(scrape.metrics.duplicates.get());
    "courier_records_dropped_by_erasure_total", "Records of erased persons that came again and were not kept.":
        |scrape| counter(scrape.metrics.kept_out.get());
    "courier_records_rejected_total", "Records refused for their content.":
        |scrape| labelled(scrape.metrics.rejected.by("reason"));
    "courier_members_dropped_total", "Members of records and resources dropped because there were too many.":
        |scrape| counter(scrape.metrics.members_dropped.get());
    "courier_redactions_total", "What the sanitizer took, by rule.":
        |scrape| labelled(Labelled::counters("rule", named(scrape.redactions.iter().map(|(rule, count)| (*rule, *count)))));
    "courier_sanitized_bytes_total", "Bytes of text that the sanitizer scanned.":
        |scrape| counter(scrape.now.sanitized_bytes);
    "courier_sanitize_truncated_total", "Texts that the sanitizer cut at its cap.":
        |scrape| counter(scrape.now.sanitize_truncated);
    "courier_sanitize_failed_closed_total", "Texts that went as a whole because something in the sanitizer went wrong.":
        |scrape| counter(scrape.now.sanitize_failed_closed);
    "courier_received_bytes_total", "Bytes of bodies, inflated.":
        |scrape| counter(scrape.metrics.received_bytes.get());
    "courier_request_seconds", "Time of ingest requests.":
        |scrape| histogram(&scrape.metrics.request_time);
};

const EXPORT: &[Row] = ways!("", |scrape| Some(&scrape.metrics.export));
const SPANS: &[Row] = ways!("span_", |scrape| scrape
    .now
    .is_kept_for("spans")
    .then_some(&scrape.metrics.spans));

const FILES: &[Row] = rows! {
    "courier_file_records_total", "Records written to files.":
        |scrape| of_files(scrape, scrape.metrics.files.records.get());
    "courier_file_bytes_total", "Bytes written to files.":
        |scrape| of_files(scrape, scrape.metrics.files.bytes.get());
    "courier_file_errors_total", "Writes to files that failed.":
        |scrape| of_files(scrape, scrape.metrics.files.errors.get());
};

const SPOOL: &[Row] = rows! {
    "courier_spool_waiting_records", "Records that wait, by consumer.":
        |scrape| labelled(Labelled::gauges("consumer", named(scrape.now.waiting.iter().copied())));
    "courier_spool_records", "Records that wait for whoever is furthest behind.":
        |scrape| gauge(scrape.now.spool_records);
    "courier_spool_bytes", "Bytes that wait, before they were packed.":
        |scrape| gauge(scrape.now.spool_bytes);
    "courier_spool_used_bytes", "Bytes of the cap that are used: what waits, the ledger of names, dead letters.":
        |scrape| gauge(scrape.now.spool_used_bytes);
    "courier_spool_max_bytes", "Bytes that may be used.":
        |scrape| gauge(scrape.now.spool_max_bytes);
    "courier_spool_nearly_full", "1 from 80 % of the cap on, and while the disk has less than four times --keep-free.":
        |scrape| flag(scrape.now.is_filling());
    "courier_records_damaged_total", "Records lost to damage of the spool.":
        |scrape| counter(scrape.now.damaged_records);
    "courier_frames_damaged_total", "Frames of the spool that were not what was written.":
        |scrape| counter(scrape.now.damaged_frames);
    "courier_spool_oldest_seconds", "Age of what waits longest.":
        |scrape| seconds(Some(scrape.now.oldest_seconds));
};

const INDEX: &[Row] = rows! {
    "courier_index_records", "Records in the index.":
        |scrape| scrape.now.index.map_or(Show::Absent, |index| gauge(index.records));
    "courier_index_segments", "Files of the index that can be read.":
        |scrape| scrape.now.index.map_or(Show::Absent, |index| gauge(index.segments));
    "courier_index_bytes", "Bytes of the index's files.":
        |scrape| scrape.now.index.map_or(Show::Absent, |index| gauge(index.bytes));
    "courier_index_lag_seconds", "Age of what waits longest to be indexed.":
        |scrape| seconds(scrape.now.index.map(|index| index.lag_seconds));
    "courier_index_skipped_total", "Records that are not in the index, because it could not be written for too long.":
        |scrape| scrape.now.index.map_or(Show::Absent, |index| counter(index.skipped));
    "courier_index_missing_records", "Records of the time that the index covers which are not in it: lost with a file, or skipped.":
        |scrape| scrape.now.index.map_or(Show::Absent, |index| gauge(index.missing));
    "courier_index_unreadable_files", "Files of the index that can't be read.":
        |scrape| scrape.now.index.map_or(Show::Absent, |index| gauge(index.unreadable));
    "courier_index_write_alarm", "1 while the index can't be written.":
        |scrape| scrape.now.index.map_or(Show::Absent, |index| flag(index.is_failing));
    "courier_index_lookup_seconds", "Time of questions for records to the index.":
        |scrape| of_index(scrape, histogram(&scrape.metrics.lookups.time));
    "courier_index_lookups_cut_total", "Questions to the index that ended at their time limit, before every file was asked.":
        |scrape| of_index(scrape, counter(scrape.metrics.lookups.cut.get()));
};

const KEYS: &[Row] = rows! {
    "courier_jwks_keys", "Published keys in use; absent where tokens are checked with another key.":
        |scrape| scrape.now.keys.map_or(Show::Unset(MetricType::Gauge), |keys| gauge(keys.count as u64));
    "courier_jwks_age_seconds", "How long ago published keys were fetched; over 600 when their publisher is away, absent before the first time.":
        |scrape| seconds(scrape.now.keys.and_then(|keys| keys.age_seconds));
    "courier_certificate_left_seconds", "Seconds until the certificate expires, below zero once it has; absent without one.":
        |scrape| seconds(scrape.now.certificate_seconds);
    "courier_jwks_failures_total", "Fetches of published keys that brought none.":
        |scrape| scrape.now.keys.map_or(Show::Absent, |keys| counter(keys.failures));
};

const OPERATION: &[Row] = rows! {
    "courier_dead_letters", "Dead letters kept.":
        |scrape| gauge(scrape.now.dead.letters);
    "courier_dead_letter_bytes", "Bytes of the spool's cap that dead letters take.":
        |scrape| gauge(scrape.now.dead.bytes);
    "courier_dead_letters_expired_total", "Dead letters that went for their age, or because they took a quarter of the cap.":
        |scrape| counter(scrape.now.dead.expired);
    "courier_ready", "1 if a batch that comes now is accepted, as /readyz says.":
        |scrape| flag(scrape.now.is_ready);
    "courier_disk_free_bytes", "Bytes free on the disk of the data directory.":
        |scrape| scrape.now.disk.map_or(Show::Absent, |disk| gauge(disk.free));
    "courier_disk_keep_free_bytes", "Below so many free bytes batches are refused.":
        |scrape| scrape.now.disk.map_or(Show::Absent, |disk| gauge(disk.floor));
    "courier_connections_refused_total", "Connections that were hung up on: too many from one address, or none could be accepted.":
        |scrape| labelled(scrape.metrics.connections_refused.by("reason"));
    "courier_ledger_queues", "Queues that the ledger of accepted seqs knows.":
        |scrape| gauge(scrape.now.ledger.queues);
    "courier_ledger_ranges", "Ranges of accepted seqs, of all queues.":
        |scrape| gauge(scrape.now.ledger.ranges);
    "courier_ledger_bytes", "Bytes of the spool's cap that the ledger of accepted seqs takes.":
        |scrape| gauge(scrape.now.ledger.bytes);
    "courier_ledger_gaps_closed_total", "Gaps between accepted seqs that were closed because a queue had too many.":
        |scrape| counter(scrape.now.ledger.gaps_closed);
    "courier_ledger_queues_forgotten_total", "Queues forgotten because they were silent for long.":
        |scrape| counter(scrape.now.ledger.queues_forgotten);
    "courier_spool_write_errors_total", "Transactions of the spool that failed; nothing of them was acknowledged.":
        |scrape| counter(scrape.now.writes.failed);
    "courier_spool_write_alarm", "1 while the spool can't be written: a full or failing disk.":
        |scrape| flag(scrape.now.writes.is_failing);
    "courier_spool_log_lost", "1 if the spool's write-ahead log was gone when this relay started.":
        |scrape| flag(scrape.now.writes.is_log_lost);
};

fn counter(count: u64) -> Show {
    Show::Value(Box::new(ConstCounter::new(count)))
}

fn gauge(number: u64) -> Show {
    Show::Value(Box::new(ConstGauge::new(number)))
}

fn flag(is_so: bool) -> Show {
    gauge(u64::from(is_so))
}

fn seconds(seconds: Option<f64>) -> Show {
    let value = |seconds| Show::Value(Box::new(ConstGauge::new(seconds)));
    seconds.map_or(Show::Unset(MetricType::Gauge), value)
}

fn histogram(histogram: &Histogram) -> Show {
    Show::Value(Box::new(histogram.clone()))
}

fn labelled(values: Labelled) -> Show {
    Show::Value(Box::new(values))
}

/// A counter of the exporter to files, where there is one.
fn of_files(scrape: &Scrape, count: u64) -> Show {
    if scrape.now.is_kept_for("file") {
        counter(count)
    } else {
        Show::Absent
    }
}

fn of_index(scrape: &Scrape, show: Show) -> Show {
    scrape.now.index.map_or(Show::Absent, |_| show)
}

fn named<'s>(values: impl Iterator<Item = (&'s str, u64)>) -> impl Iterator<Item = (String, u64)> {
    values.map(|(name, number)| (name.to_owned(), number))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;

    use super::super::counters::Metrics;
    use super::super::now::{Keys, Now};
    use super::*;

    #[test]
    fn every_name_begins_with_courier_and_every_line_is_well_formed() {
        let metrics = Metrics::default();
        metrics.answers.add("200", 3);
        metrics.rejected.add("bad_level", 1);
        metrics.request_time.observe(0.003);
        let scrape = Scrape {
            metrics: Arc::new(metrics),
            now: Now {
                keys: Some(Keys {
                    count: 2,
                    age_seconds: Some(3.0),
                    failures: 0,
                }),
                spool_used_bytes: 80,
                spool_max_bytes: 100,
                ..Now::default()
            },
            redactions: BTreeMap::from([("email", 2)]),
        };
        let text = scrape.render();
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
