//! Reads a request's body: never more than the cap, neither as sent nor inflated, and no bomb.

use std::io::Read;
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use crate::http::ApiError;

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// As it is.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Coding {
    fn named(name: &str) -> Result<Self, ApiError> {
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            _ => Err(ApiError::UnknownEncoding),
        }
    }
}

/// A body as it was sent.
#[derive(Debug)]
pub struct Received {
    coding: Coding,
    bytes: Bytes,
}

/// The body of a request that says it is JSON, at most `max_bytes` as sent.
///
/// # Errors
///
/// When it is larger, slower or of another type than agreed; never because of what is in it.
pub async fn receive(
    headers: &HeaderMap,
    body: Body,
    max_bytes: usize,
) -> Result<Received, ApiError> {
    is_json(headers)?;
    let coding = coding(headers)?;
    let said = expected_bytes(headers);
    if said.is_some_and(|length| length > max_bytes) {
        linger(body).await;
        return Err(ApiError::BodyTooLarge(max_bytes));
    }
    let bytes = tokio::time::timeout(
        BODY_TIMEOUT,
        collect(body, said.unwrap_or_default(), max_bytes),
    )
    .await
    .map_err(|_| ApiError::Slow)??;
    Ok(Received { coding, bytes })
}

impl Received {
    /// `bytes` under this `Content-Encoding`.
    ///
    /// # Errors
    ///
    /// When the coding is not one that the relay knows.
    pub fn new(content_encoding: &str, bytes: Bytes) -> Result<Self, ApiError> {
        let coding = Coding::named(content_encoding)?;
        Ok(Self { coding, bytes })
    }

    /// How many bytes it may have once inflated: `max_bytes` where it is compressed, since that is known only afterwards.
    pub fn most_bytes(&self, max_bytes: usize) -> usize {
        match self.coding {
            Coding::Identity => self.bytes.len(),
            Coding::Gzip | Coding::Zstd => max_bytes,
        }
    }

    /// The text, when it has no more than `small` bytes. It costs no more than so many.
    ///
    /// # Errors
    ///
    /// When the bytes are not of their coding.
    pub fn unpack_small(&self, small: usize) -> Result<Option<Bytes>, ApiError> {
        if self.bytes.len() > small {
            return Ok(None);
        }
        match inflate(self.coding, self.bytes.clone(), small) {
            Err(ApiError::BodyTooLarge(_) | ApiError::Bomb(_)) => Ok(None),
            inflated => inflated.map(Some),
        }
    }

    /// The text, at most `max_bytes`.
    ///
    /// # Errors
    ///
    /// When the bytes are not of their coding, or are more than `max_bytes` in truth, or a bomb.
    pub fn unpack(self, max_bytes: usize) -> Result<Bytes, ApiError> {
        inflate(self.coding, self.bytes, max_bytes)
    }
}

/// What `Content-Length` says.
pub fn expected_bytes(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Room for what is `said` to come was found before; it is no more than `max_bytes`.
async fn collect(mut body: Body, said: usize, max_bytes: usize) -> Result<Bytes, ApiError> {
    let mut bytes = BytesMut::with_capacity(said);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| ApiError::Truncated)?.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > max_bytes {
            drop(bytes);
            linger(body).await;
            return Err(ApiError::BodyTooLarge(max_bytes));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

/// Takes a little of what is left, so that a client that only reads after it has written gets to see the answer.
async fn linger(mut body: Body) {
    let mut left = LINGER_BYTES;
    let discard = async {
        while let Some(Ok(frame)) = body.frame().await {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            let Some(less) = left.checked_sub(bytes) else {
                break;
            };
            left = less;
        }
    };
    let _ = tokio::time::timeout(LINGER_TIMEOUT, discard).await;
}

fn is_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = value.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(ApiError::NotJson)
    }
}

fn coding(headers: &HeaderMap) -> Result<Coding, ApiError> {
    let mut values = headers.get_all(CONTENT_ENCODING).iter();
    let coding = match values.next() {
        None => Coding::Identity,
        Some(value) => Coding::named(value.to_str().unwrap_or("?"))?,
    };
    if values.next().is_some() {
        Err(ApiError::UnknownEncoding)
    } else {
        Ok(coding)
    }
}

