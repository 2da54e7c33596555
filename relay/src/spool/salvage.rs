//! Reads rows out of a damaged database, page by page, without SQLite.
//!
//! A damaged inner page of a tree hides everything below it from SQLite, although it is whole. Here every page of the file
//! and of its write-ahead log is looked at by itself: what is a row of ours is taken, whoever pointed to it. A frame is
//! whole when its body has the CRC that stands beside it.
//!
//! What is written where: <https://www.sqlite.org/fileformat2.html>.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::consumer::{Consumer, Cursor, Position};
use super::ranges::{self, Range};
use super::{schema, unsigned};

/// What was found in a damaged database.
#[derive(Debug, Default)]
pub struct Found {
    /// Where each whole frame lies, by its number.
    pub frames: BTreeMap<i64, Place>,
    /// Where the consumers stand, as far as they are known.
    pub cursors: Vec<(Consumer, Cursor)>,
    /// The names that were accepted, by subject and queue.
    pub accepted: HashMap<(String, String), Vec<Range>>,
    /// Dead letters: number, time, reason, body, consumer.
    pub dead: BTreeMap<i64, (i64, String, Vec<u8>, String)>,
    /// The last whole frame, and how many records had ever been kept by then.
    whole_up_to: (i64, u64),
    /// The same of the last frame that is not whole.
    torn_up_to: (i64, u64),
}

/// Where a row lies.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    image: Image,
    cell: usize,
}

/// One frame's row, column by column as in the table.
pub type Row = Vec<Value>;

