//! The OpenAPI document tells the truth: schemathesis makes requests from it, good and bad, and looks at the answers.
//!
//! Needs `schemathesis` (`python3 -m venv V && V/bin/pip install schemathesis`, then put `V/bin` in `PATH`). Without it the
//! test says that it was skipped.

use std::process::Command;

use crate::relay::with_and_without_spool;

/// Not asked: the relay takes what is whole of a batch whose envelope has a wrong type, so that one mistake of a client does
/// not cost its records; the document says what a client should send.
const UNASKED: &str = "negative_data_rejection";

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_no_answer_that_the_document_does_not_promise() {
    let probe = Command::new("schemathesis").arg("--version").output();
    if !probe.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: there is no schemathesis; see relay/tests/contract/openapi.rs");
        return;
    }
    with_and_without_spool(&[], async |relay| {
        let output = Command::new("schemathesis")
            .current_dir(&relay.dir)
            .arg("run")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.yaml"))
            .args(["--url", &format!("http://{}", relay.addr)])
            .args([
                "--header",
                &format!("Authorization: Bearer {}", relay.token),
            ])
            .args(["--checks", "all", "--exclude-checks", UNASKED])
            .args(["--phases", "examples,coverage,fuzzing"])
            .args(["--max-examples", "60", "--generation-deterministic"])
            .args(["--warnings", "off", "--no-color", "--request-timeout", "10"])
            .output()
            .expect("it runs");
        assert!(
            output.status.success(),
            "{}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    })
    .await;
}
