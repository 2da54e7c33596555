//! How it stands, at a glance: for the settings screen of a program.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::level::LevelStatus;
use crate::losses::Loss;
use crate::queue::{DiskQueue, Health};
use crate::send::Connection;

/// How recording and sending stand. It can be shown, or serialized as it is.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let courier = tracing_courier::Courier::builder("field-app", "1.4.0")
///     .dir(dir.path())
/// #     .without_panic_hook()
///     .start()?;
/// let status = courier.status();
/// let json = tracing_courier::serde_json::to_string(&status)?; // for a settings screen
/// assert!(json.starts_with('{'));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// Whether records are sent.
    pub enabled: bool,
    /// Whether records are made.
    pub recording: bool,
    /// Where records go, without credentials; nothing where there is no relay.
    pub endpoint: Option<String>,
    /// Whether the endpoint is fixed for as long as the program runs.
    pub locked: bool,
    /// What the sender is doing, or what stands in its way.
    pub connection: Connection,
    /// When the relay last took a batch; in JSON as RFC 3339.
    #[serde(serialize_with = "in_words")]
    pub last_success: Option<Timestamp>,
    /// What last went wrong.
    pub last_error: Option<String>,
    /// When; in JSON as RFC 3339.
    #[serde(serialize_with = "in_words")]
    pub last_error_at: Option<Timestamp>,
    /// Records delivered since the start.
    pub delivered: u64,
    /// Records that the relay refused for their content since the start.
    pub rejected: u64,
    /// Panics, since the start, in what the program gave the sender: a transport, a token provider, a network check.
    pub panics: u64,
    /// Whether another panic hook was set after Courier's and does not call it, so that panics leave no record. One that
    /// keeps Courier's without calling it is found only by a panic that drops the [`Guard`](crate::Guard).
    pub panic_hook_replaced: bool,
    /// Records on disk that are not delivered.
    pub pending_records: u64,
    /// Their bytes.
    pub pending_bytes: u64,
    /// Records lost, by reason.
    pub lost_by_reason: BTreeMap<Loss, u64>,
    /// The levels in force and why, where the sender follows the relay's.
    pub levels: Option<LevelStatus>,
}

impl Status {
    /// Of a queue that nobody sends from.
    pub(crate) fn of(queue: &DiskQueue) -> Self {
        let pending = queue.pending();
        let connection = match queue.health() {
            Health::Healthy => Connection::NoRelay,
            Health::Degraded(reason) => Connection::Degraded { reason },
        };
        Self {
            enabled: true,
            recording: true,
            endpoint: None,
            locked: false,
            connection,
            last_success: None,
            last_error: None,
            last_error_at: None,
            delivered: 0,
            rejected: 0,
            panics: 0,
            panic_hook_replaced: false,
            pending_records: pending.records,
            pending_bytes: pending.bytes,
            lost_by_reason: queue.losses().by_reason(),
            levels: None,
        }
    }
}

/// A time as RFC 3339; jiff's own feature for serde is not asked for.
fn in_words<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => serializer.collect_str(at),
        None => serializer.serialize_none(),
    }
}
