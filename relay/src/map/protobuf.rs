//! Writes protobuf front to back, with no message in between.
//!
//! Building a message first costs an allocation for every key and text, and a second walk for the lengths; that was two
//! thirds of a record's whole cost. What is written here is read back by `opentelemetry-proto` in the tests.

/// A field with text or bytes.
#[inline]
pub fn bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    match short(bytes.len()) {
        Some(length) => out.extend_from_slice(&[key(field, LENGTH_DELIMITED), length]),
        None => {
            out.push(key(field, LENGTH_DELIMITED));
            varint(out, wide(bytes.len()));
        }
    }
    out.extend_from_slice(bytes);
}

/// A field with an integer; negative ones take ten bytes, as protobuf wants it.
#[inline]
pub fn integer(out: &mut Vec<u8>, field: u8, number: i64) {
    out.push(key(field, VARINT));
    varint(out, number.cast_unsigned());
}

/// A field with eight bytes.
#[inline]
pub fn fixed64(out: &mut Vec<u8>, field: u8, number: u64) {
    out.push(key(field, FIXED64));
    out.extend_from_slice(&number.to_le_bytes());
}

/// A field with a message, which `write` writes. Its length is known afterwards and stands before it: where it takes as
/// many bytes as the length `about` would, nothing has to move.
pub fn message<T>(
    out: &mut Vec<u8>,
    field: u8,
    about: usize,
    write: impl FnOnce(&mut Vec<u8>) -> T,
) -> T {
    out.push(key(field, LENGTH_DELIMITED));
    let head = out.len();
    let room = varint_bytes(wide(about));
    out.resize(head + room, 0);
    let result = write(out);
    let end = out.len();
    let length = end - head - room;
    let needed = varint_bytes(wide(length));
    if needed != room {
        out.resize(end.max(end + needed - room), 0);
        out.copy_within(head + room..end, head + needed);
        out.truncate(head + needed + length);
    }
    let mut rest = wide(length);
    for place in out.iter_mut().skip(head).take(needed) {
        *place = low_bits(rest) | 0x80;
        rest >>= 7;
    }
    if let Some(last) = out.get_mut(head + needed - 1) {
        *last &= 0x7f;
    }
    result
}

/// `length` where it takes one byte.
#[inline]
pub fn short(length: usize) -> Option<u8> {
    u8::try_from(length).ok().filter(|&length| length < 0x80)
}

/// How many bytes `number` takes.
#[inline]
pub fn varint_bytes(number: u64) -> usize {
    let bits = 64 - (number | 1).leading_zeros();
    usize::try_from(bits.div_ceil(7)).unwrap_or(10)
}

/// A bare integer.
#[inline]
pub fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(low_bits(number) | 0x80);
        number >>= 7;
    }
    out.push(low_bits(number));
}

/// The byte before a field's value; OTLP's fields are all below 16.
const fn key(field: u8, wire_type: u8) -> u8 {
    field << 3 | wire_type
}

fn low_bits(number: u64) -> u8 {
    (number & 0x7f) as u8
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const LENGTH_DELIMITED: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_are_as_prost_writes_them() {
        for number in [0, 1, 127, 128, 16_383, 16_384, u64::MAX / 2, u64::MAX] {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            varint(&mut ours, number);
            prost::encoding::encode_varint(number, &mut theirs);
            assert_eq!(ours, theirs, "{number}");
            assert_eq!(varint_bytes(number), theirs.len(), "{number}");
        }
    }

    #[test]
    fn a_message_of_any_length_has_its_length_before_it_whatever_was_expected() {
        let lengths = [0, 1, 127, 128, 16_383, 16_384, 3_000_000];
        for (length, about) in lengths
            .iter()
            .flat_map(|&one| lengths.map(|two| (one, two)))
        {
            let mut out = vec![9];
            message(&mut out, 2, about, |out| {
                out.extend((0..length).map(|n| n as u8));
            });
            let mut theirs = vec![9, 0x12];
            prost::encoding::encode_varint(length as u64, &mut theirs);
            theirs.extend((0..length).map(|n| n as u8));
            assert!(out == theirs, "{length}, expected {about}");
        }
    }
}
