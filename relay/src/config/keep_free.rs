//! How much of a disk is to be left free.

use super::error::ConfigError;
use super::setting::Setting;
use super::value::{size, word, wrong};

/// How much of a disk is to be left free: bytes, or a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepFree {
    /// So many bytes; 0 is to use all of it.
    Bytes(u64),
    /// So many percent.
    Percent(u8),
    /// One percent, at most 64 MiB.
    Default,
}

impl KeepFree {
    /// One percent, so that a small disk is not refused as a whole, and at most 64 MiB, which is more than the database
    /// needs to move on and delete.
    pub const DEFAULT: Self = Self::Default;

    /// In bytes, of a disk with so many.
    #[must_use]
    pub fn of(self, size: u64) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Percent(percent) => size / 100 * u64::from(percent),
            Self::Default => (size / 100).min(DEFAULT_MAX_BYTES),
        }
    }
}

pub(super) fn keep_free(setting: Option<&Setting>) -> Result<KeepFree, ConfigError> {
    let refuse = |text| wrong("keep-free", text, "use for example 64MiB, 1% or 0");
    match word(setting) {
        None => Ok(KeepFree::DEFAULT),
        Some("0") => Ok(KeepFree::Bytes(0)),
        Some(text) => match text.strip_suffix('%') {
            Some(percent) => match percent.trim().parse() {
                Ok(percent @ 0..=90) => Ok(KeepFree::Percent(percent)),
                _ => Err(refuse(text)),
            },
            None => size("keep-free", setting, 0)
                .map(KeepFree::Bytes)
                .map_err(|_| refuse(text)),
        },
    }
}

const DEFAULT_MAX_BYTES: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_is_bytes_or_a_part() {
        let read = |text: &str| keep_free(Some(&Setting::from(text)));
        let tib = 1 << 40;
        assert_eq!(read("1GiB").expect("bytes").of(tib), 1 << 30);
        assert_eq!(read("5%").expect("a part").of(1000), 50);
        assert_eq!(read("0").expect("nothing").of(tib), 0);
        assert_eq!(KeepFree::DEFAULT.of(tib), 64 << 20);
        assert_eq!(KeepFree::DEFAULT.of(1 << 20), (1 << 20) / 100);
        for wrong in ["much", "91%", "-1", "1 parsec"] {
            let error = read(wrong).expect_err(wrong).to_string();
            assert!(error.contains("--keep-free"), "{error}");
        }
    }
}
