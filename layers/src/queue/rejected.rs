//! `rejected.jsonl`: what the relay refused for its content, kept for support.
//!
//! A small ring: at its cap the older half goes, and what is larger than half of it is not kept. A line is the record as
//! it was, with `reason` and `queue` put last. Where the disk refuses, the record is only counted.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::IgnoredAny;
use serde_json::Value;

use super::id::QueueId;
use super::storage::{Storage, append_all, read_full};

#[derive(Debug)]
pub(super) struct Rejected {
    storage: Arc<dyn Storage>,
    path: PathBuf,
    max_bytes: u64,
    /// Of whole lines.
    bytes: u64,
    /// A part of a line stands behind them, and could not be cut off yet.
    is_torn: bool,
}

impl Rejected {
    /// The ring in `dir`, which holds none yet.
    pub(super) fn new(storage: Arc<dyn Storage>, dir: &Path, max_bytes: u64) -> Self {
        Self {
            storage,
            path: dir.join(FILE_NAME),
            max_bytes,
            bytes: 0,
            is_torn: false,
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Puts a record aside.
    pub(super) fn add(&mut self, queue: QueueId, record: &[u8], reason: &str) -> io::Result<()> {
        let mut line = record.strip_suffix(b"}").unwrap_or(record).to_vec();
        let reason: String = reason.chars().take(MAX_REASON_CHARS).collect();
        line.extend_from_slice(
            format!(
                ",\"reason\":{},\"queue\":\"{queue}\"}}\n",
                Value::from(reason)
            )
            .as_bytes(),
        );
        self.append(&line)
    }

    /// Takes over what another queue, in `dir`, had put aside.
    pub(super) fn take_over(&mut self, dir: &Path) -> io::Result<()> {
        let lines = match read_all(&*self.storage, &dir.join(FILE_NAME)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            read => read?,
        };
        // A power loss may have torn them.
        let is_json = |line: &&[u8]| serde_json::from_slice::<IgnoredAny>(line).is_ok();
        let whole: Vec<&[u8]> = lines
            .split_inclusive(|&byte| byte == b'\n')
            .filter(is_json)
            .collect();
        self.append(newest(&whole.concat(), self.max_bytes / 2))
    }

    /// Forgets all of it.
    pub(super) fn clear(&mut self) {
        let _ = self.storage.remove_file(&self.path);
        self.bytes = 0;
        self.is_torn = false;
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let added = lines.len() as u64;
        if added == 0 || added > self.max_bytes / 2 {
            return Ok(());
        }
        if self.bytes + added > self.max_bytes {
            self.halve()?;
        }
        let file = match self.storage.create(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.storage.open_to_append(&self.path)?
            }
            made => made?,
        };
        if self.is_torn {
            file.set_len(self.bytes)?;
            self.is_torn = false;
        }
        let appended = append_all(&*file, lines);
        match appended {
            Ok(()) => self.bytes += added,
            Err(_) => self.is_torn = file.set_len(self.bytes).is_err(),
        }
        appended
    }

    fn halve(&mut self) -> io::Result<()> {
        let mut lines = read_all(&*self.storage, &self.path)?;
        lines.truncate(usize::try_from(self.bytes).unwrap_or(usize::MAX));
        let kept = newest(&lines, self.max_bytes / 2);
        let beside = self.path.with_extension("new");
        let _ = self.storage.remove_file(&beside);
        append_all(&*self.storage.create(&beside)?, kept)?;
        self.storage.rename(&beside, &self.path)?;
        self.bytes = kept.len() as u64;
        self.is_torn = false;
        Ok(())
    }
}

/// The last whole lines, `max_bytes` of them at most.
fn newest(lines: &[u8], max_bytes: u64) -> &[u8] {
    let max_bytes = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    let Some(from) = lines.len().checked_sub(max_bytes).filter(|&from| from > 0) else {
        return lines;
    };
    let rest = lines.get(from - 1..).unwrap_or_default();
    match rest.iter().position(|&byte| byte == b'\n') {
        Some(at) => rest.get(at + 1..).unwrap_or_default(),
        None => &[],
    }
}

fn read_all(storage: &dyn Storage, path: &Path) -> io::Result<Vec<u8>> {
    let file = storage.read(path)?;
    let mut bytes = vec![0; usize::try_from(file.len()?).unwrap_or(0)];
    let filled = read_full(&*file, &mut bytes, 0)?;
    bytes.truncate(filled);
    Ok(bytes)
}

/// The file's name.
pub(super) const FILE_NAME: &str = "rejected.jsonl";

const MAX_REASON_CHARS: usize = 1024;
