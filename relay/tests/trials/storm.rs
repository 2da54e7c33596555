//! Records flow while the relay is killed every other second and its backend has every bad habit.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::flapping::{Flapping, POISON};
use crate::relay::{Relay, command};

/// Senders at once, each with a disk queue of its own.
const SENDERS: usize = 4;

/// Records in a batch.
const RECORDS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accepted_is_delivered_or_dead_or_refused_and_each_double_is_a_kill_between_answer_and_commit()
 {
    let is_full = std::env::var("COURIER_CHAOS").is_ok_and(|size| size == "full");
    let (time, every) = if is_full {
        (Duration::from_secs(600), Duration::from_secs(3))
    } else {
        (Duration::from_secs(14), Duration::from_millis(1400))
    };
    let seed = u64::from(std::process::id()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let upstream = Flapping::start(seed);
    let dir = tempfile::tempdir().expect("a directory");
    let mut relay = Relay::start(dir.path(), &["--otlp-endpoint", &upstream.endpoint]);
    let where_to = Arc::new(Mutex::new(relay.addr.clone()));
    let token = relay.token.clone();
    let is_over = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            tokio::spawn(send(
                sender,
                relay.client.clone(),
                token.clone(),
                Arc::clone(&where_to),
                Arc::clone(&is_over),
            ))
        })
        .collect();

    let (started, mut kills) = (Instant::now(), Vec::new());
    while started.elapsed() < time {
        tokio::time::sleep(every).await;
        // Every other kill comes as soon as the backend has taken something: between its answer and the commit, or near it.
        let (before, patience) = (upstream.requests(), Instant::now() + every / 2);
        while kills.len() % 2 == 1 && upstream.requests() == before && Instant::now() < patience {
            tokio::task::yield_now().await;
        }
        relay.kill();
        kills.push(upstream.requests());
        relay = Relay::start(dir.path(), &["--otlp-endpoint", &upstream.endpoint]);
        where_to
            .lock()
            .expect("nobody panics with it")
            .clone_from(&relay.addr);
    }
    is_over.store(true, Ordering::Relaxed);
    let mut accepted = HashSet::new();
    for sender in senders {
        accepted.extend(sender.await.expect("it ends well"));
    }
    upstream.calm();
    // What an alarm made wait is not waited for.
    relay.kill();
    let relay = Relay::start(dir.path(), &["--otlp-endpoint", &upstream.endpoint]);
    let deadline = Instant::now() + Duration::from_secs(60);
    while relay.metric("courier_spool_records").await > 0.0 {
        assert!(Instant::now() < deadline, "it drains");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(relay);

    let taken = upstream.taken();
    let refused: HashSet<String> = upstream.refused().into_iter().collect();
    let dead = dead_letters(dir.path());
    let mut times: HashMap<&str, Vec<usize>> = HashMap::new();
    for (request, messages) in taken.iter().enumerate() {
        for message in messages {
            times.entry(message).or_default().push(request);
        }
    }
    let missing: Vec<&String> = accepted
        .iter()
        .filter(|message| !times.contains_key(message.as_str()) && !refused.contains(*message))
        .collect();
    assert_eq!(
        missing,
        Vec::<&String>::new(),
        "accepted and nowhere (seed {seed})"
    );
    assert!(
        dead.iter().all(|message| message == POISON),
        "only poison is dead: {dead:?}"
    );
    let doubled: Vec<&Vec<usize>> = times
        .values()
        .filter(|requests| requests.len() > 1)
        .collect();
    for requests in &doubled {
        for pair in requests.windows(2) {
            // The last request before a kill, or one that came in between the kill and its being noted.
            let is_explained = kills
                .iter()
                .any(|&kill| pair[0] + 1 == kill || pair[0] == kill);
            assert!(
                is_explained,
                "requests {pair:?} have the same record; kills were at {kills:?} (seed {seed})"
            );
        }
    }
    println!(
        "{} kills in {:.0} s; {} records accepted; {} delivered, {} refused by partial success, {} dead letters, 0 missing; \
         {} upstream twice, each by a kill between answer and commit; moods {:?}",
        kills.len(),
        started.elapsed().as_secs_f64(),
        accepted.len(),
        times.len(),
        refused.len(),
        dead.len(),
        doubled.len(),
        upstream.moods()
    );
}

/// Sends batches in order until it is over, each until there is a receipt for it; the messages that were accepted.
async fn send(
    sender: usize,
    client: reqwest::Client,
    token: String,
    where_to: Arc<Mutex<String>>,
    is_over: Arc<AtomicBool>,
) -> Vec<String> {
    let mut accepted = Vec::new();
    let mut seq = 0;
    while !is_over.load(Ordering::Relaxed) {
        let messages: Vec<String> = (seq..seq + RECORDS)
            .map(|n| format!("{sender}-{n}"))
            .collect();
        let mut logs: Vec<Value> = messages
            .iter()
            .zip(seq..)
            .map(|(message, seq)| record(message, seq))
            .collect();
        seq += RECORDS;
        // One poisoned record in a hundred batches.
        if seq % (100 * RECORDS) == RECORDS {
            logs.push(record(POISON, seq));
            seq += 1;
        }
        let sent = logs.len() as u64;
        let body =
            json!({"context": {"queue": format!("{sender:016x}")}, "logs": logs}).to_string();
        loop {
            let addr = where_to.lock().expect("nobody panics with it").clone();
            let request = client
                .post(format!("http://{addr}/api/v1/logs"))
                .bearer_auth(&token)
                .header("content-type", "application/json")
                .body(body.clone());
            if let Ok(response) = request.send().await
                && response.status() == 200
                && let Ok(text) = response.text().await
            {
                let receipt: Value = serde_json::from_str(&text).expect("a receipt");
                let count = |name: &str| receipt[name].as_u64().expect("a count");
                assert_eq!(count("accepted") + count("duplicates"), sent, "{receipt}");
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        accepted.extend(messages);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    accepted
}

fn record(message: &str, seq: usize) -> Value {
    json!({"q": format!("{seq:016x}-00000000-00000000"), "timestamp": jiff::Timestamp::now().to_string(), "level": "info", "message": message})
}

fn dead_letters(dir: &Path) -> Vec<String> {
    let output = command()
        .args(["dead", "ls", "--data-dir"])
        .arg(dir)
        .output()
        .expect("it runs");
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines()
        .map(|line| {
            let letter: Value = serde_json::from_str(line).expect("JSON");
            letter["message"].as_str().expect("text").to_owned()
        })
        .collect()
}
