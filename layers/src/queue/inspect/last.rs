//! The last words of a queue.

use super::super::chain::path;
use super::super::file_system::FileSystem;
use super::super::line::is_context;
use super::super::reader::{Found, Reader};
use super::super::storage::Storage as _;
use super::StoredQueue;

impl StoredQueue {
    /// The last whole record that was written, delivered or not, as one JSON object. Only the end of the queue is read.
    #[must_use]
    pub fn last_record(&self) -> Option<Vec<u8>> {
        if self.is_newer() {
            return None;
        }
        self.segments.iter().rev().find_map(|&(first_seq, bytes)| {
            let mut looked_at = TAIL_BYTES;
            loop {
                let from = bytes.saturating_sub(looked_at);
                let last = self.last_between(first_seq, from, bytes);
                if last.is_some() || from == 0 {
                    return last;
                }
                looked_at = looked_at.saturating_mul(4);
            }
        })
    }

    fn last_between(&self, first_seq: u64, from: u64, end: u64) -> Option<Vec<u8>> {
        let file = FileSystem.read(&path(&self.dir, first_seq)).ok()?;
        let mut reader = Reader::new(file, from, end, u64::MAX);
        let mut last = None;
        while let Ok(found @ (Found::Line { .. } | Found::Garbage(_))) = reader.next() {
            if let Found::Line { len, .. } = found {
                let line = reader.line(len);
                if !is_context(line) {
                    last = Some(line.trim_ascii_end().to_vec());
                }
            }
        }
        last
    }
}

/// How much of a segment is looked at first: more than the longest record.
const TAIL_BYTES: u64 = 128 * 1024;
