//! One who sends every other seq only, and one who behaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::relay::{Relay, token};
use crate::{Batches, TURN, is_full, millis, peak_mib, well_behaved};

/// A batch of small records with these seqs of the queue `sparse`.
fn batch(seqs: impl Iterator<Item = u64>) -> String {
    let logs: Vec<String> = seqs
        .map(|seq| {
            format!(
                r#"{{"q":"{seq:016x}-00000000-00000000","timestamp":"2026-02-06T12:00:00Z","level":"info","message":"m"}}"#
            )
        })
        .collect();
    format!(
        r#"{{"context":{{"queue":"sparse"}},"logs":[{}]}}"#,
        logs.join(",")
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_sparse_seqs_stall_nobody_and_stay_small() {
    let _turn = TURN.lock().await;
    let thousands: u64 = if is_full() { 1000 } else { 20 };
    let dir = tempfile::tempdir().expect("a directory");
    let out = dir.path().join("out");
    let relay = Relay::start(dir.path(), &["--otlp-file-dir", &out.to_string_lossy()]);
    let mut batches = Batches::of("quiet", 1);
    let alone = Instant::now() + Duration::from_secs(if is_full() { 10 } else { 2 });
    let (alone, _) = well_behaved(&relay, &mut batches, 50.0, alone).await;

    let sparse = relay
        .client
        .post(format!("http://{}/api/v1/logs", relay.addr))
        .bearer_auth(token(dir.path(), "sparse"))
        .header("content-type", "application/json");
    let send = async |body: String| {
        let request = sparse.try_clone().expect("it has no body yet").body(body);
        let begun = Instant::now();
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        let took = begun.elapsed();
        let receipt = response.text().await.expect("text");
        let receipt: serde_json::Value = serde_json::from_str(&receipt).expect("a receipt");
        (took, receipt)
    };
    let is_over = Arc::new(AtomicBool::new(false));
    let slowest = AtomicU64::new(0);
    let seqs = async {
        for thousand in 0..thousands {
            let body = batch((0..1000).map(|n| 2 * (1000 * thousand + n + 1)));
            let (took, receipt) = send(body).await;
            assert_eq!(receipt["accepted"], 1000);
            let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            slowest.fetch_max(micros, Ordering::Relaxed);
            // 60,000 records a second would be another test.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        is_over.store(true, Ordering::Relaxed);
    };
    let beside = async {
        let mut took = Histogram::<u64>::new(3).expect("three digits are allowed");
        while !is_over.load(Ordering::Relaxed) {
            let until = Instant::now() + Duration::from_millis(500);
            let (part, _) = well_behaved(&relay, &mut batches, 50.0, until).await;
            took.add(part).expect("the same precision");
        }
        took
    };
    let ((), beside) = tokio::join!(seqs, beside);
    let last = 2 * 1000 * thousands;
    let (spanning, receipt) = send(batch([1, last - 1, last + 1].into_iter())).await;
    assert_eq!(
        receipt["accepted"].as_u64().map(|n| n >= 2),
        Some(true),
        "{receipt}"
    );
    let ranges = relay.metric("courier_ledger_ranges").await;
    let closed = relay.metric("courier_ledger_gaps_closed_total").await;
    let bytes = std::fs::metadata(dir.path().join("relay.db"))
        .expect("it is there")
        .len();
    println!(
        "{} sparse seqs: {ranges} ranges, {closed} gaps closed, database {:.1} MiB, peak memory {} MiB; slowest request {:.1} ms, \
         spanning {:.1} ms; another's p99 alone {:.2} ms, beside it {:.2} ms",
        1000 * thousands,
        bytes as f64 / f64::from(1 << 20),
        peak_mib(relay.pid()),
        slowest.load(Ordering::Relaxed) as f64 / 1000.0,
        spanning.as_secs_f64() * 1000.0,
        millis(&alone, 0.99),
        millis(&beside, 0.99),
    );
    assert!(ranges <= 10_002.0, "{ranges}");
    let most = if is_full() { 50 } else { 1000 };
    assert!(spanning <= Duration::from_millis(most), "{spanning:?}");
}
