//! Reads the lines of one segment, whatever else lies between them.
//!
//! 1. A line counts when its frame, its length and its CRC are right and its seq can be in this segment.
//! 2. From anything else the reader goes on at the next marker: damage costs what was damaged.
//! 3. A block that can't be read is damage too, and costs its 4 KiB.

use std::io;
use std::sync::Arc;

use super::blocks::BLOCK_BYTES;
use super::line::{CONTEXT_START, Check, MARKER, MAX_LINE_BYTES, check};
use super::storage::{StoredFile, read_full};

/// A reader over the first `end` bytes of one segment.
#[derive(Debug)]
pub(super) struct Reader {
    file: Arc<dyn StoredFile>,
    end: u64,
    /// Lines with this seq or a later one can't be whole here.
    seq_limit: u64,
    buffer: Vec<u8>,
    /// Offset in the file of the buffer's first byte.
    base: u64,
    start: usize,
    filled: usize,
    /// How much is read at once: at first not much more than what is wanted.
    chunk: usize,
    garbage: Garbage,
}

/// What the reader came upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A whole line, at hand as [`Reader::line`].
    Line { seq: u64, offset: u64, len: usize },
    /// Bytes that are no whole line.
    Garbage(Garbage),
    /// The end of the segment.
    End,
}

/// What the reader had to skip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Garbage {
    pub(super) bytes: u64,
    markers: u64,
    newlines: u64,
    has_nul: bool,
    has_context: bool,
}

impl Garbage {
    /// Whether a context line may be among the skipped bytes when `lost` records are.
    pub(super) fn may_hide_context(&self, lost: u64) -> bool {
        self.has_nul || self.has_context || (self.newlines != lost && self.markers != lost)
    }

    fn take(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.markers += u64::from(bytes.starts_with(MARKER));
        self.newlines += bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.has_nul |= bytes.contains(&0);
        self.has_context |= find(bytes, CONTEXT_START).is_some();
    }
}

impl Reader {
    /// Reads from `offset` to `end`.
    pub(super) fn new(file: Arc<dyn StoredFile>, offset: u64, end: u64, seq_limit: u64) -> Self {
        Self {
            file,
            end,
            seq_limit,
            buffer: Vec::new(),
            base: offset,
            start: 0,
            filled: 0,
            chunk: CHUNK_BYTES,
            garbage: Garbage::default(),
        }
    }

    /// Reads into this buffer, at first about as much as so many records take.
    pub(super) fn with_buffer(mut self, buffer: Vec<u8>, records: usize) -> Self {
        self.buffer = buffer;
        self.chunk = records
            .saturating_mul(RECORD_BYTES)
            .clamp(BLOCK_BYTES as usize, CHUNK_BYTES);
        self
    }

    /// The buffer, for the next reader.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        let mut buffer = self.buffer;
        if buffer.len() > 2 * CHUNK_BYTES {
            // Grown for one line of uncommon size.
            buffer.truncate(CHUNK_BYTES);
            buffer.shrink_to_fit();
        }
        buffer
    }

    /// Goes on to the next line, or to garbage before it. After [`Found::Line`] the line is at hand until the next call.
    pub(super) fn next(&mut self) -> io::Result<Found> {
        loop {
            let rest = self.buffer.get(self.start..self.filled).unwrap_or_default();
            match check(rest) {
                Check::Whole { seq, len } if seq < self.seq_limit => {
                    if self.garbage.bytes > 0 {
                        return Ok(Found::Garbage(std::mem::take(&mut self.garbage)));
                    }
                    let offset = self.base + self.start as u64;
                    self.start += len;
                    return Ok(Found::Line { seq, offset, len });
                }
                Check::Short if self.fill()? => {}
                Check::Short if self.start == self.filled => {
                    return Ok(match self.garbage.bytes {
                        0 => Found::End,
                        _ => Found::Garbage(std::mem::take(&mut self.garbage)),
                    });
                }
                Check::Whole { .. } | Check::Short | Check::Bad => self.skip(),
            }
        }
    }

    /// The line of `len` bytes that [`next`](Self::next) gave last.
    pub(super) fn line(&self, len: usize) -> &[u8] {
        self.buffer
            .get(self.start.saturating_sub(len)..self.start)
            .unwrap_or_default()
    }

    /// A second reader from where this one stands.
    pub(super) fn fork(&self) -> Self {
        Self::new(
            Arc::clone(&self.file),
            self.offset(),
            self.end,
            self.seq_limit,
        )
    }

    /// Where the reader stands.
    pub(super) fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// Skips to the next place where a line may begin.
    fn skip(&mut self) {
        let rest = self.buffer.get(self.start..self.filled).unwrap_or_default();
        let skipped = match find(rest.get(1..).unwrap_or_default(), MARKER) {
            Some(at) => at + 1,
            // The last bytes may be the first of a marker.
            None => rest.len().saturating_sub(MARKER.len() - 1).max(1),
        };
        let skipped = skipped.min(rest.len());
        self.garbage.take(rest.get(..skipped).unwrap_or_default());
        self.start += skipped;
    }

    /// Gets more bytes behind those not yet read; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        let offset = self.base + self.filled as u64;
        let left = usize::try_from(self.end.saturating_sub(offset)).unwrap_or(usize::MAX);
        if left == 0 || self.filled - self.start > MAX_LINE_BYTES {
            return Ok(false);
        }
        self.buffer.copy_within(self.start..self.filled, 0);
        self.base += self.start as u64;
        self.filled -= self.start;
        self.start = 0;
        let wanted = self.filled + left.min(self.chunk);
        self.chunk = CHUNK_BYTES;
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        let room = self.buffer.get_mut(self.filled..wanted).unwrap_or_default();
        let read = match read_full(&*self.file, room, offset) {
            Ok(read) => read,
            Err(_) => read_around(&*self.file, room, offset)?,
        };
        self.filled += read;
        Ok(read > 0)
    }
}

