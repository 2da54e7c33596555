//! The file exporter: lines of OTLP JSON, beside a backend or instead of it.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::flapping::Flapping;
use crate::relay::Relay;

fn batch(range: std::ops::Range<u64>) -> String {
    let record = |n: u64| json!({"q": format!("{n:016x}-00000000-00000000"), "timestamp": "2026-02-06T12:00:00.000000001Z", "level": "error", "message": n.to_string(), "error": "Timeout: late"});
    let logs: Vec<Value> = range.map(record).collect();
    json!({"context": {"queue": "q"}, "logs": logs}).to_string()
}

/// The records in all files, in order; every line has to be JSON.
fn records(dir: &Path) -> Vec<Value> {
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .expect("it is made")
        .map(|file| file.expect("a file").path())
        .collect();
    // `logs-<time>` before `logs.jsonl`: the one that grows is the newest.
    files.sort();
    let text: String = files
        .iter()
        .map(|file| std::fs::read_to_string(file).expect("text"))
        .collect();
    let mut records = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).expect("a line is JSON");
        for scope in line["resourceLogs"][0]["scopeLogs"]
            .as_array()
            .expect("scopes")
        {
            records.extend(scope["logRecords"].as_array().expect("records").clone());
        }
    }
    records
}

async fn written(relay: &Relay, records: f64) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while relay.metric("courier_file_records_total").await < records {
        assert!(Instant::now() < deadline, "it is written");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn without_a_network_everything_is_in_files_and_the_spool_is_empty() {
    let dir = tempfile::tempdir().expect("a directory");
    let (data, files) = (dir.path().join("data"), dir.path().join("files"));
    let args = [
        "--otlp-file-dir",
        files.to_str().expect("text"),
        "--otlp-file-max-bytes",
        "3000",
    ];
    let mut relay = Relay::start(&data, &args);
    for n in 0..5 {
        relay.accept(batch(n * 10..n * 10 + 10)).await;
        written(&relay, (n * 10 + 10) as f64).await;
    }
    assert_eq!(relay.metric("courier_spool_records").await, 0.0);
    assert_eq!(relay.terminate().code(), Some(0));
    let records = records(&files);
    let bodies: Vec<&str> = records
        .iter()
        .map(|record| record["body"]["stringValue"].as_str().expect("text"))
        .collect();
    assert_eq!(bodies, (0..50).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(
        records[0]["timeUnixNano"], "1770379200000000001",
        "64-bit numbers are text, by OTLP's JSON"
    );
    assert_eq!(records[0]["severityNumber"], 17);
    let full = std::fs::read_dir(&files).expect("a directory").count();
    assert!(full >= 4, "3000 bytes are full soon: {full} files");
}

#[tokio::test]
async fn files_and_a_backend_each_get_everything_at_their_own_pace() {
    let upstream = Flapping::start(1);
    upstream.calm();
    let dir = tempfile::tempdir().expect("a directory");
    let (data, files) = (dir.path().join("data"), dir.path().join("files"));
    let both = [
        "--otlp-file-dir",
        files.to_str().expect("text"),
        "--otlp-endpoint",
        &upstream.endpoint,
    ];
    // Nobody listens there: the backend is away.
    let away = [
        "--otlp-file-dir",
        files.to_str().expect("text"),
        "--otlp-endpoint",
        "http://127.0.0.1:9",
    ];
    let relay = Relay::start(&data, &away);
    relay.accept(batch(0..10)).await;
    written(&relay, 10.0).await;
    assert_eq!(
        relay.metric("courier_spool_records").await,
        10.0,
        "the backend has not had them"
    );
    relay.kill();
    let relay = Relay::start(&data, &both);
    relay.accept(batch(10..20)).await;
    written(&relay, 10.0).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while relay.metric("courier_spool_records").await > 0.0 {
        assert!(Instant::now() < deadline, "both have it");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let expected: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    assert_eq!(upstream.taken().concat(), expected);
    assert_eq!(records(&files).len(), 20);
}
