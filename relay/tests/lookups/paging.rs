//! Pages while records arrive: a client in Python, which shares no code with the relay, finds each record once.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::{batch, indexed, record, start};

const BEFORE: usize = 2_000;

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_another_client_have_each_record_once_while_a_thousand_a_second_arrive() {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: python3 is not installed");
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Arc::new(start(dir.path()));
    // Half of them come again and again between those that are there, and all are stamped close together.
    let send = |n: usize| {
        let relay = Arc::clone(&relay);
        async move {
            let logs: Vec<Value> = (n..n + 100)
                .map(|n| record(n, n * 7 % 60_000, "info", "a part", &json!({"n": n})))
                .collect();
            relay
                .accept(batch("00000000000000aa", "one", "ada", &logs))
                .await;
        }
    };
    for n in (0..BEFORE).step_by(100) {
        send(n).await;
    }
    indexed(dir.path(), BEFORE as u64);
    let is_over = Arc::new(AtomicBool::new(false));
    let arriving = tokio::spawn({
        let is_over = Arc::clone(&is_over);
        let send = {
            let relay = Arc::clone(&relay);
            move |n: usize| {
                let relay = Arc::clone(&relay);
                async move {
                    let logs: Vec<Value> = (n..n + 100)
                        .map(|n| record(n, n * 7 % 60_000, "info", "a part", &json!({"n": n})))
                        .collect();
                    relay
                        .accept(batch("00000000000000aa", "one", "ada", &logs))
                        .await;
                }
            }
        };
        async move {
            let mut n = BEFORE;
            while !is_over.load(Ordering::Relaxed) {
                send(n).await;
                n += 100;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            n - BEFORE
        }
    });
    let token = std::fs::read_to_string(dir.path().join("admin-token")).expect("a token");
    let (admin, script) = (
        format!("http://{}", relay.admin),
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lookups/page.py"),
    );
    let paged = tokio::task::spawn_blocking(move || {
        Command::new("python3")
            .args([script, &admin, token.trim()])
            .output()
    });
    let paged = paged.await.expect("it ends").expect("it runs");
    is_over.store(true, Ordering::Relaxed);
    let arrived = arriving.await.expect("it ends");
    assert!(
        paged.status.success(),
        "{}",
        String::from_utf8_lossy(&paged.stderr)
    );
    let told: Value = serde_json::from_slice(&paged.stdout).expect("JSON");
    assert!(arrived > 0, "records came meanwhile");
    assert_eq!(told["doubles"], 0, "{told}");
    assert_eq!(told["older"], told["count"], "{told}");
    assert_eq!(told["is_same_backwards"], true, "{told}");
    assert!(told["older"].as_u64() >= Some(BEFORE as u64), "{told}");
    assert!(
        told["newer_than_as_of"].as_u64() > Some(0),
        "what came later is counted: {told}"
    );
}
