//! One line on disk: JSON whose first member says which record it is and whether it is whole.
//!
//! ```text
//! {"q":"<seq 16 hex>-<len 8 hex>-<crc 8 hex>","timestamp":…}\n
//! ```
//!
//! 1. `len` counts the whole line with its newline;
//! 2. the CRC-32 runs over everything after the 42 bytes of the prefix, newline included, and then over
//!    the 25 bytes `<seq>-<len>`: in this order, so that all but those 25 is hashed before the seq is known.
//!
//! What it does not do: look into the JSON.

use std::io;

use crc32fast::Hasher;

/// A reusable buffer for one encoded record. Its first 42 bytes are kept free for the prefix.
#[derive(Clone, Debug)]
pub struct Line {
    bytes: Vec<u8>,
}

impl Line {
    /// An empty line.
    #[must_use]
    pub fn new() -> Self {
        let mut line = Self {
            bytes: Vec::with_capacity(1024),
        };
        line.clear();
        line
    }

    /// A line as it was stored, to be stamped anew.
    pub(super) fn from_stored(bytes: Box<[u8]>) -> Self {
        Self {
            bytes: bytes.into_vec(),
        }
    }

    /// Empties the line and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.extend_from_slice(BLANK_PREFIX);
    }

    /// Where the JSON members and the closing brace are added: `"timestamp":"…",…}`, with no newline.
    pub fn body(&mut self) -> Body<'_> {
        Body(&mut self.bytes)
    }

    /// The whole line, for who encodes a record into it and cuts that to size. The first 42 bytes belong to the queue.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Bytes that the line takes on disk, prefix and newline included.
    #[must_use]
    #[expect(
        clippy::len_without_is_empty,
        reason = "a line always holds its prefix"
    )]
    pub fn len(&self) -> usize {
        self.bytes.len() + usize::from(!self.is_closed())
    }

    /// Adds the newline and hashes all but seq and length.
    pub(super) fn close(&mut self) -> Hasher {
        if self.bytes.len() < PREFIX_BYTES {
            self.clear();
        }
        if !self.is_closed() {
            self.bytes.push(b'\n');
        }
        let mut hasher = Hasher::new();
        hasher.update(self.bytes.get(PREFIX_BYTES..).unwrap_or_default());
        hasher
    }

    /// Writes the prefix for `seq` into a closed line whose body was hashed as `body`.
    pub(super) fn stamp(&mut self, seq: u64, body: &Hasher) -> &[u8] {
        // A line that does not fit is longer than any that is written.
        let len = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        if let Some(prefix) = self.bytes.first_chunk_mut::<PREFIX_BYTES>() {
            prefix[6..22].copy_from_slice(&hex16(seq));
            prefix[23..31].copy_from_slice(&hex8(len));
            let mut hasher = body.clone();
            hasher.update(&prefix[6..31]);
            prefix[32..40].copy_from_slice(&hex8(hasher.finalize()));
        }
        &self.bytes
    }

    /// The line as it stands.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn is_closed(&self) -> bool {
        self.bytes.last() == Some(&b'\n')
    }
}

/// The end of a [`Line`], to add to. What is there already can't be changed.
///
/// ```
/// use std::io::Write as _;
/// use tracing_courier::queue::Line;
///
/// # fn main() -> std::io::Result<()> {
/// let mut line = Line::new();
/// write!(line.body(), r#""timestamp":"{}","level":"info"}}"#, "2026-02-06T12:00:00Z")?;
/// # Ok(())
/// # }
/// ```
///
/// ```compile_fail
/// # use tracing_courier::queue::Line;
/// Line::new().body().clear();
/// ```
#[derive(Debug)]
pub struct Body<'a>(&'a mut Vec<u8>);

impl Body<'_> {
    /// Adds these bytes.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Adds this byte.
    pub fn push(&mut self, byte: u8) {
        self.0.push(byte);
    }
}

impl io::Write for Body<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

