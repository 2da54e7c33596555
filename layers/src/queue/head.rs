//! `head.json`: how far a queue is confirmed, in two fixed-width slots written in turn, in place.
//!
//! 1. A slot carries a CRC and a turn; of the whole ones the later turn counts.
//! 2. A slot has a 512-byte sector of its own, so that a torn write costs the newer one at most.
//! 3. Lost altogether, the queue begins again at its oldest segment: the relay sees duplicates, nobody a loss.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;

use super::line::{hex8, hex16, parse_hex};
use super::storage::{Storage, StoredFile, append_all, read_full};

/// A place between two records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// First seq of the segment, as in its name.
    pub(super) segment: u64,
    /// Bytes from the start of that segment.
    pub(super) offset: u64,
    /// The seq that is expected next.
    pub(super) seq: u64,
    /// Where in that segment the context line in force begins; nothing at its start, or when it was damaged.
    pub(super) context: Option<u64>,
}

/// What a slot says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) position: Position,
    /// Higher in a queue that began later; decides which of several is the oldest.
    pub(super) generation: u64,
    /// Sends from this position that were begun and not ended.
    pub(super) attempts: u64,
    /// One more than the last seq of the batch that was being sent then.
    pub(super) suspects_end: u64,
}

/// What `head.json` was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    /// The later whole slot, and its turn.
    Slot { slot: Slot, turn: u64 },
    /// No file, or no whole slot in it.
    Lost,
    /// Written by a version that this one does not know.
    Newer,
}

/// The writing end.
#[derive(Debug)]
pub(super) struct Head {
    storage: Arc<dyn Storage>,
    path: PathBuf,
    file: Option<Arc<dyn StoredFile>>,
    turn: u64,
    text: Vec<u8>,
}

impl Head {
    /// A head that makes its file at the first write, or writes on in one whose latest turn is `turn`.
    pub(super) fn new(storage: Arc<dyn Storage>, path: PathBuf, turn: u64) -> Self {
        Self {
            storage,
            path,
            file: None,
            turn,
            text: Vec::with_capacity(SLOT_BYTES),
        }
    }

    /// The file has another name now.
    pub(super) fn move_to(&mut self, path: PathBuf) {
        self.path = path;
        self.file = None;
    }

    /// Writes `slot` in place of the older of the two.
    pub(super) fn write(&mut self, slot: &Slot) -> io::Result<()> {
        self.turn += 1;
        encode(slot, self.turn, &mut self.text);
        let offset = (self.turn % 2) * SLOT_BYTES as u64;
        let file = match &self.file {
            Some(file) => file,
            None => self
                .file
                .insert(open_or_create(&*self.storage, &self.path)?),
        };
        file.write_at(&self.text, offset)
    }
}

/// Reads `head.json` at `path`.
pub(super) fn read(storage: &dyn Storage, path: &std::path::Path) -> Stored {
    let mut bytes = vec![0; 2 * SLOT_BYTES];
    let Ok(filled) = storage
        .read(path)
        .and_then(|file| read_full(&*file, &mut bytes, 0))
    else {
        return Stored::Lost;
    };
    bytes.truncate(filled);
    let decoded: Vec<Decoded> = bytes.chunks(SLOT_BYTES).filter_map(decode).collect();
    if decoded.iter().any(|found| found.version != FORMAT_VERSION) {
        return Stored::Newer;
    }
    match decoded.into_iter().max_by_key(|found| found.turn) {
        Some(found) => Stored::Slot {
            slot: found.slot,
            turn: found.turn,
        },
        None => Stored::Lost,
    }
}

fn open_or_create(
    storage: &dyn Storage,
    path: &std::path::Path,
) -> io::Result<Arc<dyn StoredFile>> {
    match storage.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let blank = " ".repeat(SLOT_BYTES - 1) + "\n";
            append_all(&*storage.create(path)?, blank.repeat(2).as_bytes())?;
            // Opened anew: a file open for appending can't be written in place.
            storage.open(path)
        }
        opened => opened,
    }
}

fn encode(slot: &Slot, turn: u64, text: &mut Vec<u8>) {
    let Slot {
        position,
        generation,
        attempts,
        suspects_end,
    } = *slot;
    let fields: [(&str, u64); 8] = [
        ("turn", turn),
        ("segment", position.segment),
        ("offset", position.offset),
        ("seq", position.seq),
        ("context", position.context.unwrap_or(NO_CONTEXT)),
        ("generation", generation),
        ("attempts", attempts),
        ("suspects_end", suspects_end),
    ];
    text.clear();
    text.extend_from_slice(VERSION.as_bytes());
    for (name, value) in fields {
        text.extend_from_slice(b",\"");
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(b"\":\"");
        text.extend_from_slice(&hex16(value));
        text.push(b'"');
    }
    let crc = crc32fast::hash(text);
    text.extend_from_slice(CRC_KEY.as_bytes());
    text.extend_from_slice(&hex8(crc));
    text.extend_from_slice(b"\"}");
    text.resize(SLOT_BYTES - 1, b' ');
    text.push(b'\n');
}

