//! `field_app`: the program in the field.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::built;
use crate::process::{Ended, Process};

/// Starts it on this queue root.
pub fn start(root: &Path, more: &[impl AsRef<OsStr>]) -> Process {
    Process::start(
        Command::new(built::field_app())
            .arg("--dir")
            .arg(root)
            .args(more),
    )
}

/// The numbers that were acknowledged.
pub fn acked(ended: &Ended) -> Vec<u64> {
    ended
        .stdout
        .iter()
        .filter_map(|line| line.parse().ok())
        .collect()
}

/// What its last flush came to.
pub fn report(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{:#?}", ended.stderr);
    let line = ended.stdout.last().expect("a report");
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// Ends well, with everything delivered.
pub fn assert_delivered(ended: &Ended) {
    let report = report(ended);
    assert_eq!(report["why_stopped"], "drained", "{report}");
    assert_eq!(report["pending"], 0, "{report}");
    assert_eq!(report["rejected"], 0, "{report}");
    assert_eq!(report["lost_by_reason"], serde_json::json!({}), "{report}");
}
