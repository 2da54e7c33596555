//! A copy of all that is kept, made while records come, is a data directory; an older spool in the place of the newest costs
//! what came since, and doubles nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use crate::forget::{batch, rows, send};
use crate::relay::{Relay, command};

const FLAGS: [&str; 6] = [
    "--index",
    "on",
    "--otlp-endpoint",
    "none",
    "--rate-records-per-minute",
    "0",
];
const SMALL: [(&str, &str); 1] = [("TRIAL_SEGMENT_RECORDS", "50")];

fn backup(from: &Path, to: &Path, all: &[&str]) -> Output {
    command()
        .args(["backup", "--data-dir"])
        .arg(from)
        .arg(to)
        .args(all)
        .output()
        .expect("it runs")
}

fn assert_done(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// How often each message is in the index.
async fn held(dir: &Path) -> BTreeMap<String, u32> {
    let mut held = BTreeMap::new();
    for (message, ..) in rows(dir).await {
        *held.entry(message).or_insert(0) += 1;
    }
    held
}

async fn indexed(relay: &Relay) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while relay.metric("courier_spool_records").await > 0.0 {
        assert!(Instant::now() < deadline, "{}", relay.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_all_made_while_records_come_holds_each_record_once_after_they_are_sent_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let (data, copy) = (dir.path().join("data"), dir.path().join("copy"));
    std::fs::create_dir(&data).expect("made");
    let relay = Relay::start_in(&data, &FLAGS, &SMALL);
    for round in 0..10 {
        send(
            &relay,
            "ada",
            batch("ada", "install-ada", "quokka", round * 10, 10),
        )
        .await;
    }
    let running = {
        let (from, to) = (data.clone(), copy.clone());
        tokio::task::spawn_blocking(move || backup(&from, &to, &["--all"]))
    };
    let mut round = 10;
    while !running.is_finished() || round < 20 {
        send(
            &relay,
            "ada",
            batch("ada", "install-ada", "quokka", round * 10, 10),
        )
        .await;
        round += 1;
    }
    assert_done(&running.await.expect("it ends"));
    indexed(&relay).await;
    assert_eq!(
        held(&data).await.len(),
        usize::try_from(round * 10).expect("few"),
        "nothing is lost by it"
    );
    relay.kill();

    let again = backup(&data, &copy, &["--all"]);
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("copy"));
    let mut restored = Relay::start_in(&copy, &FLAGS, &SMALL);
    for sent in 0..round {
        send(
            &restored,
            "ada",
            batch("ada", "install-ada", "quokka", sent * 10, 10),
        )
        .await;
    }
    indexed(&restored).await;
    assert!(restored.terminate().success());
    let held = held(&copy).await;
    assert_eq!(
        held.len(),
        usize::try_from(round * 10).expect("few"),
        "each is there"
    );
    assert!(held.values().all(|times| *times == 1), "and once: {held:?}");
}

#[tokio::test]
async fn an_older_spool_beside_a_newer_index_doubles_nothing_and_skips_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let (data, old) = (dir.path().join("data"), dir.path().join("old.db"));
    std::fs::create_dir(&data).expect("made");
    let mut relay = Relay::start_in(&data, &FLAGS, &SMALL);
    send(&relay, "ada", batch("ada", "install-ada", "quokka", 0, 10)).await;
    indexed(&relay).await;
    assert_done(&backup(&data, &old, &[]));
    for round in 1..6 {
        send(
            &relay,
            "ada",
            batch("ada", "install-ada", "quokka", round * 10, 10),
        )
        .await;
    }
    indexed(&relay).await;
    assert!(relay.terminate().success());
    for file in ["relay.db", "relay.db-wal", "relay.db-shm", "relay.running"] {
        let _ = std::fs::remove_file(data.join(file));
    }
    std::fs::copy(&old, data.join("relay.db")).expect("copied");
    // The spool grows past where the index was before anybody looks: numbers alone would not tell.
    let mut relay = Relay::start_in(
        &data,
        &[&["--index", "off", "--otlp-endpoint", "http://127.0.0.1:9"][..]].concat(),
        &SMALL,
    );
    for round in 0..12 {
        send(
            &relay,
            "bob",
            batch("bob", "install-bob", "wombat", round * 10, 10),
        )
        .await;
    }
    assert!(relay.terminate().success());
    let mut relay = Relay::start_in(&data, &FLAGS, &SMALL);
    send(
        &relay,
        "bob",
        batch("bob", "install-bob", "wombat", 120, 10),
    )
    .await;
    indexed(&relay).await;
    assert!(relay.terminate().success());
    let held = held(&data).await;
    assert!(held.values().all(|times| *times == 1), "{held:?}");
    let of = |word: &str| held.keys().filter(|message| message.contains(word)).count();
    assert_eq!((of("quokka"), of("wombat")), (60, 130), "{}", relay.log());
}
