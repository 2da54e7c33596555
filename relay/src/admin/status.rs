//! `GET /admin/v1/status`: how the relay is, for `courier-relay status`.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;

use super::levels;
use super::state::Admin;
use crate::http::ApiError;
use crate::index::Index;
use crate::metrics::Exports;
use crate::spool::{Consumer, Spool};
use crate::status::{
    DiskStatus, ExportStatus, IndexStatus, KeysStatus, LedgerStatus, Observed, SpoolStatus, Status,
};

/// How the relay is, for `courier-relay status`.
pub async fn status(State(admin): State<Admin>) -> Result<Json<Status>, ApiError> {
    let pipeline = admin.ingest.pipeline();
    let (spool, metrics) = (pipeline.sink.spool(), &pipeline.metrics);
    let depth = spool.depth();
    let ledger = spool.ledger();
    let rules = admin.ingest.levels().list().await.map_err(levels::away)?;
    let exports = spool.depths().into_iter().filter_map(|(consumer, depth)| {
        let name = consumer.name();
        if consumer == Consumer::Index {
            return None;
        }
        let mut status = match name {
            "export" => export(&metrics.export),
            "spans" => export(&metrics.spans),
            _ => ExportStatus {
                taken: metrics.files.records.get(),
                ..ExportStatus::default()
            },
        };
        // Kept for an upstream that is still to be set.
        if name == "export" && !admin.has_upstream {
            return None;
        }
        status.name = name.to_owned();
        status.waiting = depth.records;
        Some(status)
    });
    let exports: Vec<ExportStatus> = exports.collect();
    let index = admin
        .index
        .as_deref()
        .map(|index| self::index(index, spool));
    let disk = pipeline.disk.space();
    let hindrance = admin.hindrance();
    let keys = admin.ingest.verifier().key_set();
    let seen = Observed {
        hindrance,
        is_disk_nearly_low: disk.is_some_and(|space| space.is_nearly_low()),
        writes: spool.writes(),
        damaged_records: spool.damaged_records(),
        exports: exports.clone(),
        index: index.clone(),
        oldest_seconds: admin.oldest_seconds().await,
        keys: keys.clone(),
        certificate_seconds: admin.certificate_seconds(),
    };
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime_seconds: admin.started.elapsed().as_secs(),
        listening: admin.listening.clone(),
        ready: hindrance.is_none(),
        alarms: seen.alarms(),
        spool: SpoolStatus {
            records: depth.records,
            bytes: depth.bytes,
            used_bytes: spool.used_bytes(),
            max_bytes: admin.spool_max_bytes,
            oldest_seconds: seen.oldest_seconds,
            damaged_records: seen.damaged_records,
            failed_writes: spool.writes().failed,
        },
        exports,
        index,
        awaits_upstream: !admin.has_upstream && spool.cursor(Consumer::Export).is_some(),
        dead_letters: spool.dead_letters(),
        disk: disk.map(|space| DiskStatus {
            free_bytes: space.free,
            size_bytes: space.size,
            keep_free_bytes: space.floor,
            is_low: pipeline.disk.is_low(),
        }),
        keys: KeysStatus {
            mode: admin.key_mode.to_owned(),
            count: keys.as_ref().map_or(1, |set| count(set.keys)),
            age_seconds: keys.and_then(|set| Some(set.age?.as_secs_f64())),
        },
        ledger: LedgerStatus {
            queues: ledger.queues,
            ranges: ledger.ranges,
            bytes: ledger.bytes,
        },
        levels: count(rules.len()),
    }))
}

fn index(index: &Index, spool: &Spool) -> IndexStatus {
    let size = index.size();
    let depths = spool.depths();
    let waiting = depths
        .into_iter()
        .find(|(consumer, _)| *consumer == Consumer::Index);
    let since = index.kept_since().map(Timestamp::from_millisecond);
    IndexStatus {
        records: size.records,
        segments: size.segments,
        bytes: size.bytes,
        waiting: waiting.map_or(0, |(_, depth)| depth.records),
        skipped: index.counts.skipped.load(Ordering::Relaxed),
        missing: size.missing,
        unreadable: size.unreadable,
        is_failing: index.counts.is_failing.load(Ordering::Relaxed),
        kept_since: since.and_then(Result::ok).map(|at| at.to_string()),
        keep_seconds: index.keep().as_secs(),
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn export(exports: &Exports) -> ExportStatus {
    let last = exports
        .last
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    ExportStatus {
        taken: exports.taken.get(),
        last_seconds: last.as_ref().map(|(_, at)| at.elapsed().as_secs_f64()),
        last_answer: last.map(|(answer, _)| answer),
        alarm: exports.alarm.get() == 1,
        ..ExportStatus::default()
    }
}
