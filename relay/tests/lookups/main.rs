//! The phone call: a relay with its index, asked by the commands, and by a client that shares no code with it.

#[path = "../contract/relay.rs"]
#[allow(dead_code)]
mod relay;
#[path = "../contract/upstream.rs"]
#[allow(dead_code)]
mod upstream;

mod call;
mod follow;
mod kept;
mod named;
mod paging;
mod people;
mod rebuild;

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use relay::{Relay, command};
use serde_json::{Value, json};

/// A relay that keeps what it gets in its index alone.
fn start(dir: &Path) -> Relay {
    Relay::start(dir, &["--otlp-endpoint", "none"])
}

/// A command about the relay in `dir`, in no zone but UTC.
fn ask(dir: &Path, args: &[&str]) -> Output {
    command()
        .env_remove("TZ")
        .args(args)
        .arg("--data-dir")
        .arg(dir)
        .output()
        .expect("it runs")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A record of this run, stamped so many milliseconds after 12:00 of a day that is past.
fn record(seq: usize, millis: usize, level: &str, message: &str, attributes: &Value) -> Value {
    let (minute, second, milli) = (millis / 60_000, millis / 1_000 % 60, millis % 1_000);
    json!({
        "q": format!("{seq:016x}-00000001-00000000"),
        "timestamp": format!("2026-11-30T12:{minute:02}:{second:02}.{milli:03}Z"),
        "level": level, "logger": "app::sync", "message": message, "attributes": attributes,
    })
}

fn batch(queue: &str, session: &str, user: &str, logs: &[Value]) -> String {
    json!({
        "resource": {"service.name": "field-app", "service.version": "2.3.1", "os.name": "linux",
            "device.time_zone": "Asia/Kolkata"},
        "context": {"queue": queue, "installId": format!("install-of-{user}"), "sessionId": session, "userId": user},
        "logs": logs,
    })
    .to_string()
}

/// Waits until the index has so many records.
fn indexed(dir: &Path, records: u64) {
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        let status = ask(dir, &["status", "--format", "json"]);
        let status: Value = serde_json::from_slice(&status.stdout).unwrap_or_default();
        if status["index"]["records"].as_u64() >= Some(records)
            && status["index"]["waiting"].as_u64() == Some(0)
        {
            return;
        }
        assert!(Instant::now() < patience, "{status}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
