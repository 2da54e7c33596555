//! Feeds queue directories that were carried here by hand through the pipeline, without a token.
//!
//! Into the data directory itself, or, while a relay runs on it, through that relay's admin API. The subject is empty, so a record's name is its queue and seq: importing twice is importing once. What is damaged is
//! counted, and costs nothing else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use tracing_courier::queue::inspect::{self, InspectError, StoredRecord};
use tracing_courier::wire::Receipt;

use super::admin_client::AdminClientError;
use super::reached::Reached;
use crate::access::{AccessError, Deed, note_in};
use crate::config::Config;
use crate::data_dir::{DataDir, DataDirError};
use crate::ingest::Pipeline;

/// What became of the records that were carried here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Queues read.
    pub queues: u64,
    /// Queues that a newer version wrote; not read.
    pub newer: u64,
    /// Records now safe in the spool.
    pub accepted: u64,
    /// Records that had been imported before.
    pub duplicates: u64,
    /// Records that the relay will never take.
    pub rejected: u64,
    /// Records that are missing, with nothing that says why.
    pub missing: u64,
    /// Bytes that are no record.
    pub damaged_bytes: u64,
}

/// Why an import ended early. What was accepted until then is safe; run it again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The directory can't be read.
    #[error(transparent)]
    Unreadable(#[from] InspectError),
    /// There is no queue in it. Give a queue root, or one `q-<id>` directory.
    #[error("no queue in `{}`", .0.display())]
    NoQueue(PathBuf),
    /// The relay's own side can't be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The audit can't be written, so nothing was imported.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The running relay does not take them.
    #[error(transparent)]
    AdminClient(#[from] AdminClientError),
    /// A batch was not taken.
    #[error("a batch was not accepted: {0}")]
    NotAccepted(String),
}

/// Imports the queues in `dir`, a root or one `q-<id>` directory, because of `why`.
///
/// # Errors
///
/// When it could not be read or kept to the end: see [`ImportError`].
pub async fn import(config: &Config, dir: &Path, why: &str) -> Result<Imported, ImportError> {
    let queues = inspect::queues(dir)?;
    if queues.is_empty() {
        return Err(ImportError::NoQueue(dir.to_owned()));
    }
    let reached = Reached::open::<ImportError>(config).await?.because(why);
    if let Reached::Directory(_) = reached {
        let from = dir.display().to_string();
        note_in(&config.data_dir, Deed::local("import", "", from, why)).await?;
    }
    let way = reached.map(|dir| {
        let pipeline = dir.pipeline(config, Arc::default());
        (dir, pipeline)
    });
    let mut imported = Imported::default();
    for queue in queues {
        if queue.is_newer() {
            imported.newer += 1;
            continue;
        }
        imported.queues += 1;
        let mut records = queue.records();
        let mut batch: Vec<StoredRecord> = Vec::new();
        let mut bytes = 0;
        loop {
            let record = records.next();
            let is_full = batch.len() == MAX_RECORDS || bytes > MAX_BYTES;
            let is_other = record
                .as_ref()
                .zip(batch.last())
                .is_some_and(|(next, last)| next.context != last.context);
            if is_full || is_other || record.is_none() {
                send(&way, &batch, &mut imported).await?;
                batch.clear();
                bytes = 0;
            }
            let Some(record) = record else { break };
            bytes += record.json.len();
            batch.push(record);
        }
        imported.missing += records.damage().records;
        imported.damaged_bytes += records.damage().bytes;
    }
    if let Reached::Directory((dir, _)) = way {
        dir.close().await;
    }
    Ok(imported)
}

async fn send(
    way: &Way,
    batch: &[StoredRecord],
    imported: &mut Imported,
) -> Result<(), ImportError> {
    let Some(first) = batch.first() else {
        return Ok(());
    };
    let mut body = format!("{{{},\"logs\":[", first.context).into_bytes();
    for (place, record) in batch.iter().enumerate() {
        if place > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&record.json);
    }
    body.extend_from_slice(b"]}");
    let receipt = accept(way, body).await?;
    imported.accepted += receipt.accepted;
    imported.duplicates += receipt.duplicates;
    imported.rejected += u64::try_from(receipt.rejected.len()).unwrap_or(u64::MAX);
    Ok(())
}

/// Where batches go: through a pipeline into the data directory, or to the relay that has it.
type Way = Reached<(Box<DataDir>, Pipeline)>;

async fn accept(way: &Way, body: Vec<u8>) -> Result<Receipt, ImportError> {
    match way {
        Reached::Directory((_, pipeline)) => {
            let accepted = pipeline.accept("", &body, |_| Ok(())).await;
            accepted.map_err(|error| ImportError::NotAccepted(error.to_string()))
        }
        Reached::Relay(relay) => Ok(relay.post("/admin/v1/import", body).await?),
    }
}

/// A batch ends here, as on the wire.
const MAX_RECORDS: usize = 100;

/// A batch ends behind the record that passes this.
const MAX_BYTES: usize = 800_000;
