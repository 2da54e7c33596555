//! Cells of a page, and the columns in them.

use super::place::PAGE;

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

    /// As text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// As bytes.
    pub fn blob(&self) -> Option<&[u8]> {
        match self {
            Self::Blob(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// A cell of a page, as far as it lies in it.
pub struct Cell<'p> {
    pub rowid: i64,
    pub bytes: usize,
    pub local: &'p [u8],
    pub overflow: u32,
}

impl<'p> Cell<'p> {
    pub fn of(page: &'p [u8], start: usize, cell: usize) -> Option<Self> {
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
pub fn cells(page: &[u8], start: usize) -> usize {
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

/// The columns of a row; `None` when the payload is no row.
pub fn columns(payload: &[u8]) -> Option<Row> {
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

const LEAF_TABLE: u8 = 0x0d;
const LEAF_INDEX: u8 = 0x0a;
const INNER_INDEX: u8 = 0x02;

/// No table of ours has more.
const MAX_COLUMNS: usize = 32;

/// No row of ours is larger; what says so is garbage.
pub const MAX_PAYLOAD: usize = 64 << 20;
