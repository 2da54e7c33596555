//! The OpenAPI document tells the truth: schemathesis makes requests from it, good and bad, and looks at the answers; and
//! no path is missing in it.
//!
//! Needs `schemathesis` (`python3 -m venv V && V/bin/pip install schemathesis`, then put `V/bin` in `PATH`). Without it the
//! tests that need it say that they were skipped. What a schema can't say is in `schemathesis.toml` beside this file.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::relay::{Relay, with_and_without_spool};

/// The paths of one listener.
struct Asked<'a> {
    addr: &'a str,
    token: &'a str,
    /// A regular expression.
    paths: &'a str,
    examples: &'a str,
}

/// Fails with schemathesis' report when an answer is none that the document promises.
fn ask(relay: &Relay, asked: &Asked<'_>) {
    let probe = Command::new("schemathesis").arg("--version").output();
    if !probe.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: there is no schemathesis; see relay/tests/contract/openapi.rs");
        return;
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("schemathesis")
        .current_dir(&relay.dir)
        .arg("--config-file")
        .arg(here.join("tests/contract/schemathesis.toml"))
        .arg("run")
        .arg(here.join("openapi.yaml"))
        .args(["--url", &format!("http://{}", asked.addr)])
        .args(["--include-path-regex", asked.paths])
        .args([
            "--header",
            &format!("Authorization: Bearer {}", asked.token),
        ])
        .args(["--checks", "all"])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args([
            "--max-examples",
            asked.examples,
            "--generation-deterministic",
        ])
        .args(["--warnings", "off", "--no-color", "--request-timeout", "10"])
        .output()
        .expect("it runs");
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_no_answer_that_the_document_does_not_promise() {
    with_and_without_spool(&[], async |relay| {
        let asked = Asked {
            addr: &relay.addr,
            token: &relay.token,
            paths: "^/api/",
            examples: "60",
        };
        ask(&relay, &asked);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_one_on_the_admin_listener() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    let token = fs::read_to_string(dir.path().join("admin-token")).expect("a token");
    let asked = Asked {
        addr: &relay.admin,
        token: token.trim(),
        paths: "^/(admin/|healthz$|readyz$|metrics$)",
        examples: "30",
    };
    ask(&relay, &asked);
}

#[test]
fn every_route_is_in_the_document() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(here.join("openapi.yaml")).expect("it is there");
    let described: BTreeSet<&str> = document
        .lines()
        .filter_map(|line| line.strip_prefix("  /")?.strip_suffix(':'))
        .collect();
    let mut routes = BTreeSet::new();
    let mut folders = vec![here.join("src")];
    while let Some(folder) = folders.pop() {
        for found in fs::read_dir(folder).expect("it is read") {
            let path = found.expect("it is read").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = fs::read_to_string(path).expect("it is text");
            let behind = source.split(".route(\"/").skip(1);
            routes.extend(behind.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
    }
    let routes: BTreeSet<&str> = routes.iter().map(String::as_str).collect();
    assert!(routes.len() >= 12, "{routes:?}");
    assert_eq!(described, routes);
}
