//! One user who sends a hundred times the quota, and one who behaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::relay::{Relay, token};
use crate::{Batches, TURN, is_full, millis, well_behaved};

/// Records in a minute: the quota's default.
const QUOTA: u64 = 6000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_at_a_hundred_times_the_quota_does_not_slow_another_down() {
    let _turn = TURN.lock().await;
    // Quiet and loud in turn, so that what else the machine does is in both.
    let (rounds, seconds) = if is_full() { (12, 5) } else { (2, 2) };
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &["--rate-records-per-minute", "6000"]);
    let loud_token = token(dir.path(), "loud");
    let is_loud = Arc::new(AtomicBool::new(false));
    let sent = Arc::new(AtomicU64::new(0));
    let accepted = Arc::new(AtomicU64::new(0));
    let noise: Vec<_> = (0..4)
        .map(|n| {
            let (is_loud, sent, accepted) = (
                Arc::clone(&is_loud),
                Arc::clone(&sent),
                Arc::clone(&accepted),
            );
            let request = relay
                .client
                .post(format!("http://{}/api/v1/logs", relay.addr))
                .bearer_auth(&loud_token);
            let request = request.header("content-type", "application/json");
            let mut batches = Batches::of(&format!("loud-{n}"), 100);
            // Made before, so that making them is not in the measurement.
            let bodies: Vec<String> = (0..200).map(|_| batches.next()).collect();
            tokio::spawn(async move {
                // Four of them send 25 batches of 100 a second each: 600,000 records a minute.
                let mut ticks = tokio::time::interval(Duration::from_millis(40));
                for turn in 0.. {
                    ticks.tick().await;
                    if !is_loud.load(Ordering::Relaxed) {
                        continue;
                    }
                    let body: &String = &bodies[turn % bodies.len()];
                    let request = request
                        .try_clone()
                        .expect("it has no body yet")
                        .body(body.clone());
                    let Ok(response) = request.send().await else {
                        break;
                    };
                    sent.fetch_add(100, Ordering::Relaxed);
                    match response.status().as_u16() {
                        200 => accepted.fetch_add(100, Ordering::Relaxed),
                        429 => 0,
                        other => panic!("{other}"),
                    };
                }
            })
        })
        .collect();

    let mut batches = Batches::of("quiet", 1);
    let mut took = [(); 2].map(|()| Histogram::<u64>::new(3).expect("three digits are allowed"));
    let started = Instant::now();
    for round in 0..2 * rounds {
        let loud = round % 2;
        is_loud.store(loud == 1, Ordering::Relaxed);
        let until = Instant::now() + Duration::from_secs(seconds);
        // 90 a second are 5,400 a minute: within the quota.
        let (part, _) = well_behaved(&relay, &mut batches, 90.0, until).await;
        took[loud].add(part).expect("the same precision");
    }
    let loud_minutes = started.elapsed().as_secs_f64() / 120.0;
    is_loud.store(false, Ordering::Relaxed);
    noise.iter().for_each(tokio::task::JoinHandle::abort);
    let (sent, accepted) = (
        sent.load(Ordering::Relaxed),
        accepted.load(Ordering::Relaxed),
    );
    let (quiet, loud) = (millis(&took[0], 0.99), millis(&took[1], 0.99));
    println!(
        "noisy neighbour: {:.0} times the quota sent, {accepted} of {sent} accepted; another's p99 of {} and {} batches: alone {quiet:.2} ms, \
         beside it {loud:.2} ms ({:+.1} %); p50 {:.2} and {:.2} ms",
        sent as f64 / loud_minutes / QUOTA as f64,
        took[0].len(),
        took[1].len(),
        (loud / quiet - 1.0) * 100.0,
        millis(&took[0], 0.5),
        millis(&took[1], 0.5),
    );
    assert!(accepted > 0 && accepted < sent / 4, "{accepted} of {sent}");
    if is_full() {
        assert!(loud <= quiet * 1.1, "{quiet} ms became {loud} ms");
    } else {
        // A few hundred answers on a machine that does other things: a tenth of them is noise.
        assert!(loud < 4.0 * quiet + 20.0, "{quiet} ms became {loud} ms");
    }
}
