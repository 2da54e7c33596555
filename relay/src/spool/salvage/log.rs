//! The write-ahead log: whether it is whole, and which pages are in it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::place::{Image, PAGE};
use crate::spool::schema;

/// Whether the files say of themselves that they are not what was written, where SQLite would pass over it in silence: a
/// file that is cut, a log that goes on behind a frame that is not whole.
///
/// # Errors
///
/// When the files can't be read.
pub fn is_damaged(file: &Path) -> io::Result<bool> {
    let Ok(mut database) = File::open(file) else {
        return Ok(false);
    };
    let bytes = database.metadata()?.len();
    if bytes == 0 {
        return Ok(false);
    }
    let log = File::open(schema::beside(file, "-wal")).ok();
    let has_log = log.as_ref().is_some_and(|log| {
        let bytes = log.metadata().map_or(0, |log| log.len());
        bytes > LOG_HEAD
    });
    if let Some(log) = log.filter(|_| has_log) {
        // While there is a log, a kill in the middle of a checkpoint leaves a file that is shorter than it says.
        return is_log_damaged(io::BufReader::with_capacity(1 << 20, log));
    }
    let mut head = [0; 100];
    if bytes % PAGE != 0 || database.read_exact(&mut head).is_err() {
        return Ok(true);
    }
    let pages = head.get(28..32).and_then(number).unwrap_or_default();
    Ok(bytes < u64::from(pages) * PAGE)
}

fn is_log_damaged(mut log: impl Read) -> io::Result<bool> {
    let mut head = [0; LOG_HEAD as usize];
    if log.read_exact(&mut head).is_err() {
        return Ok(false);
    }
    let is_big_endian = head.get(3) == Some(&0x83);
    let mut sum = [0; 2];
    checksum(&mut sum, head.get(..24).unwrap_or_default(), is_big_endian);
    let mut is_whole = stored_sum(&head, 24) == Some(sum);
    let salts = if is_whole {
        head.get(16..24).map(<[u8]>::to_vec)
    } else {
        None
    };
    let mut frame = vec![0; (FRAME_HEAD + PAGE) as usize];
    loop {
        if log.read_exact(&mut frame).is_err() {
            return Ok(false);
        }
        let is_ours = salts.is_none() || frame.get(8..16) == salts.as_deref();
        // What a transaction left that was rolled back is not whole either, but nothing behind it was ever committed.
        let is_commit = frame.get(4..8).and_then(number) != Some(0);
        if !is_whole && is_ours && is_commit {
            return Ok(true);
        }
        checksum(&mut sum, frame.get(..8).unwrap_or_default(), is_big_endian);
        checksum(&mut sum, frame.get(24..).unwrap_or_default(), is_big_endian);
        is_whole &= is_ours && stored_sum(&frame, 16) == Some(sum);
    }
}

/// The log's checksum goes on from frame to frame.
fn checksum(sum: &mut [u32; 2], bytes: &[u8], is_big_endian: bool) {
    let [mut low, mut high] = *sum;
    let number = |bytes: [u8; 4]| {
        if is_big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    };
    for &[a, b, c, d, e, f, g, h] in bytes.as_chunks::<8>().0 {
        low = low.wrapping_add(number([a, b, c, d])).wrapping_add(high);
        high = high.wrapping_add(number([e, f, g, h])).wrapping_add(low);
    }
    *sum = [low, high];
}

fn stored_sum(bytes: &[u8], at: usize) -> Option<[u32; 2]> {
    Some([
        number(bytes.get(at..at + 4)?)?,
        number(bytes.get(at + 4..at + 8)?)?,
    ])
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes
        .first_chunk::<4>()
        .map(|bytes| u32::from_be_bytes(*bytes))
}

/// Notes every page of a write-ahead log up to the last commit, past frames that are not whole.
pub fn read_log(log: &mut File, images: &mut Vec<Image>) -> io::Result<HashMap<u32, Image>> {
    let mut newest = HashMap::new();
    let frames = log.metadata()?.len().saturating_sub(LOG_HEAD) / (FRAME_HEAD + PAGE);
    let heads: io::Result<Vec<(u64, [u8; FRAME_HEAD as usize])>> = (0..frames)
        .map(|place| {
            let at = LOG_HEAD + place * (FRAME_HEAD + PAGE);
            let mut head = [0; FRAME_HEAD as usize];
            log.seek(SeekFrom::Start(at))?;
            log.read_exact(&mut head)?;
            Ok((at + FRAME_HEAD, head))
        })
        .collect();
    let heads = heads?;
    // The salts tell this log's frames from what an earlier, longer one left behind them. The first two frames agree,
    // unless one of them is damaged: then it is the next two.
    let salts = heads.windows(2).find_map(|pair| match pair {
        [(_, one), (_, other)] => one
            .get(8..16)
            .filter(|salts| Some(*salts) == other.get(8..16)),
        _ => None,
    });
    let salts = salts.or(heads.first().and_then(|(_, head)| head.get(8..16)));
    let mut uncommitted = Vec::new();
    for (at, head) in &heads {
        if head.get(8..16) != salts {
            continue;
        }
        let page = head.get(..4).and_then(number).unwrap_or_default();
        let image = Image {
            is_in_log: true,
            at: *at,
        };
        uncommitted.push((page, image));
        if head.get(4..8).and_then(number) != Some(0) {
            images.extend(uncommitted.iter().map(|(_, image)| *image));
            newest.extend(uncommitted.drain(..));
        }
    }
    Ok(newest)
}

const LOG_HEAD: u64 = 32;
const FRAME_HEAD: u64 = 24;
