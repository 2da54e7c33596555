//! The settings of a policy file that are one word of a few.

use std::fmt;

use serde::Deserialize;
use serde::de::Error as _;

use crate::policy::settings::{Classification, Mode, Profile};

/// A setting that is one word of a few.
pub(crate) struct Word<T>(pub T);

impl<'de, T: FromWord> Deserialize<'de> for Word<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        let known = T::WORDS.iter().find(|(known, _)| *known == word);
        known.map(|&(_, value)| Self(value)).ok_or_else(|| {
            let words: Vec<_> = T::WORDS.iter().map(|(word, _)| *word).collect();
            D::Error::custom(format!("`{word}` is none of {}", words.join(", ")))
        })
    }
}

pub(crate) trait FromWord: Copy + fmt::Debug + 'static {
    const WORDS: &'static [(&'static str, Self)];
}

impl FromWord for Profile {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("default", Self::Default),
        ("strict", Self::Strict),
        ("minimal", Self::Minimal),
    ];
}

impl FromWord for Mode {
    const WORDS: &'static [(&'static str, Self)] =
        &[("redact", Self::Redact), ("report", Self::Report)];
}

impl FromWord for Classification {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("drop_value", Self::DropValue),
        ("mark_only", Self::MarkOnly),
        ("drop_record", Self::DropRecord),
    ];
}

/// What stands where an IP address was, as it is written: a pseudonym is no mode of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ip {
    Redact,
    Class,
    Pseudonym,
}

impl FromWord for Ip {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("redact", Self::Redact),
        ("class", Self::Class),
        ("pseudonym", Self::Pseudonym),
    ];
}