fn inflate(coding: Coding, bytes: Bytes, max_bytes: usize) -> Result<Bytes, ApiError> {
    let limit = bytes
        .len()
        .saturating_mul(MAX_RATIO)
        .max(RATIO_FREE_BYTES)
        .min(max_bytes);
    let inflated = match coding {
        Coding::Identity => return Ok(bytes),
        Coding::Gzip => capped(flate2::read::MultiGzDecoder::new(&bytes[..]), limit),
        Coding::Zstd => {
            zstd::stream::read::Decoder::with_buffer(&bytes[..]).and_then(|mut decoder| {
                decoder.window_log_max(MAX_WINDOW_LOG)?;
                capped(decoder, limit)
            })
        }
    };
    let inflated = inflated.map_err(|_| {
        ApiError::NotInflatable(if coding == Coding::Gzip {
            "gzip"
        } else {
            "zstd"
        })
    })?;
    if inflated.len() <= limit {
        Ok(Bytes::from(inflated))
    } else if limit < max_bytes {
        Err(ApiError::Bomb(MAX_RATIO))
    } else {
        Err(ApiError::BodyTooLarge(max_bytes))
    }
}

/// One byte more than allowed is enough to know.
fn capped(reader: impl Read, max_bytes: usize) -> std::io::Result<Vec<u8>> {
    let mut inflated = Vec::new();
    let limit = u64::try_from(max_bytes)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    reader.take(limit).read_to_end(&mut inflated)?;
    Ok(inflated)
}

/// A whole body may take this long: a 1 MiB batch over a 300 kbit/s line.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// What is read and thrown away of a body that is too large.
const LINGER_BYTES: usize = 8 << 20;

/// How long that may take.
const LINGER_TIMEOUT: Duration = Duration::from_secs(10);

/// A body may become this many times as long. Records that differ only in their numbers reach about a hundred.
const MAX_RATIO: usize = 200;

/// Up to here a body may become as long as it likes: no single record is longer than half of it, so that halving a batch
/// always ends with records that pass.
const RATIO_FREE_BYTES: usize = 128 * 1024;

/// 8 MiB, which RFC 8878 asks every decoder to support; more is memory that a stranger decides on.
const MAX_WINDOW_LOG: u32 = 23;

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Bytes {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).expect("it compresses");
        encoder.finish().expect("it ends").into()
    }

    fn zstd(bytes: &[u8]) -> Bytes {
        zstd::encode_all(bytes, 1).expect("it compresses").into()
    }

    #[test]
    fn the_cap_counts_inflated_bytes() {
        for (coding, pack) in [
            (Coding::Gzip, gzip as fn(&[u8]) -> Bytes),
            (Coding::Zstd, zstd),
        ] {
            let text = vec![b'x'; 1000];
            assert_eq!(
                inflate(coding, pack(&text), 1000).as_deref(),
                Ok(&text[..]),
                "{coding:?}"
            );
            assert_eq!(
                inflate(coding, pack(&text), 999),
                Err(ApiError::BodyTooLarge(999)),
                "{coding:?}"
            );
            // Sixteen letters in no order: half as long when packed.
            let letters: Vec<u8> = (0..2 << 20)
                .map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 28) as u8)
                .collect();
            let large = inflate(coding, pack(&letters), 1 << 20);
            assert_eq!(
                large.err(),
                Some(ApiError::BodyTooLarge(1 << 20)),
                "{coding:?}"
            );
            let bomb = inflate(coding, pack(&vec![0; 1 << 20]), 1 << 20);
            assert_eq!(bomb.err(), Some(ApiError::Bomb(MAX_RATIO)), "{coding:?}");
            let small = inflate(coding, pack(&vec![0; RATIO_FREE_BYTES]), 1 << 20);
            assert!(small.is_ok(), "{coding:?}: one record always passes");
        }
    }

    #[test]
    fn what_is_small_once_inflated_is_known_without_inflating_the_rest() {
        for (coding, pack) in [
            (
                Coding::Identity,
                Bytes::copy_from_slice as fn(&[u8]) -> Bytes,
            ),
            (Coding::Gzip, gzip),
            (Coding::Zstd, zstd),
        ] {
            for (bytes, is_small) in [(1000, true), (1001, false), (1 << 20, false)] {
                let bytes = pack(&vec![b'x'; bytes]);
                let small = Received { coding, bytes }.unpack_small(1000);
                assert_eq!(
                    small.expect("it is whole").is_some(),
                    is_small,
                    "{coding:?}"
                );
            }
        }
    }

    #[test]
    fn torn_and_foreign_bytes_are_refused() {
        for (coding, pack) in [
            (Coding::Gzip, gzip as fn(&[u8]) -> Bytes),
            (Coding::Zstd, zstd),
        ] {
            let whole = pack(b"some text that is long enough to be cut");
            let torn = whole.slice(..whole.len() - 3);
            for bytes in [torn, Bytes::from_static(b"{\"logs\":[]}")] {
                assert!(
                    matches!(
                        inflate(coding, bytes, 1000),
                        Err(ApiError::NotInflatable(_))
                    ),
                    "{coding:?}"
                );
            }
        }
    }
}
