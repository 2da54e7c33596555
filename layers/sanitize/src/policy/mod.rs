//! What a program asks for, and that made ready to scan.

pub(crate) mod compiled;
pub(crate) mod error;
pub(crate) mod own_literals;
pub(crate) mod pattern;
#[cfg(feature = "policy")]
pub(crate) mod pattern_regex;
pub(crate) mod pseudonym;
#[cfg(feature = "pseudonym")]
pub(crate) mod pseudonym_key;
pub(crate) mod settings;
