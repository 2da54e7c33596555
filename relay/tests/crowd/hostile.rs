//! Two who send bodies that cost as much as a body can, one after the other, and one who behaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::relay::{Relay, token};
use crate::{Batches, TURN, is_full, millis, well_behaved};

/// A MiB of texts in which a secret seems to begin everywhere, each within what the sanitizer reads of one.
fn body() -> String {
    let text = "SG.sk-".repeat(1600);
    let texts: Vec<String> = (0..104).map(|n| format!("\"a{n}\":\"{text}\"")).collect();
    format!(
        r#"[{{"timestamp":"2026-02-06T12:00:00Z","level":"error","message":"m","attributes":{{{}}}}}]"#,
        texts.join(",")
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hostile_bodies_in_flight_delay_nobody() {
    let _turn = TURN.lock().await;
    let seconds = if is_full() { 20 } else { 6 };
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    let (is_over, answered) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let hostile: Vec<_> = (0..2)
        .map(|n| {
            let (is_over, answered) = (Arc::clone(&is_over), Arc::clone(&answered));
            let request = relay
                .client
                .post(format!("http://{}/api/v1/logs", relay.addr))
                .bearer_auth(token(dir.path(), &format!("hostile-{n}")))
                .header("content-type", "application/json")
                .body(body());
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let request = request.try_clone().expect("its body is in memory");
                    let Ok(response) = request.send().await else {
                        break;
                    };
                    let status = response.status().as_u16();
                    assert!([200, 503].contains(&status), "{status}");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;

    let until = Instant::now() + Duration::from_secs(seconds);
    let health = async {
        let mut took = Histogram::<u64>::new(3).expect("three digits are allowed");
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        while Instant::now() < until {
            ticks.tick().await;
            let begun = Instant::now();
            assert_eq!(relay.admin("/healthz").await.status(), 200);
            let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            took.record(micros).expect("it grows by itself");
        }
        took
    };
    let mut batches = Batches::of("quiet", 10);
    let (health, (healthy, _)) =
        tokio::join!(health, well_behaved(&relay, &mut batches, 20.0, until));
    is_over.store(true, Ordering::Relaxed);
    println!(
        "two hostile bodies in flight, {} answered: another's p99 {:.1} ms, most {:.1} ms; /healthz p99 {:.1} ms, most {:.1} ms",
        answered.load(Ordering::Relaxed),
        millis(&healthy, 0.99),
        millis(&healthy, 1.0),
        millis(&health, 0.99),
        millis(&health, 1.0),
    );
    let most = if is_full() { 50.0 } else { 500.0 };
    for (what, took) in [("another", &healthy), ("/healthz", &health)] {
        let p99 = millis(took, 0.99);
        assert!(p99 <= most, "{what}: p99 {p99} ms");
    }
    for hostile in hostile {
        hostile.abort();
    }
}
