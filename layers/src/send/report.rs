//! What a flush came to, and what the sender is doing.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::level::LevelStatus;

/// What a flush came to. Counts run from the start of the sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Records that the relay has, by its receipts.
    pub delivered: u64,
    /// Records that are still on disk, in this queue and in those it adopted.
    pub pending: u64,
    /// Records that the relay refused for their content; they lie in `rejected.jsonl`.
    pub rejected: u64,
    /// Records lost, by reason; the reasons that lost none are left out.
    pub lost_by_reason: BTreeMap<&'static str, u64>,
    /// Why the flush returned.
    pub why_stopped: WhyStopped,
}

/// Why a flush returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WhyStopped {
    /// Everything logged before the call is home.
    Drained,
    /// The deadline came first; the sender goes on.
    Deadline,
    /// The relay refused the token, or the program could give none: waiting for a new one.
    PausedForToken,
    /// The endpoint is no relay: waiting for another, or a restart.
    PausedNotFound,
    /// There is no network.
    Offline,
    /// The sender has been stopped.
    Stopped,
    /// There is no relay to send to.
    NoRelay,
    /// Asked for on the sender's own thread, which can't wait for itself: in a token provider, say. It sends next.
    OnSenderThread,
}

/// What the sender is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
#[non_exhaustive]
pub enum Connection {
    /// Nothing to send, or waiting for the timer.
    Idle,
    /// A batch is on its way.
    Sending,
    /// The last try failed; the next is due by itself.
    BackingOff {
        /// RFC 3339, by this device's clock.
        until: String,
    },
    /// The relay refused the token, or the program could give none: waiting for a new one.
    PausedForToken,
    /// The endpoint is no relay: waiting for another, or a restart.
    PausedNotFound,
    /// There is no network: waiting for it.
    Offline,
    /// The sender has been stopped.
    Stopped,
}

/// The sender at a glance, for a settings screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// Where records go, without credentials.
    pub endpoint: String,
    /// What the sender is doing.
    pub connection: Connection,
    /// When the relay last took a batch, in RFC 3339.
    pub last_success: Option<String>,
    /// What last went wrong.
    pub last_error: Option<String>,
    /// Records delivered since the start.
    pub delivered: u64,
    /// Panics, since the start, in what the program gave the sender: a transport, a token provider, a network check.
    pub panics: u64,
    /// Records on disk that are not delivered.
    pub pending_records: u64,
    /// Their bytes.
    pub pending_bytes: u64,
    /// Records lost, by reason.
    pub lost_by_reason: BTreeMap<&'static str, u64>,
    /// The levels in force and why, where the sender follows the relay's.
    pub levels: Option<LevelStatus>,
}
