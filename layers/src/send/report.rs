//! What a flush came to, and what the sender is doing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::losses::Loss;

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
    pub lost_by_reason: BTreeMap<Loss, u64>,
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
    /// The relay says that it takes no records there: waiting for another endpoint, or a restart.
    PausedNotFound,
    /// There is no network.
    Offline,
    /// The last try failed, and the program ends: it did not wait for the next one.
    BackingOff,
    /// As [`exit_later`](crate::CourierBuilder::exit_later) has it: the next run delivers.
    Later,
    /// Sending is switched off.
    Disabled,
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
        /// By this device's clock; in JSON as RFC 3339.
        #[serde(serialize_with = "in_words")]
        until: Timestamp,
    },
    /// The relay refused the token, or the program could give none: waiting for a new one.
    PausedForToken,
    /// The relay says that it takes no records there: waiting for another endpoint, or a restart.
    PausedNotFound,
    /// There is no network: waiting for it.
    Offline,
    /// Sending is switched off.
    Disabled,
    /// The disk refuses; records wait in memory, and it is tried again.
    Degraded {
        /// What the system said.
        reason: String,
    },
    /// The sender has been stopped.
    Stopped,
    /// There is no relay to send to.
    NoRelay,
}

/// A time as RFC 3339; jiff's own feature for serde is not asked for.
fn in_words<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_and_losses_are_words_in_json() {
        let report = Report {
            delivered: 1,
            pending: 2,
            rejected: 3,
            lost_by_reason: BTreeMap::from([(Loss::NoGate, 4), (Loss::Overflow, 5)]),
            why_stopped: WhyStopped::PausedForToken,
        };
        assert_eq!(
            serde_json::to_value(report).unwrap(),
            json!({
                "delivered": 1, "pending": 2, "rejected": 3, "lost_by_reason": {"no_gate": 4, "overflow": 5},
                "why_stopped": "paused_for_token",
            })
        );
        let until = "2026-02-06T12:00:00.5Z".parse().unwrap();
        assert_eq!(
            serde_json::to_value(Connection::BackingOff { until }).unwrap(),
            json!({"state": "backing_off", "until": "2026-02-06T12:00:00.5Z"})
        );
    }
}