/// What stands at the start of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// A whole line of `len` bytes.
    Whole { seq: u64, len: usize },
    /// It may be a line, but its end is not among these bytes.
    Short,
    /// No line begins here.
    Bad,
}

/// Looks for a whole line at the very start of `bytes`.
pub(super) fn check(bytes: &[u8]) -> Check {
    let Some(prefix) = bytes.first_chunk::<PREFIX_BYTES>() else {
        let marker = MARKER
            .get(..bytes.len().min(MARKER.len()))
            .unwrap_or_default();
        return if bytes.starts_with(marker) {
            Check::Short
        } else {
            Check::Bad
        };
    };
    let Some((seq, len, crc)) = parse_prefix(prefix) else {
        return Check::Bad;
    };
    let Some(rest) = bytes.get(PREFIX_BYTES..len) else {
        return Check::Short;
    };
    let mut hasher = Hasher::new();
    hasher.update(rest);
    hasher.update(&prefix[6..31]);
    if hasher.finalize() == crc && rest.last() == Some(&b'\n') {
        Check::Whole { seq, len }
    } else {
        Check::Bad
    }
}

/// The JSON members of a whole line after its `q`, without the closing brace and the newline.
pub(super) fn members(line: &[u8]) -> &[u8] {
    line.get(PREFIX_BYTES..line.len().saturating_sub(2))
        .unwrap_or_default()
}

/// Whether a whole line is a context line and not a record.
pub(super) fn is_context(line: &[u8]) -> bool {
    line.get(PREFIX_BYTES..)
        .is_some_and(|rest| rest.starts_with(CONTEXT_START))
}

/// Exactly 8 or 16 lower-case hex digits.
pub(super) fn parse_hex(digits: &[u8]) -> Option<u64> {
    let (mut value, mut seen) = (0, 0);
    for &digit in digits {
        let nibble = NIBBLES
            .get(usize::from(digit))
            .copied()
            .unwrap_or(NO_NIBBLE);
        value = (value << 4) | u64::from(nibble & 15);
        seen |= nibble;
    }
    // One test for all digits: this runs for each line that is read.
    (seen & NO_NIBBLE == 0).then_some(value)
}

fn parse_prefix(prefix: &[u8; PREFIX_BYTES]) -> Option<(u64, usize, u32)> {
    let framed = prefix.starts_with(MARKER)
        && prefix[22] == b'-'
        && prefix[31] == b'-'
        && prefix[40..] == *b"\",";
    if !framed {
        return None;
    }
    let seq = parse_hex(&prefix[6..22])?;
    let len = usize::try_from(parse_hex(&prefix[23..31])?).ok()?;
    let crc = u32::try_from(parse_hex(&prefix[32..40])?).ok()?;
    (len > PREFIX_BYTES && len <= MAX_LINE_BYTES).then_some((seq, len, crc))
}

/// The value in 16 lower-case hex digits.
pub(super) fn hex16(value: u64) -> [u8; 16] {
    let (high, low) = (hex8((value >> 32) as u32), hex8(value as u32));
    let mut digits = [0; 16];
    digits[..8].copy_from_slice(&high);
    digits[8..].copy_from_slice(&low);
    digits
}

/// The value in 8 lower-case hex digits: all of them at once, since three such numbers are written for each record.
pub(super) fn hex8(value: u32) -> [u8; 8] {
    // One nibble to a byte, the highest in the highest.
    let mut nibbles = u64::from(value);
    nibbles = (nibbles | (nibbles << 16)) & 0x0000_ffff_0000_ffff;
    nibbles = (nibbles | (nibbles << 8)) & 0x00ff_00ff_00ff_00ff;
    nibbles = (nibbles | (nibbles << 4)) & 0x0f0f_0f0f_0f0f_0f0f;
    let is_letter = ((nibbles + 6 * ONES) >> 4) & ONES;
    let digits = nibbles + u64::from(b'0') * ONES + u64::from(b'a' - b'0' - 10) * is_letter;
    digits.to_be_bytes()
}

