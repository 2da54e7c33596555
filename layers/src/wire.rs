//! What travels between a program and its relay, as types that both sides share.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::record::Level;

/// The relay's answer to a batch. `accepted + duplicates + rejected.len()` is what was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Receipt {
    /// Records now safe in the relay's spool.
    pub accepted: u64,
    /// Records that the relay had already.
    pub duplicates: u64,
    /// Records that it will never take, each with its reason.
    pub rejected: Vec<Rejected>,
}

impl Receipt {
    /// A receipt for as many records as the three are together.
    #[must_use]
    pub fn new(accepted: u64, duplicates: u64, rejected: Vec<Rejected>) -> Self {
        Self {
            accepted,
            duplicates,
            rejected,
        }
    }
}

/// One record that the relay refused for its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Rejected {
    /// Position in the batch, from 0.
    pub index: usize,
    /// What is wrong with it, for the client's developer.
    pub reason: String,
}

impl Rejected {
    /// The record at this position of the batch, and what is wrong with it.
    pub fn new(index: usize, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { index, reason }
    }
}

/// The relay's answer to whatever it does not take. A 4xx without it did not come from a relay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Refusal {
    /// What is wrong, for the client's developer.
    pub error: String,
}

/// The relay's answer to a program that asks for its levels. Other relays may leave out what is optional here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LevelConfig {
    /// The lowest level to record.
    pub min_level: Level,
    /// Exceptions by module, whole path segments, the longest winning.
    #[serde(default)]
    pub modules: BTreeMap<String, Level>,
    /// When this ends, in RFC 3339 by the relay's clock.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// How long until then: what counts where the two clocks differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_seconds: Option<f64>,
    /// When to ask again, in seconds.
    pub refresh_seconds: u64,
    /// The rule that says so, `user 7`; [`NO_RULE`](Self::NO_RULE) when none does, and the program's own levels hold.
    #[serde(default)]
    pub rule: Option<String>,
}

impl LevelConfig {
    /// No rule of the relay is meant for this program: it keeps to its own levels.
    pub const NO_RULE: &str = "none";

    /// This level without an end, to be asked for again after so many seconds.
    #[must_use]
    pub fn new(min_level: Level, refresh_seconds: u64) -> Self {
        Self {
            min_level,
            modules: BTreeMap::new(),
            expires_at: None,
            expires_in_seconds: None,
            refresh_seconds,
            rule: None,
        }
    }
}
