//! A decoder that shares no code with the exporter reads the same.
//!
//! Needs Python with `opentelemetry-proto`: `python3 -m venv V && V/bin/pip install opentelemetry-proto`, then set
//! `COURIER_TEST_PYTHON=V/bin/python`. Without it the test says that it was skipped.

use std::process::Command;

use serde_json::{Value, json};

use crate::relay::Relay;
use crate::upstream::{Say, Upstream};

#[tokio::test]
async fn the_official_python_package_reads_the_exported_requests_without_loss() {
    let python = std::env::var("COURIER_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let probe = Command::new(&python)
        .args([
            "-c",
            "import opentelemetry.proto.collector.logs.v1.logs_service_pb2",
        ])
        .output();
    if !probe.is_ok_and(|output| output.status.success()) {
        eprintln!(
            "skipped: `{python}` has no opentelemetry-proto; see relay/tests/contract/decoder.rs"
        );
        return;
    }
    let upstream = Upstream::start([Say::Status(503, Some(1))], Say::Ok);
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(
        dir.path(),
        &["--otlp-endpoint", &upstream.endpoint, "--sanitize", "off"],
    );
    relay.accept(include_str!("dart-batch.json")).await;
    relay.accept(include_str!("hostile-batch.json")).await;
    relay.accept(include_str!("courier-batch.json")).await;
    upstream.delivered(13).await;

    let mut records: Vec<Value> = Vec::new();
    for seen in upstream.seen().into_iter().filter(|seen| seen.delivered) {
        let file = dir.path().join("request.bin");
        std::fs::write(&file, &seen.raw).expect("it is written");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract/decode_otlp.py");
        let output = Command::new(&python)
            .arg(script)
            .arg(&file)
            .output()
            .expect("it runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let lines = String::from_utf8(output.stdout).expect("text");
        records.extend(
            lines
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).expect("JSON")),
        );
    }
    assert_eq!(records.len(), 13);
    let by_body = |body: &str| {
        records
            .iter()
            .find(|record| record["body"] == body)
            .unwrap_or_else(|| panic!("{body}"))
    };

    let dart = by_body("HTTP 503 GET /api/v1/rooms");
    assert_eq!(dart["scope"], "HTTP");
    assert_eq!(dart["resource"]["build_number"], 42);
    assert_eq!(dart["time"], 1_770_379_200_456_000_000u64);
    assert_eq!(dart["severity"], json!([13, "WARN"]));
    assert_eq!(
        (&dart["trace"], &dart["span"]),
        (
            &json!("2858b245789667e5f284d6f014f510ec"),
            &json!("a1b2c3d4e5f67890")
        )
    );
    assert_eq!(
        dart["attributes"]["nested"],
        json!({"depth": 1, "none": null})
    );
    assert_eq!(dart["attributes"]["tags"], json!(["a", "b"]));
    assert_eq!(dart["attributes"]["elapsed_ms"], 12.5);
    assert_eq!(dart["attributes"]["retried"], false);

    assert_eq!(
        by_body("lone surrogate \u{fffd}")["attributes"]["courier.sender"],
        "user-abc"
    );
    assert_eq!(
        by_body("nul \u{fffd} inside")["attributes"]["big"],
        "340282366920938463463374607431768211456"
    );
    let mut deep = &by_body("deep")["attributes"]["a"];
    for level in 1..=16 {
        assert!(deep.is_object(), "level {level}: {deep}");
        deep = &deep["a"];
    }
    assert!(deep.is_string());

    let courier = by_body("upload failed");
    assert_eq!(courier["attributes"]["bytes"], "18446744073709551615");
    assert_eq!(
        courier["attributes"]["breadcrumbs"][0]["category"],
        "network"
    );
    assert_eq!(courier["attributes"]["exception.type"], "Timeout");
    assert_eq!(
        courier["resource"]["service.instance.id"],
        "7d0f4c0e-7a2b-4f7e-9a51-0d6c3d7b1a11"
    );
}
