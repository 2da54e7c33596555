//! One encoded message, compressed once: as it comes in, so that it lies small on disk and goes out as it lies.
//!
//! Protobuf messages concatenate, and so do deflate blocks that end at a whole byte. A packed message is its field header
//! and bytes in such blocks, beside their length and CRC; any number of them, joined, is one gzip stream of one request.

use std::cell::RefCell;
use std::io::Read;

use crc32fast::Hasher;
use flate2::read::DeflateDecoder;
use flate2::{Compress, Compression, FlushCompress, Status};
use prost::encoding::{WireType, encode_key, encode_varint};

/// A message as field 1 of a request, in deflate blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// The blocks; none of them is the last of a stream.
    pub blocks: Vec<u8>,
    /// Bytes before they were compressed.
    pub bytes: u64,
    /// Their CRC-32 before they were compressed.
    pub crc: u32,
}

impl Packed {
    /// Packs an encoded message.
    #[must_use]
    pub fn new(message: &[u8]) -> Self {
        let mut head = Vec::with_capacity(8);
        encode_key(FIELD, WireType::LengthDelimited, &mut head);
        encode_varint(u64::try_from(message.len()).unwrap_or_default(), &mut head);
        let mut hasher = Hasher::new();
        hasher.update(&head);
        hasher.update(message);
        Self {
            blocks: deflate(&head, message),
            bytes: u64::try_from(head.len() + message.len()).unwrap_or(u64::MAX),
            crc: hasher.finalize(),
        }
    }

    /// The message again; `None` when the blocks are not what was packed.
    #[must_use]
    pub fn unpack(&self) -> Option<Vec<u8>> {
        let mut plain = Vec::with_capacity(usize::try_from(self.bytes).ok()?.min(MAX_GUESS));
        let blocks = self.blocks.chain(&END[..]);
        let read = DeflateDecoder::new(blocks).read_to_end(&mut plain).ok()?;
        if u64::try_from(read).ok()? != self.bytes || crc32fast::hash(&plain) != self.crc {
            return None;
        }
        // Behind the key and the length, whose bytes but the last have their top bit set.
        let length = plain.get(1..)?.iter().position(|byte| byte & 0x80 == 0)?;
        plain.drain(..length + 2);
        Some(plain)
    }
}

/// The request that has these messages, as gzip.
#[must_use]
pub fn join<'p>(packed: impl IntoIterator<Item = &'p Packed>) -> Vec<u8> {
    let mut gzip = HEADER.to_vec();
    let (mut hasher, mut bytes) = (Hasher::new(), 0);
    for piece in packed {
        gzip.extend_from_slice(&piece.blocks);
        hasher.combine(&Hasher::new_with_initial_len(piece.crc, piece.bytes));
        bytes += piece.bytes;
    }
    gzip.extend_from_slice(&END);
    gzip.extend_from_slice(&hasher.finalize().to_le_bytes());
    // By RFC 1952 the length is kept modulo 2^32.
    let length = u32::try_from(bytes & u64::from(u32::MAX)).unwrap_or_default();
    gzip.extend_from_slice(&length.to_le_bytes());
    gzip
}

thread_local! {
    /// A compressor is a quarter of a megabyte: made once for each thread that packs.
    static COMPRESSOR: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(1), false));
}

fn deflate(head: &[u8], message: &[u8]) -> Vec<u8> {
    COMPRESSOR.with_borrow_mut(|compressor| {
        compressor.reset();
        let mut blocks = Vec::with_capacity(message.len() / 6 + 128);
        feed(compressor, head, FlushCompress::None, &mut blocks);
        feed(compressor, message, FlushCompress::Full, &mut blocks);
        blocks
    })
}

/// Compresses `input` to its end, and up to a whole byte where it is flushed.
fn feed(compressor: &mut Compress, input: &[u8], flush: FlushCompress, out: &mut Vec<u8>) {
    let mut taken = 0;
    loop {
        let before = compressor.total_in();
        // Deflate has no input that it can't compress, and no state that it refuses to go on from.
        let status = compressor.compress_vec(input.get(taken..).unwrap_or_default(), out, flush);
        taken += usize::try_from(compressor.total_in() - before).unwrap_or_default();
        let has_room = out.len() < out.capacity();
        if taken >= input.len() && has_room || !matches!(status, Ok(Status::Ok | Status::BufError))
        {
            return;
        }
        out.reserve(input.len() / 8 + 256);
    }
}

/// A gzip header without a name or a time, of the fastest level, from an unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff];

/// The last block of a deflate stream, with nothing in it.
const END: [u8; 2] = [3, 0];

/// `repeated Resource… resource_… = 1`, of `ExportLogsServiceRequest` and `ExportTraceServiceRequest` alike.
const FIELD: u32 = 1;

/// A length that damage has made absurd is not believed beforehand.
const MAX_GUESS: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use flate2::read::GzDecoder;
    use proptest::prelude::*;

    use super::*;

    /// One gzip stream: a decoder that stops behind the first sees all of it.
    fn plain(gzip: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        let mut decoder = GzDecoder::new(gzip);
        decoder.read_to_end(&mut plain).expect("it is gzip");
        assert!(decoder.into_inner().is_empty(), "nothing is behind it");
        plain
    }

    fn framed(messages: &[Vec<u8>]) -> Vec<u8> {
        let mut framed = Vec::new();
        for message in messages {
            encode_key(FIELD, WireType::LengthDelimited, &mut framed);
            encode_varint(message.len() as u64, &mut framed);
            framed.extend_from_slice(message);
        }
        framed
    }

    proptest! {
        #[test]
        fn joined_messages_are_one_gzip_stream_of_one_request(
            messages in proptest::collection::vec((0usize..70_000, any::<u8>(), any::<bool>()), 0..6),
        ) {
            let messages: Vec<Vec<u8>> = messages
                .into_iter()
                .map(|(length, seed, is_noise)| {
                    let noise = |at: usize| (at as u32 ^ u32::from(seed)).wrapping_mul(2_654_435_761).to_be_bytes()[0];
                    (0..length).map(|at| if is_noise { noise(at) } else { seed.wrapping_add((at % 50) as u8) }).collect()
                })
                .collect();
            let packed: Vec<Packed> = messages.iter().map(|message| Packed::new(message)).collect();
            prop_assert_eq!(plain(&join(&packed)), framed(&messages));
            for (packed, message) in packed.iter().zip(&messages) {
                prop_assert_eq!(packed.unpack(), Some(message.clone()));
            }
        }
    }

    #[test]
    fn no_message_is_a_request_with_nothing_in_it() {
        assert_eq!(plain(&join([])), b"");
    }

    #[test]
    fn damaged_blocks_are_no_message() {
        let message = b"a message that is long enough".repeat(9);
        let packed = Packed::new(&message);
        for at in 0..packed.blocks.len() {
            let mut damaged = packed.clone();
            damaged.blocks[at] ^= 0x55;
            let unpacked = damaged.unpack();
            assert!(
                unpacked.is_none_or(|unpacked| unpacked == message),
                "byte {at}"
            );
        }
    }
}
