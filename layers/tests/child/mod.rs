//! Runs a case of a test in a process of its own: the test's program again, with the case's name in a variable.

#![allow(dead_code, reason = "no test needs all of it")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tracing_courier::queue::inspect;

const CASE: &str = "COURIER_TEST_CASE";
const DIR: &str = "COURIER_TEST_DIR";

/// The case and directory of a process that was started by [`command`].
pub fn case() -> Option<(String, PathBuf)> {
    Some((std::env::var(CASE).ok()?, std::env::var_os(DIR)?.into()))
}

/// Runs only the test of this name, which is to ask for its [`case`] first.
pub fn command(test: &str, case: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture"])
        .env(CASE, case)
        .env(DIR, dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// SIGKILL, as far as the child is concerned: nothing of it runs any more.
pub fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The undelivered records under `root` with this message, oldest queue first.
pub fn records(root: &Path, message: &str) -> Vec<Value> {
    all_records(root)
        .into_iter()
        .filter(|record| record["message"] == message)
        .collect()
}

/// The undelivered records under `root`, oldest queue first, each with its `context`.
pub fn all_records(root: &Path) -> Vec<Value> {
    let mut records = Vec::new();
    for queue in inspect::queues(root).unwrap() {
        for stored in queue.records() {
            let mut record: Value = serde_json::from_slice(&stored.json).unwrap();
            let members: Value = serde_json::from_str(&format!("{{{}}}", stored.context)).unwrap();
            record["context"] = members["context"].clone();
            record["resource"] = members["resource"].clone();
            records.push(record);
        }
    }
    records
}