/// What stands in a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A number.
    Integer(i64),
    /// Text, or what was text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Value {
    /// As a number.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn blob(&self) -> Option<&[u8]> {
        match self {
            Self::Blob(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// A picture of a page: in the database, or in its write-ahead log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Image {
    is_in_log: bool,
    at: u64,
}

/// A database's two files.
pub struct Pages {
    database: File,
    log: Option<File>,
    /// The newest picture of the pages that are in the log.
    newest: HashMap<u32, Image>,
    images: Vec<Image>,
}

impl Pages {
    /// The pages of the database at `file`.
    ///
    /// # Errors
    ///
    /// When the file can't be read.
    pub fn open(file: &Path) -> io::Result<Self> {
        let database = File::open(file)?;
        let pages = database.metadata()?.len().div_ceil(PAGE);
        let mut images: Vec<Image> = (0..pages)
            .map(|page| Image {
                is_in_log: false,
                at: page * PAGE,
            })
            .collect();
        let mut log = File::open(schema::beside(file, "-wal")).ok();
        let newest = match &mut log {
            Some(log) => read_log(log, &mut images)?,
            None => HashMap::new(),
        };
        Ok(Self {
            database,
            log,
            newest,
            images,
        })
    }

    /// Everything that is whole.
    ///
    /// # Errors
    ///
    /// When the files can't be read; what is in them is never one.
    pub fn scan(&mut self) -> io::Result<Found> {
        let mut found = Found::default();
        for at in 0..self.images.len() {
            let Some(&image) = self.images.get(at) else {
                break;
            };
            let page = self.page(image)?;
            // The first page begins with the file's header.
            let start = if image
                == (Image {
                    is_in_log: false,
                    at: 0,
                }) {
                100
            } else {
                0
            };
            for cell in 0..cells(&page, start) {
                if let Some((id, row)) = self.row(&page, start, cell)? {
                    found.take(id, row, Place { image, cell });
                }
            }
        }
        Ok(found)
    }

    /// The row at `place`.
    ///
    /// # Errors
    ///
    /// When the files can't be read.
    pub fn read(&mut self, place: Place) -> io::Result<Option<Row>> {
        let page = self.page(place.image)?;
        Ok(self.row(&page, 0, place.cell)?.map(|(_, row)| row))
    }

    fn page(&mut self, image: Image) -> io::Result<Vec<u8>> {
        let file = match &mut self.log {
            Some(log) if image.is_in_log => log,
            _ => &mut self.database,
        };
        file.seek(SeekFrom::Start(image.at))?;
        let mut page = Vec::new();
        file.take(PAGE).read_to_end(&mut page)?;
        page.resize(PAGE as usize, 0);
        Ok(page)
    }

    /// The number and the columns of a cell; `None` when it is no row.
    fn row(&mut self, page: &[u8], start: usize, cell: usize) -> io::Result<Option<(i64, Row)>> {
        let Some(shape) = Cell::of(page, start, cell) else {
            return Ok(None);
        };
        let mut payload = shape.local.to_vec();
        let mut next = shape.overflow;
        let mut hops = 0;
        while payload.len() < shape.bytes {
            let at = u64::from(next.wrapping_sub(1)) * PAGE;
            let in_database = Image {
                is_in_log: false,
                at,
            };
            let image = self.newest.get(&next).copied().unwrap_or(in_database);
            hops += 1;
            if next == 0 || hops > MAX_HOPS {
                return Ok(None);
            }
            let page = self.page(image)?;
            let Some((head, content)) = page.split_first_chunk::<4>() else {
                return Ok(None);
            };
            let missing = shape.bytes - payload.len();
            payload.extend_from_slice(
                content
                    .get(..missing.min(content.len()))
                    .unwrap_or_default(),
            );
            next = u32::from_be_bytes(*head);
        }
        Ok(columns(&payload).map(|row| (shape.rowid, row)))
    }
}

impl Found {
    /// How many records had ever been kept, as far as anything that was found says.
    pub fn ever_kept(&self) -> u64 {
        let (id, whole) = self.whole_up_to;
        let (torn_id, torn) = self.torn_up_to;
        // What stands in a torn row may be anything; that much it may be.
        let most = unsigned(torn_id.saturating_sub(id)).saturating_mul(MAX_FRAME_RECORDS);
        let is_likely = torn_id > id && torn.checked_sub(whole).is_some_and(|more| more <= most);
        let named = self.accepted.values().flatten();
        let named = named.fold(0u64, |sum, range| {
            sum.saturating_add((range.last - range.first).saturating_add(1))
        });
        let cursors = self.cursors.iter().map(|(_, cursor)| cursor.at.records);
        cursors
            .chain([whole, if is_likely { torn } else { 0 }, named])
            .max()
            .unwrap_or(0)
    }

    fn take(&mut self, id: i64, row: Row, place: Place) {
        match &row[..] {
            // A frame, of the first format or of this one.
            [
                Value::Null,
                records,
                bytes,
                _,
                _,
                _,
                _,
                Value::Text(_),
                _,
                _,
                _,
                crc,
                Value::Blob(body),
                ..,
            ] if matches!(row.len(), 13 | 17) => {
                let (Some(records), Some(bytes)) = (records.integer(), bytes.integer()) else {
                    return;
                };
                let end = Position {
                    records: unsigned(records),
                    bytes: unsigned(bytes),
                };
                if crc.integer() == Some(i64::from(crc32fast::hash(body))) {
                    self.frames.insert(id, place);
                    self.whole_up_to = self.whole_up_to.max((id, end.records));
                } else {
                    self.torn_up_to = self.torn_up_to.max((id, end.records));
                }
            }
            [Value::Text(name), frame, done, records, bytes] => {
                let number = |value: &Value| value.integer().map(unsigned);
                let (Some(consumer), Some(frame), Some(done), Some(records), Some(bytes)) = (
                    Consumer::named(name),
                    frame.integer(),
                    number(done),
                    number(records),
                    number(bytes),
                ) else {
                    return;
                };
                let at = Position { records, bytes };
                self.cursor(consumer, Cursor { frame, done, at });
            }
            [
                Value::Text(subject),
                Value::Text(queue),
                Value::Integer(first),
                Value::Integer(last),
            ] => {
                let range = Range {
                    first: schema::read_seq(*first),
                    last: schema::read_seq(*last),
                };
                if range.first <= range.last {
                    let of = (subject.clone(), queue.clone());
                    let ranges = self.accepted.entry(of).or_default();
                    *ranges = ranges::join(ranges, &[range]);
                }
            }
            [Value::Null, Value::Integer(at), reason, body, of @ ..] if of.len() <= 1 => {
                let (Some(reason), Some(body)) = (reason.text(), body.blob()) else {
                    return;
                };
                let of = of.first().and_then(Value::text).unwrap_or("export");
                let letter = (*at, reason.to_owned(), body.to_owned(), of.to_owned());
                self.dead.insert(id, letter);
            }
            _ => {}
        }
    }

    /// Of several pictures of a cursor the one that is furthest on is the newest.
    fn cursor(&mut self, consumer: Consumer, cursor: Cursor) {
        let known = self
            .cursors
            .iter_mut()
            .find(|(known, _)| *known == consumer);
        match known {
            Some((_, known)) if (known.frame, known.done) < (cursor.frame, cursor.done) => {
                *known = cursor;
            }
            Some(_) => {}
            None => self.cursors.push((consumer, cursor)),
        }
    }
}

/// Whether the files say of themselves that they are not what was written, where SQLite would pass over it in silence: a
/// file that is cut, a log that goes on behind a frame that is not whole.
///
/// # Errors
///
/// When they can't be read.
pub fn is_damaged(file: &Path) -> io::Result<bool> {
    let Ok(mut database) = File::open(file) else {
        return Ok(false);
    };
    let bytes = database.metadata()?.len();
    if bytes == 0 {
        return Ok(false);
    }
    let mut head = [0; 100];
    if bytes % PAGE != 0 || database.read_exact(&mut head).is_err() {
        return Ok(true);
    }
    let pages = head.get(28..32).and_then(number).unwrap_or_default();
    if bytes < u64::from(pages) * PAGE {
        return Ok(true);
    }
    match File::open(schema::beside(file, "-wal")) {
        Ok(log) => is_log_damaged(io::BufReader::with_capacity(1 << 20, log)),
        Err(_) => Ok(false),
    }
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
        if !is_whole && is_ours {
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
fn read_log(log: &mut File, images: &mut Vec<Image>) -> io::Result<HashMap<u32, Image>> {
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

/// A cell of a page, as far as it lies in it.
struct Cell<'p> {
    rowid: i64,
    bytes: usize,
    local: &'p [u8],
    overflow: u32,
}

impl<'p> Cell<'p> {
    fn of(page: &'p [u8], start: usize, cell: usize) -> Option<Self> {
        let kind = *page.get(start)?;
        let pointers = start + if kind == INNER_INDEX { 12 } else { 8 };
        let mut at = usize::from(short(page, pointers + 2 * cell)?);
        if kind == INNER_INDEX {
            at += 4;
        }
        let bytes = usize::try_from(varint(page, &mut at)?).ok()?;
        let rowid = match kind {
            LEAF_TABLE => varint(page, &mut at)?,
            _ => 0,
        };
        if !(1..=MAX_PAYLOAD).contains(&bytes) {
            return None;
        }
        let usable = PAGE as usize;
        let most = match kind {
            LEAF_TABLE => usable - 35,
            _ => (usable - 12) * 64 / 255 - 23,
        };
        let least = (usable - 12) * 32 / 255 - 23;
        let fit = match bytes {
            _ if bytes <= most => bytes,
            _ => match least + (bytes - least) % (usable - 4) {
                fit if fit <= most => fit,
                _ => least,
            },
        };
        let local = page.get(at..at + fit)?;
        let overflow = match page.get(at + fit..at + fit + 4) {
            Some(&[a, b, c, d]) if fit < bytes => u32::from_be_bytes([a, b, c, d]),
            _ => 0,
        };
        Some(Self {
            rowid,
            bytes,
            local,
            overflow,
        })
    }
}

/// How many cells with rows a page has.
fn cells(page: &[u8], start: usize) -> usize {
    match page.get(start) {
        Some(&(LEAF_TABLE | LEAF_INDEX | INNER_INDEX)) => short(page, start + 3)
            .map_or(0, usize::from)
            .min(page.len() / 4),
        _ => 0,
    }
}

fn short(page: &[u8], at: usize) -> Option<u16> {
    match page.get(at..at + 2) {
        Some(&[high, low]) => Some(u16::from_be_bytes([high, low])),
        _ => None,
    }
}

/// Up to nine bytes, the highest first, seven bits of each and all eight of the ninth.
fn varint(bytes: &[u8], at: &mut usize) -> Option<i64> {
    let mut number: u64 = 0;
    for place in 0..9 {
        let byte = *bytes.get(*at)?;
        *at += 1;
        if place == 8 {
            return Some((number << 8 | u64::from(byte)).cast_signed());
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(number.cast_signed())
}

fn columns(payload: &[u8]) -> Option<Row> {
    let mut at = 0;
    let head = usize::try_from(varint(payload, &mut at)?).ok()?;
    let mut value = head;
    let mut row = Row::new();
    while at < head && row.len() < MAX_COLUMNS {
        let kind = usize::try_from(varint(payload, &mut at)?).ok()?;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            12.. => (kind - 12) / 2,
            _ => return None,
        };
        let bytes = payload.get(value..value.checked_add(length)?)?;
        value += length;
        row.push(match kind {
            0 | 7 => Value::Null,
            1..=6 => {
                let sign = if bytes.first()? & 0x80 == 0 { 0 } else { -1 };
                Value::Integer(
                    bytes
                        .iter()
                        .fold(sign, |number, &byte| number << 8 | i64::from(byte)),
                )
            }
            8 | 9 => Value::Integer(i64::from(kind == 9)),
            _ if kind % 2 == 0 => Value::Blob(bytes.to_vec()),
            _ => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
        });
    }
    (at == head).then_some(row)
}

const PAGE: u64 = schema::PAGE_BYTES as u64;
const LOG_HEAD: u64 = 32;
const FRAME_HEAD: u64 = 24;
const LEAF_TABLE: u8 = 0x0d;
const LEAF_INDEX: u8 = 0x0a;
const INNER_INDEX: u8 = 0x02;

/// A request has no more records, unless somebody raised the limit.
const MAX_FRAME_RECORDS: u64 = 10_000;

/// No table of ours has more.
const MAX_COLUMNS: usize = 32;

/// No row of ours is larger; what says so is garbage.
const MAX_PAYLOAD: usize = 64 << 20;

/// As many pages as that is.
const MAX_HOPS: usize = MAX_PAYLOAD / PAGE as usize;
