//! The names of a frame's records, in the order in which they lie in it: a frame is sorted by logger, so that the order of
//! their seqs can't be told from it.
//!
//! Kept as one number for each record (LEB128): 0 for one without a name, else its seq less the one before, zigzag, plus
//! one; and behind them, where one has no name, the 32 bytes that stand for it. A byte a record as a rule.

/// What the records of a frame are called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The seq of each record that has one.
    pub seqs: Vec<Option<u64>>,
    /// What stands for the name of the others: a hash of who and what.
    pub hash: Option<[u8; 32]>,
}

impl Names {
    /// As they are kept; nothing when nothing is known.
    pub(super) fn to_stored(&self) -> Option<Vec<u8>> {
        if self.seqs.is_empty() {
            return None;
        }
        let mut bytes = Vec::with_capacity(self.seqs.len() + 32);
        let mut before = 0_u64;
        for seq in &self.seqs {
            let Some(seq) = *seq else {
                bytes.push(0);
                continue;
            };
            let step = seq.wrapping_sub(before).cast_signed();
            let zigzag = (step << 1 ^ step >> 63).cast_unsigned();
            let mut number = u128::from(zigzag) + 1;
            while number >= 0x80 {
                bytes.push((number & 0x7f) as u8 | 0x80);
                number >>= 7;
            }
            bytes.push(number as u8);
            before = seq;
        }
        bytes.extend(self.hash.iter().flatten());
        Some(bytes)
    }

    /// The names of so many records from how they are kept; none when they are not whole.
    pub(super) fn stored(bytes: &[u8], records: u64) -> Self {
        Self::read(bytes, records).unwrap_or_default()
    }

    fn read(bytes: &[u8], records: u64) -> Option<Self> {
        let mut rest = bytes.iter();
        let mut seqs = Vec::new();
        let mut before = 0_u64;
        for _ in 0..records {
            let (mut number, mut shift) = (0_u128, 0);
            loop {
                let byte = *rest.next()?;
                if shift > 63 {
                    return None;
                }
                number |= u128::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            let Some(zigzag) = number.checked_sub(1) else {
                seqs.push(None);
                continue;
            };
            let zigzag = u64::try_from(zigzag).ok()?;
            let step = zigzag >> 1 ^ (zigzag & 1).wrapping_neg();
            before = before.wrapping_add(step);
            seqs.push(Some(before));
        }
        let hash = match rest.as_slice() {
            [] => None,
            hash => Some(hash.try_into().ok()?),
        };
        Some(Self { seqs, hash })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_come_back_as_they_were(
            seqs in prop::collection::vec(prop::option::of(any::<u64>()), 0..50),
            hash in prop::option::of(any::<[u8; 32]>()),
        ) {
            let hash = hash.filter(|_| !seqs.is_empty());
            let names = Names { seqs, hash };
            let stored = names.to_stored().unwrap_or_default();
            let records = u64::try_from(names.seqs.len()).expect("few");
            prop_assert_eq!(Names::stored(&stored, records), names);
        }

        #[test]
        fn bytes_that_are_not_names_are_none_or_some_and_no_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..64),
            records in 0..70_u64,
        ) {
            let read = Names::stored(&bytes, records);
            prop_assert!(read.seqs.len() as u64 == records || read == Names::default());
        }
    }

    #[test]
    fn seqs_that_follow_each_other_take_a_byte_each() {
        let names = Names {
            seqs: (1_000_000..1_000_100).map(Some).collect(),
            hash: None,
        };
        assert_eq!(names.to_stored().map(|bytes| bytes.len()), Some(102));
    }
}
