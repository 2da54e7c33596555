//! What travels between a program and its relay, as types that both sides share.

use serde::{Deserialize, Serialize};

/// The relay's answer to a batch. `accepted + duplicates + rejected.len()` is what was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Records now safe in the relay's spool.
    pub accepted: u64,
    /// Records that the relay had already.
    pub duplicates: u64,
    /// Records that it will never take, each with its reason.
    pub rejected: Vec<Rejected>,
}

/// One record that the relay refused for its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Position in the batch, from 0.
    pub index: usize,
    /// What is wrong with it, for the client's developer.
    pub reason: String,
}