struct Decoded {
    version: u64,
    turn: u64,
    slot: Slot,
}

fn decode(bytes: &[u8]) -> Option<Decoded> {
    #[derive(Deserialize)]
    struct Version {
        version: u64,
    }
    #[derive(Deserialize)]
    struct Text<'a> {
        turn: &'a str,
        segment: &'a str,
        offset: &'a str,
        seq: &'a str,
        context: &'a str,
        generation: &'a str,
        attempts: &'a str,
        suspects_end: &'a str,
    }
    let text = std::str::from_utf8(bytes).ok()?.trim_end();
    let number = |digits: &str| parse_hex(digits.as_bytes());
    let (covered, crc) = text.split_at_checked(text.rfind(CRC_KEY)?)?;
    let crc = crc.strip_prefix(CRC_KEY)?.strip_suffix("\"}")?;
    // Before the version is looked at: a flipped bit must not make a version.
    if number(crc)? != u64::from(crc32fast::hash(covered.as_bytes())) {
        return None;
    }
    let Version { version } = serde_json::from_str(text).ok()?;
    if version != FORMAT_VERSION {
        return Some(Decoded {
            version,
            turn: 0,
            slot: Slot::default(),
        });
    }
    let read: Text<'_> = serde_json::from_str(text).ok()?;
    let position = Position {
        segment: number(read.segment)?,
        offset: number(read.offset)?,
        seq: number(read.seq)?,
        context: number(read.context).filter(|&offset| offset != NO_CONTEXT),
    };
    let slot = Slot {
        position,
        generation: number(read.generation)?,
        attempts: number(read.attempts)?,
        suspects_end: number(read.suspects_end)?,
    };
    Some(Decoded {
        version,
        turn: number(read.turn)?,
        slot,
    })
}

/// Version of everything in a queue directory. In every version `head.json` begins with slots of 512 bytes that end
/// with the CRC of what they say. A directory of another version is left untouched and reported.
pub(super) const FORMAT_VERSION: u64 = 1;

/// The file's name.
pub(super) const FILE_NAME: &str = "head.json";

const SLOT_BYTES: usize = 512;
const NO_CONTEXT: u64 = u64::MAX;
const VERSION: &str = "{\"version\":1";
const CRC_KEY: &str = ",\"crc\":\"";

#[cfg(test)]
mod tests {
    use super::super::file_system::FileSystem;
    use super::*;

    fn slot(seq: u64) -> Slot {
        let position = Position {
            segment: 1,
            offset: 2,
            seq,
            context: Some(4),
        };
        Slot {
            position,
            generation: 5,
            attempts: 6,
            suspects_end: 7,
        }
    }

    fn written(slots: &[Slot]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        let mut head = Head::new(Arc::new(FileSystem), path.clone(), 0);
        for slot in slots {
            head.write(slot).unwrap();
        }
        (dir, path)
    }

    #[test]
    fn a_slot_says_the_version_of_the_format() {
        assert_eq!(VERSION, format!("{{\"version\":{FORMAT_VERSION}"));
    }

    #[test]
    fn the_latest_slot_is_read_back() {
        for n in 1..5 {
            let slots: Vec<Slot> = (0..n).map(slot).collect();
            let (_dir, path) = written(&slots);
            assert_eq!(
                read(&FileSystem, &path),
                Stored::Slot {
                    slot: slot(n - 1),
                    turn: n
                }
            );
        }
    }

    #[test]
    fn one_damaged_byte_costs_at_most_the_latest_write() {
        let (_dir, path) = written(&[slot(7), slot(8)]);
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            std::fs::write(&path, &damaged).unwrap();
            match read(&FileSystem, &path) {
                Stored::Slot { slot: found, .. } => {
                    assert!(found == slot(7) || found == slot(8), "byte {at}")
                }
                Stored::Lost => panic!("byte {at} cost both slots"),
                Stored::Newer => panic!("byte {at} made a version"),
            }
        }
    }

    #[test]
    fn no_file_and_two_bad_slots_are_a_lost_head() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        assert_eq!(read(&FileSystem, &path), Stored::Lost);
        std::fs::write(&path, vec![0; 1024]).unwrap();
        assert_eq!(read(&FileSystem, &path), Stored::Lost);
    }

    #[test]
    fn a_newer_version_is_told_apart_from_damage() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        let says = r#"{"version":2,"who":"knows""#;
        let crc = crc32fast::hash(says.as_bytes());
        std::fs::write(&path, format!("{says},\"crc\":\"{crc:08x}\"}}\n")).unwrap();
        assert_eq!(read(&FileSystem, &path), Stored::Newer);
    }

    #[test]
    fn the_file_is_json_and_two_sectors_long() {
        let (_dir, path) = written(&[slot(1), slot(2), slot(3)]);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.len(), 1024);
        for line in text.lines() {
            let _: serde_json::Value = serde_json::from_str(line).unwrap();
        }
    }
}
