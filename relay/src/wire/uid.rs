//! `log.record.uid`: a record's name for everybody.

use sha2::{Digest, Sha256};

/// The name of the record that stands at `seq` in this queue of this token's subject. It is the same however often the
/// record comes, and nobody can give another's.
#[must_use]
pub fn queued(subject: &str, queue: &str, seq: u64) -> [u8; 16] {
    hash([
        b"queue",
        subject.as_bytes(),
        queue.as_bytes(),
        &seq.to_be_bytes(),
    ])
}

/// The name of the record without a place in a queue: the one at `index` of the batch, from 0, in a body of this hash, which
/// is over the subject too. The others of the batch have no part in it: some may have been there before.
#[must_use]
pub fn in_body(body: &[u8; 32], index: u64) -> [u8; 16] {
    hash([b"body", body, &index.to_be_bytes()])
}

/// A name as it is written: 32 hex digits.
#[must_use]
pub fn read(hex: &str) -> Option<[u8; 16]> {
    let is_hex = hex.len() == 32 && hex.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = is_hex
        .then(|| u128::from_str_radix(hex, 16).ok())
        .flatten()?;
    Some(number.to_be_bytes())
}

/// The first 16 bytes of a SHA-256 over the parts, each behind its length as eight bytes, the highest first.
#[must_use]
pub fn hash<const PARTS: usize>(parts: [&[u8]; PARTS]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    let mut uid = [0; 16];
    for (byte, hashed) in uid.iter_mut().zip(hash.finalize()) {
        *byte = hashed;
    }
    uid
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By Python: `h = sha256(); [h.update(len(p).to_bytes(8, "big") + p) for p in parts]; h.hexdigest()[:32]`.
    #[test]
    fn names_are_those_that_another_implementation_gives() {
        let hex = |uid: [u8; 16]| crate::fingerprint::hex(&uid);
        assert_eq!(
            hex(queued("user-abc", "9f86d081884c7d65", 42)),
            "b4eee83a2558797bcd92f89d7495d37c"
        );
        assert_eq!(
            hex(in_body(&[7; 32], 3)),
            "b87d355cb38c4f19212e9b6de1489ecb"
        );
        assert_eq!(
            read("b87d355cb38c4f19212e9b6de1489ecb"),
            Some(in_body(&[7; 32], 3))
        );
        for wrong in ["", "b87d", "+87d355cb38c4f19212e9b6de1489ecb", "forged"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
