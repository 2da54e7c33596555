//! What lies on the device, by `courier-relay queue`.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

use crate::built;
use crate::process::{Ended, Process};

/// An undelivered record on disk.
#[derive(Debug, Deserialize)]
pub struct Stored {
    pub queue: String,
    pub q: String,
    pub level: String,
    pub message: String,
    #[serde(default)]
    pub attributes: serde_json::Map<String, Value>,
    #[serde(default, rename = "stackTrace")]
    pub stack_trace: Option<String>,
    #[serde(default)]
    pub breadcrumbs: Vec<Breadcrumb>,
}

/// What came before a record.
#[derive(Debug, Deserialize)]
pub struct Breadcrumb {
    pub message: String,
}

impl Stored {
    /// Its number, if it is one of the numbered.
    pub fn n(&self) -> Option<u64> {
        self.attributes.get("n")?.as_u64()
    }

    /// Its place in its queue.
    pub fn seq(&self) -> u64 {
        let seq = self.q.split('-').next().unwrap_or_default();
        u64::from_str_radix(seq, 16).unwrap_or_else(|error| panic!("{error}: {}", self.q))
    }
}

/// `courier-relay queue <verb> <dir>`.
pub fn queue(verb: &str, dir: &Path) -> Ended {
    Process::start(
        Command::new(built::courier_relay())
            .args(["queue", verb])
            .arg(dir),
    )
    .wait()
}

/// The undelivered records, as `queue cat` shows them.
pub fn cat(dir: &Path) -> Vec<Stored> {
    let ended = queue("cat", dir);
    assert_eq!(ended.code, Some(0), "{:#?}", ended.stderr);
    parse(&ended.stdout)
}

/// The records that these lines are.
pub fn parse(lines: &[String]) -> Vec<Stored> {
    lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}
