//! A policy as a TOML file, and the key of its pseudonyms.

#[cfg(feature = "pseudonym")]
pub(crate) mod key;
pub(crate) mod policy_file;
pub(crate) mod words;
