//! What a running relay says of itself; this is the JSON of `GET /admin/v1/status`.

use serde::{Deserialize, Serialize};

/// How a running relay is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Status {
    /// Its version.
    pub version: String,
    /// Seconds since it started.
    pub uptime_seconds: u64,
    /// Where it listens.
    pub listening: Listening,
    /// Whether a batch that comes now is accepted.
    pub ready: bool,
    /// What an operator has to look at, each with what to do; empty when all is well.
    pub alarms: Vec<String>,
    /// What waits.
    pub spool: SpoolStatus,
    /// The ways out of the spool.
    pub exports: Vec<ExportStatus>,
    /// What was kept to be looked up; `None` without an index.
    #[serde(default)]
    pub index: Option<IndexStatus>,
    /// Whether records are kept for an upstream that is still to be set.
    #[serde(default)]
    pub awaits_upstream: bool,
    /// Records that the upstream refused for good.
    pub dead_letters: u64,
    /// The disk of the data directory; `None` where the system does not say.
    pub disk: Option<DiskStatus>,
    /// What tokens are checked with.
    pub keys: KeysStatus,
    /// The names of records that were accepted.
    pub ledger: LedgerStatus,
    /// Rules for levels that are in force.
    pub levels: u64,
}

/// The addresses of a relay.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Listening {
    /// Where clients send to.
    pub ingest: String,
    /// Where operators look.
    pub admin: String,
    /// Whether clients speak TLS to it.
    pub tls: bool,
}

/// What waits in the spool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpoolStatus {
    /// Records that wait.
    pub records: u64,
    /// Bytes that wait.
    pub bytes: u64,
    /// Bytes of the cap that are used: what waits, names, dead letters.
    pub used_bytes: u64,
    /// The cap.
    pub max_bytes: u64,
    /// Age of what waits longest, in seconds.
    pub oldest_seconds: f64,
    /// Records lost to damage since the relay started.
    pub damaged_records: u64,
    /// Transactions that failed since the relay started.
    pub failed_writes: u64,
}

/// One way out of the spool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExportStatus {
    /// `export`, `spans` or `file`.
    pub name: String,
    /// Records that wait for it.
    pub waiting: u64,
    /// Records that it has taken since the relay started.
    pub taken: u64,
    /// The upstream's last answer: a status, or `none`; absent before the first.
    pub last_answer: Option<String>,
    /// Seconds since that answer.
    pub last_seconds: Option<f64>,
    /// Whether its answer needs an operator.
    pub alarm: bool,
}

/// What was kept to be looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexStatus {
    /// Records in it.
    pub records: u64,
    /// Its files.
    pub segments: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Records that wait for it.
    pub waiting: u64,
    /// Records that came since the relay started and are not in it: it could not be written for too long.
    pub skipped: u64,
    /// Records of the time that it covers which are not in it: lost with a file, or skipped.
    pub missing: u64,
    /// Files that can't be read.
    pub unreadable: u64,
    /// Whether the last write failed.
    pub is_failing: bool,
    /// When the first record in it came, in RFC 3339.
    pub kept_since: Option<String>,
    /// How long records are kept, in seconds.
    pub keep_seconds: u64,
}

/// The disk of the data directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DiskStatus {
    /// Free.
    pub free_bytes: u64,
    /// In all.
    pub size_bytes: u64,
    /// Below it batches are refused.
    pub keep_free_bytes: u64,
    /// Whether they are.
    pub is_low: bool,
}

/// What tokens are checked with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KeysStatus {
    /// `development`, `HS256 secret`, `public key` or `published keys`.
    pub mode: String,
    /// How many keys are in use.
    pub count: u64,
    /// Seconds since they were fetched; absent where nothing is, or was not yet.
    pub age_seconds: Option<f64>,
}

/// The names of records that were accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerStatus {
    /// Queues that they are of: one for each run of a program that was heard in the last 400 days.
    #[serde(default)]
    pub queues: u64,
    /// Ranges of seqs, of all queues.
    pub ranges: u64,
    /// Bytes that they take.
    pub bytes: u64,
}