/// Reads block by block, with NULs for those that can't be read. An error when none can.
fn read_around(file: &dyn StoredFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let (mut filled, mut at, mut failed) = (0, offset, None);
    let mut rest = buffer;
    while !rest.is_empty() {
        let to_boundary = BLOCK_BYTES - at % BLOCK_BYTES;
        let wanted = usize::try_from(to_boundary)
            .unwrap_or(rest.len())
            .min(rest.len());
        let (block, behind) = rest.split_at_mut(wanted);
        match read_full(file, block, at) {
            Ok(read) => {
                filled += read;
                if read < wanted {
                    return Ok(filled);
                }
            }
            Err(error) => {
                block.fill(0);
                filled += wanted;
                failed = Some(error);
            }
        }
        at += wanted as u64;
        rest = behind;
    }
    match failed {
        Some(error) if filled == 0 => Err(error),
        _ => Ok(filled),
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    loop {
        let rest = bytes.get(from..)?;
        let at = from + rest.iter().position(|&byte| byte == first)?;
        if bytes.get(at..)?.starts_with(wanted) {
            return Some(at);
        }
        from = at + 1;
    }
}

const CHUNK_BYTES: usize = 64 * 1024;
/// A little more than a usual record.
const RECORD_BYTES: usize = 400;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::super::line::Line;
    use super::super::proofs::sim::Sim;
    use super::super::storage::Storage;
    use super::*;

    fn line(seq: u64, body: &str) -> Vec<u8> {
        let mut line = Line::new();
        line.body().extend_from_slice(body.as_bytes());
        let body = line.close();
        line.stamp(seq, &body).to_vec()
    }

    fn piece() -> impl Strategy<Value = (Option<u64>, Vec<u8>)> {
        prop_oneof![
            (0..100_u64, "[ -~]{0,300}").prop_map(|(seq, body)| (Some(seq), line(seq, &body))),
            prop::collection::vec(any::<u8>(), 0..200).prop_map(|bytes| (None, bytes)),
            Just((None, vec![0; 5000])),
            Just((None, MARKER.to_vec())),
            // A length that promises more than there is.
            Just((
                None,
                b"{\"q\":\"0000000000000001-000fffff-00000000\",".to_vec()
            )),
            Just((
                None,
                b"{\"q\":\"0000000000000001-ffffffff-00000000\",".to_vec()
            )),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_lies_between_them_every_whole_line_is_found_and_every_byte_accounted_for(
            pieces in prop::collection::vec(piece(), 0..40),
        ) {
            let content: Vec<u8> = pieces.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
            let expected: Vec<u64> = pieces.iter().filter_map(|(seq, _)| *seq).collect();
            let (sim, path) = (Sim::default(), Path::new("/q/file"));
            sim.put(path, &content);
            let mut reader = Reader::new(sim.read(path).unwrap(), 0, content.len() as u64, 100);
            let (mut found, mut bytes) = (Vec::new(), 0);
            loop {
                match reader.next().unwrap() {
                    Found::End => break,
                    Found::Garbage(garbage) => bytes += garbage.bytes,
                    Found::Line { seq, len, .. } => {
                        let is_whole = check(reader.line(len)) == Check::Whole { seq, len };
                        prop_assert!(is_whole);
                        found.push(seq);
                        bytes += len as u64;
                    }
                }
            }
            prop_assert_eq!(found, expected);
            prop_assert_eq!(bytes, content.len() as u64);
        }
    }
}
