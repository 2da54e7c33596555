//! A relay that indexes, seals and drops segments all the time is killed again and again: afterwards the index holds each
//! accepted record once.
//!
//! `COURIER_CHAOS=full` kills ten times as often.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use crate::relay::{Relay, token};

const FLAGS: [&str; 6] = [
    "--index",
    "on",
    "--otlp-endpoint",
    "none",
    "--rate-records-per-minute",
    "0",
];
const SMALL: [(&str, &str); 1] = [("TRIAL_SEGMENT_RECORDS", "40")];

/// Which records of each queue the segments hold, each with how often.
async fn held(dir: &Path) -> Records {
    let mut held = BTreeMap::new();
    for entry in std::fs::read_dir(dir.join("index")).expect("an index") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        if !name.starts_with("seg-") || !name.ends_with(".db") {
            continue;
        }
        let options = SqliteConnectOptions::new().filename(&path);
        let mut connection = options.connect().await.expect("it opens");
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT name.name, record.seq FROM record JOIN name ON name.id = record.queue",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap_or_else(|error| panic!("{name}: {error}"));
        for row in rows {
            *held.entry(row).or_insert(0) += 1;
        }
    }
    held
}

/// How many records all segments hold.
pub async fn count(dir: &Path) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(dir.join("index")).expect("an index") {
        let path = entry.expect("an entry").path();
        if !path.to_string_lossy().ends_with(".db") || path.ends_with("catalog.db") {
            continue;
        }
        let options = SqliteConnectOptions::new().filename(&path);
        let mut connection = options.connect().await.expect("it opens");
        let records: i64 = sqlx::query_scalar("SELECT count(*) FROM record")
            .fetch_one(&mut connection)
            .await
            .expect("a segment");
        count += usize::try_from(records).expect("few");
    }
    count
}

fn batch(queue: &str, from: u64, records: u64) -> String {
    let records: Vec<Value> = (from..from + records)
        .map(|seq| {
            json!({
                "q": format!("{seq:016x}-000000f1-00000000"), "timestamp": "2026-02-06T12:00:00Z",
                "level": "info", "message": format!("record {seq} of {queue}"),
            })
        })
        .collect();
    json!({"context": {"queue": queue}, "logs": records}).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_is_killed_while_it_indexes_and_seals_holds_each_accepted_record_once() {
    let (meant, held) = killed(&[]).await;
    let missed: Vec<_> = meant
        .keys()
        .filter(|name| !held.contains_key(*name))
        .collect();
    assert!(missed.is_empty(), "missed {missed:?}");
    assert_eq!(held, meant);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_is_killed_while_it_drops_segments_holds_the_newest_records_once() {
    let (meant, held) = killed(&["--index-max-bytes", "1MiB"]).await;
    assert!(held.len() < meant.len(), "it dropped some");
    // What is left of each queue is its end, without a hole.
    for (queue, last) in meant
        .keys()
        .map(|(queue, seq)| (queue, seq))
        .collect::<BTreeMap<_, _>>()
    {
        let seqs: Vec<i64> = held
            .keys()
            .filter(|(of, _)| of == queue)
            .map(|(_, seq)| *seq)
            .collect();
        let first = *seqs.first().expect("some are left");
        assert_eq!(seqs, (first..=*last).collect::<Vec<_>>(), "{queue}");
    }
}

type Records = BTreeMap<(String, i64), u32>;

/// Sends, kills and starts a relay with these flags again and again; the records that were accepted, and those that its
/// index holds then, of which none is held twice.
async fn killed(more: &[&str]) -> (Records, Records) {
    let flags = [&FLAGS[..], more].concat();
    let dir = tempfile::tempdir().expect("a directory");
    let is_full = std::env::var("COURIER_CHAOS").is_ok_and(|chaos| chaos == "full");
    let kills: u64 = if is_full { 250 } else { 25 };
    let queues = ["00000000000000a1", "00000000000000b2", "00000000000000c3"];
    // Of each queue, how many are acknowledged: a device sends in order and again what was not.
    let mut next = [0_u64; 3];
    let mut sealed = 0;
    for kill in 0..kills {
        let relay = Relay::start_in(dir.path(), &flags, &SMALL);
        let token = token(dir.path(), "user-abc");
        let url = format!("http://{}/api/v1/logs", relay.addr);
        // Each time at another moment: some while it starts, some while it seals.
        let until = Instant::now() + Duration::from_millis(15 + kill * 37 % 400);
        let mut senders = Vec::new();
        for (place, queue) in queues.into_iter().enumerate() {
            let (client, url, token) = (relay.client.clone(), url.clone(), token.clone());
            let mut from = next[place];
            senders.push(tokio::spawn(async move {
                while Instant::now() < until {
                    let records = 1 + from % 13;
                    let request = client.post(&url).bearer_auth(&token);
                    let request = request
                        .header("content-type", "application/json")
                        .body(batch(queue, from, records));
                    match request.send().await {
                        Ok(answer) if answer.status() == 200 => from += records,
                        _ => break,
                    }
                }
                from
            }));
        }
        tokio::time::sleep_until(until.into()).await;
        relay.kill();
        for (place, sender) in senders.into_iter().enumerate() {
            next[place] = sender.await.expect("it ends");
        }
        let files = std::fs::read_dir(dir.path().join("index"));
        sealed = files.map_or(0, |files| files.count());
    }
    assert!(sealed > 5, "it sealed all the time: {sealed} files");
    // What was kept and not acknowledged is sent once more, as a device does.
    let mut relay = Relay::start_in(dir.path(), &flags, &SMALL);
    let mut meant = BTreeMap::new();
    for (queue, next) in queues.into_iter().zip(next) {
        relay.accept(batch(queue, next, 13)).await;
        meant.extend((0..next + 13).map(|seq| ((queue.to_owned(), seq as i64), 1)));
    }
    assert!(
        meant.len() > 300,
        "{} records: too few to prove it",
        meant.len()
    );
    let deadline = Instant::now() + Duration::from_secs(120);
    while relay.metric("courier_spool_records").await > 0.0 {
        assert!(Instant::now() < deadline, "{}", relay.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(relay.terminate().success());
    let held = held(dir.path()).await;
    let doubled: Vec<_> = held.iter().filter(|(_, times)| **times > 1).collect();
    assert!(doubled.is_empty(), "doubled {doubled:?}");
    println!(
        "{kills} kills, {} of {} records, {sealed} files",
        held.len(),
        meant.len()
    );
    (meant, held)
}
