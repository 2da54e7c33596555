//! What a body goes out as.

use flate2::{Compress, FlushCompress, Status};

/// How bodies are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// gzip at level 1, about an eighth of the JSON: what every HTTP server reads.
    #[default]
    Gzip,
    /// zstd at level 1: smaller and cheaper, where the relay is Courier's.
    #[cfg(feature = "zstd")]
    Zstd,
    /// Not at all, for debugging.
    None,
}

/// Compresses one body after the other, in the same memory.
pub(super) enum Encoder {
    Gzip(Box<Compress>),
    #[cfg(feature = "zstd")]
    Zstd(Box<zstd::bulk::Compressor<'static>>),
    None,
}

impl Encoder {
    pub fn new(compression: Compression) -> Self {
        match compression {
            Compression::Gzip => {
                let level = flate2::Compression::fast();
                Self::Gzip(Box::new(Compress::new_gzip(level, WINDOW_BITS)))
            }
            #[cfg(feature = "zstd")]
            Compression::Zstd => zstd::bulk::Compressor::new(1)
                .map_or(Self::None, |compressor| Self::Zstd(Box::new(compressor))),
            Compression::None => Self::None,
        }
    }

    /// The body as it goes out, and its `Content-Encoding`. What can't be compressed goes as it is.
    pub fn encode(&mut self, body: &[u8]) -> (Vec<u8>, Option<&'static str>) {
        let encoded = match self {
            Self::Gzip(gzip) => gzipped(gzip, body).map(|encoded| (encoded, "gzip")),
            #[cfg(feature = "zstd")]
            Self::Zstd(zstd) => zstd.compress(body).ok().map(|encoded| (encoded, "zstd")),
            Self::None => None,
        };
        match encoded {
            Some((encoded, name)) => (encoded, Some(name)),
            None => (body.to_vec(), None),
        }
    }
}

fn gzipped(gzip: &mut Compress, body: &[u8]) -> Option<Vec<u8>> {
    gzip.reset();
    let mut encoded = Vec::with_capacity(body.len() / 4 + 256);
    loop {
        let read = usize::try_from(gzip.total_in()).ok()?;
        let rest = body.get(read..)?;
        match gzip.compress_vec(rest, &mut encoded, FlushCompress::Finish) {
            Ok(Status::StreamEnd) => return Some(encoded),
            Ok(Status::Ok | Status::BufError) => encoded.reserve(encoded.capacity().max(256)),
            Err(_) => return None,
        }
    }
}

/// The largest window: 32 KiB.
const WINDOW_BITS: u8 = 15;

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn one_encoder_compresses_body_after_body_each_on_its_own() {
        let noise: Vec<u8> = (0..200_000_u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        let bodies = [&b""[..], b"{}", &[b'x'; 900_000], &noise];
        let mut encoder = Encoder::new(Compression::Gzip);
        for body in bodies {
            let (encoded, name) = encoder.encode(body);
            assert_eq!(name, Some("gzip"));
            let mut decoded = Vec::new();
            flate2::read::GzDecoder::new(&encoded[..])
                .read_to_end(&mut decoded)
                .unwrap();
            assert!(decoded == body, "{} bytes", body.len());
        }
        assert_eq!(
            Encoder::new(Compression::None).encode(b"{}"),
            (b"{}".to_vec(), None)
        );
    }
}