/// What every line begins with; in JSON text it can't stand inside a string, so a reader finds its way back by it.
pub(super) const MARKER: &[u8] = b"{\"q\":\"";

/// What follows the prefix in a context line.
pub(super) const CONTEXT_START: &[u8] = b"\"context\":{";

/// Bytes before the first member that is the caller's.
pub(super) const PREFIX_BYTES: usize = 42;

/// No line is longer: a damaged length can't make a reader swallow a file.
pub(super) const MAX_LINE_BYTES: usize = 1024 * 1024;

/// A one in each byte.
const ONES: u64 = 0x0101_0101_0101_0101;

const NO_NIBBLE: u8 = 0x80;

/// The value of each byte as a lower-case hex digit.
#[allow(
    clippy::indexing_slicing,
    reason = "when it is compiled, and never after"
)]
const NIBBLES: [u8; 256] = {
    let mut nibbles = [NO_NIBBLE; 256];
    let mut nibble = 0;
    while nibble < 16 {
        nibbles[b"0123456789abcdef"[nibble] as usize] = nibble as u8;
        nibble += 1;
    }
    nibbles
};

const BLANK_PREFIX: &[u8; PREFIX_BYTES] = b"{\"q\":\"0000000000000000-00000000-00000000\",";

#[cfg(test)]
mod tests {
    use super::*;

    fn line(seq: u64, body: &str) -> Vec<u8> {
        let mut line = Line::new();
        line.body().extend_from_slice(body.as_bytes());
        let hasher = line.close();
        line.stamp(seq, &hasher).to_vec()
    }

    #[test]
    fn a_line_is_json_and_says_its_seq_and_its_length() {
        let bytes = line(0x2a, r#""level":"info"}"#);
        let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let q = json["q"].as_str().unwrap();
        assert!(q.starts_with("000000000000002a-0000003a-"), "{q}");
        assert_eq!(bytes.len(), 0x3a);
        assert_eq!(
            check(&bytes),
            Check::Whole {
                seq: 0x2a,
                len: 0x3a
            }
        );
    }

    #[test]
    fn the_length_is_known_before_the_line_is_closed() {
        let mut line = Line::new();
        line.body().extend_from_slice(b"\"a\":1}");
        let before = line.len();
        line.close();
        assert_eq!((before, line.bytes().len()), (line.len(), line.len()));
    }

    #[test]
    fn no_flipped_bit_passes() {
        let whole = line(7, r#""message":"hello"}"#);
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(!matches!(check(&bytes), Check::Whole { .. }), "bit {bit}");
        }
    }

    #[test]
    fn numbers_are_written_in_hex_as_everybody_writes_them() {
        let mut value = 0x0123_4567_89ab_cdef_u64;
        for _ in 0..64 {
            value = value.rotate_left(1);
            assert_eq!(hex16(value), *format!("{value:016x}").as_bytes());
        }
    }

    #[test]
    fn only_lower_case_hex_digits_are_read() {
        assert_eq!(parse_hex(b"0123456789abcdef"), Some(0x0123_4567_89ab_cdef));
        for bad in [
            &b"0000000G"[..],
            b"0000000A",
            b"-0000000",
            b"0000 000",
            b"\0\0\0\0\0\0\0\0",
            b"\xff0000000",
        ] {
            assert_eq!(parse_hex(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_line_without_its_end_is_short_and_never_whole() {
        let whole = line(7, r#""message":"hello"}"#);
        for end in 0..whole.len() {
            assert_eq!(check(&whole[..end]), Check::Short, "cut at {end}");
        }
    }

    #[test]
    fn a_line_that_was_cut_short_still_makes_a_whole_line() {
        let mut line = Line::new();
        line.buffer().clear();
        let hasher = line.close();
        let bytes = line.stamp(1, &hasher).to_vec();
        assert_eq!(check(&bytes), Check::Whole { seq: 1, len: 43 });
    }
}
