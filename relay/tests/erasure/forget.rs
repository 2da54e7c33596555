//! A person is erased from a data directory that has several.

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::everything::{files, find};
use crate::relay::{Relay, command, token};
use crate::upstream::{Say, Upstream};

/// What is Ada's and nobody else's.
const ADAS: [&str; 4] = ["ada-7f3c", "install-ada-91", "quokka", "bandicoot"];
const BOBS: &str = "wombat";

/// A batch of `records` of this person, in a queue of theirs, from seq `from`.
pub fn batch(person: &str, install: &str, word: &str, from: u64, records: u64) -> String {
    let records: Vec<Value> = (from..from + records)
        .map(|seq| {
            json!({
                "q": format!("{seq:016x}-000000f1-00000000"),
                "timestamp": "2026-02-06T12:00:00Z", "level": if seq % 3 == 0 { "error" } else { "info" },
                "message": format!("{word} number {seq}, and so that it is worth packing: {word} {word} {word} {word}"),
                "error": if seq % 3 == 0 { json!(format!("Timeout: {word} did not answer")) } else { Value::Null },
                "attributes": {"who": format!("{word}-{seq}"), "list": [word, word]},
                "userId": person, "installId": install, "sessionId": format!("session-of-{word}"),
            })
        })
        .collect();
    json!({"context": {"queue": queue(person)}, "logs": records}).to_string()
}

/// The same with one record of Ada's at that place.
fn mixed(person: &str, install: &str, word: &str, from: u64, at: usize) -> String {
    let mut batch: Value =
        serde_json::from_str(&batch(person, install, word, from, 10)).expect("json");
    let logs = batch["logs"].as_array_mut().expect("records");
    logs[at]["userId"] = json!("ada-7f3c");
    logs[at]["message"] = json!("bandicoot");
    batch.to_string()
}

fn queue(person: &str) -> String {
    let hex: String = person.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex:0<16.16}")
}

pub async fn send(relay: &Relay, person: &str, body: String) -> Value {
    let token = token(&relay.dir, person);
    let request = relay
        .client
        .post(format!("http://{}/api/v1/logs", relay.addr));
    let request = request
        .bearer_auth(token)
        .header("content-type", "application/json");
    let answer = request.body(body).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.expect("a body");
    serde_json::from_str(&text).expect("a receipt")
}

/// Waits until nothing waits for the index.
async fn indexed(dir: &Path, records: u64) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while rows(dir).await.len() < usize::try_from(records).expect("few") {
        assert!(Instant::now() < deadline, "it is not indexed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The records of all segments: message, blob and level.
pub async fn rows(dir: &Path) -> Vec<(String, Vec<u8>, i64)> {
    use sqlx::ConnectOptions;
    let mut rows = Vec::new();
    let index = dir.join("index");
    for name in files(&index).keys() {
        if !name.starts_with("seg-") || !name.ends_with(".db") {
            continue;
        }
        let connection = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(index.join(name))
            .connect()
            .await;
        let Ok(mut connection) = connection else {
            continue;
        };
        let of_segment: Result<Vec<(String, Vec<u8>, i64)>, _> =
            sqlx::query_as("SELECT message, rest, level FROM record ORDER BY id")
                .fetch_all(&mut connection)
                .await;
        rows.extend(of_segment.unwrap_or_default());
    }
    rows.sort();
    rows
}

fn forget(dir: &Path, args: &[&str]) -> Output {
    command()
        .args(["forget", "--data-dir"])
        .arg(dir)
        .args(args)
        .output()
        .expect("it runs")
}

fn numbers(output: &Output) -> Value {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("json")
}

#[tokio::test]
async fn nothing_of_an_erased_person_is_left_and_nothing_of_the_others_is_gone() {
    let upstream = Upstream::start(
        [],
        Say::Poisoned(
            "quokka number 0, and so that it is worth packing: quokka quokka quokka quokka"
                .to_owned(),
        ),
    );
    let dir = tempfile::tempdir().expect("a directory");
    let flags = ["--index", "on", "--otlp-endpoint", &upstream.endpoint];
    let relay = Relay::start(dir.path(), &flags);
    for round in 0..4 {
        let (from, each) = (round * 10, 10);
        send(
            &relay,
            "ada-7f3c",
            batch("ada-7f3c", "install-ada-91", "quokka", from, each),
        )
        .await;
        send(&relay, "bob", batch("bob", "install-bob", BOBS, from, each)).await;
        // Cara's device has a record of Ada's in the middle of a batch.
        send(
            &relay,
            "cara",
            mixed("cara", "install-cara", "numbat", from, 4),
        )
        .await;
    }
    indexed(dir.path(), 120).await;
    let deadline = Instant::now() + Duration::from_secs(60);
    while relay.metric("courier_dead_letters").await < 1.0
        || relay.metric("courier_spool_records").await > 0.0
    {
        assert!(Instant::now() < deadline, "{}", relay.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // From here on what comes waits: the upstream is away.
    upstream.now_says(Say::Status(503, None));
    send(
        &relay,
        "ada-7f3c",
        batch("ada-7f3c", "install-ada-91", "quokka", 40, 10),
    )
    .await;
    send(
        &relay,
        "cara",
        mixed("cara", "install-cara", "numbat", 40, 7),
    )
    .await;
    indexed(dir.path(), 140).await;
    let before = rows(dir.path()).await;
    let of_others: Vec<_> = before
        .iter()
        .filter(|(message, ..)| !ADAS.iter().any(|word| message.contains(word)))
        .cloned()
        .collect();
    assert_eq!(of_others.len(), 40 + 45);
    let there = find(dir.path(), &ADAS).await;
    for place in [
        "relay.db",
        "seg-1.db",
        "frame.body",
        "dead.body",
        "accepted.subject",
    ] {
        assert!(
            there.iter().any(|found| found.contains(place)),
            "the test looks into {place}: {there:?}"
        );
    }

    // The operator has looked her up, and has set her level.
    for args in [
        &["people", "--format", "json", "--why", "ada-7f3c has called"][..],
        &[
            "level",
            "set",
            "debug",
            "--user",
            "ada-7f3c",
            "--for",
            "1h",
            "--why",
            "for ada-7f3c",
        ],
    ] {
        let looked = command()
            .args(args)
            .arg("--data-dir")
            .arg(dir.path())
            .output();
        let looked = looked.expect("it runs");
        assert!(
            looked.status.code() < Some(2),
            "{args:?}: {}",
            String::from_utf8_lossy(&looked.stderr)
        );
    }
    let there = find(dir.path(), &ADAS).await;
    for place in ["audit.jsonl", "level_rule.whom", "audit.why"] {
        assert!(
            there.iter().any(|found| found.contains(place)),
            "{place}: {there:?}"
        );
    }

    let refused = forget(dir.path(), &["--user", "ada-7f3c"]);
    assert_eq!(refused.status.code(), Some(2), "without a reason");
    let why = ["--why", "ticket 4711", "--format", "json"];
    let args = [&["--user", "ada-7f3c"], &why[..]].concat();
    let said = numbers(&forget(dir.path(), &args));
    assert_eq!(said["records"], 55, "{said}");
    assert_eq!(said["waiting_records"], 11, "{said}");
    assert_eq!(said["frames"], 2, "{said}");
    assert_eq!(said["dead_letters"], 1, "{said}");
    assert_eq!(said["segments"], 1, "{said}");
    let places = said["not_reached"].to_string();
    assert!(
        places.contains("upstream") && places.contains("backups"),
        "{said}"
    );

    let left = find(dir.path(), &ADAS).await;
    assert!(left.is_empty(), "{left:#?}\n{}", relay.log());
    assert_eq!(
        rows(dir.path()).await,
        of_others,
        "the others are as they were"
    );
    let audit = std::fs::read_to_string(dir.path().join("audit.jsonl")).expect("it is there");
    let deed = audit
        .lines()
        .find(|line| line.contains("\"forget\""))
        .expect("it is noted");
    assert!(
        deed.contains("user:#") && deed.contains("ticket 4711"),
        "{deed}"
    );

    // Her device sends all of it again: the relay says that it needs not keep it.
    let again = send(
        &relay,
        "ada-7f3c",
        batch("ada-7f3c", "install-ada-91", "quokka", 0, 60),
    )
    .await;
    assert_eq!(
        (&again["accepted"], &again["duplicates"]),
        (&json!(0), &json!(60))
    );
    assert_eq!(
        relay
            .metric("courier_records_dropped_by_erasure_total")
            .await,
        60.0
    );
    // What waits of the others goes out, once.
    let delivered = upstream.seen().len();
    upstream.now_says(Say::Ok);
    let deadline = Instant::now() + Duration::from_secs(60);
    while relay.metric("courier_spool_records").await > 0.0 {
        assert!(Instant::now() < deadline, "{}", relay.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let went: Vec<String> = upstream.seen()[delivered..]
        .iter()
        .flat_map(|seen| seen.request.resource_logs.clone())
        .flat_map(|logs| logs.scope_logs)
        .flat_map(|scope| scope.log_records)
        .map(|record| crate::upstream::message(&record))
        .collect();
    assert_eq!(went.len(), 9, "{went:?}");
    assert!(went.iter().all(|message| message.contains("numbat")));

    relay.kill();
    let relay = Relay::start(dir.path(), &flags);
    let again = send(
        &relay,
        "ada-7f3c",
        batch("ada-7f3c", "install-ada-91", "quokka", 0, 60),
    )
    .await;
    assert_eq!(
        (&again["accepted"], &again["duplicates"]),
        (&json!(0), &json!(60))
    );
    // Bob's records are known, although another was erased from the ledger; Ada's new ones are taken.
    let bobs = send(&relay, "bob", batch("bob", "install-bob", BOBS, 0, 40)).await;
    assert_eq!(bobs["duplicates"], 40);
    let left = find(dir.path(), &ADAS).await;
    assert!(left.is_empty(), "{left:#?}");
    let new =
        batch("ada-7f3c", "install-ada-91", "wallaby", 60, 5).replace("2026-02-06", "2996-02-06");
    let new = send(&relay, "ada-7f3c", new).await;
    assert_eq!(new["accepted"], 5, "what is of afterwards is new: {new}");
}

#[tokio::test]
async fn an_installation_and_a_sender_are_erased_without_a_relay_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let flags = ["--index", "on", "--otlp-endpoint", "none"];
    let mut relay = Relay::start(dir.path(), &flags);
    send(
        &relay,
        "ada",
        batch("ada", "install-ada-91", "quokka", 0, 10),
    )
    .await;
    send(&relay, "bob", batch("bob", "install-bob", BOBS, 0, 10)).await;
    send(
        &relay,
        "eve-sends",
        batch("dora", "install-dora", "bandicoot", 0, 10),
    )
    .await;
    indexed(dir.path(), 30).await;
    assert!(relay.terminate().success());
    let said = numbers(&forget(
        dir.path(),
        &[
            "--install",
            "install-ada-91",
            "--why",
            "sold",
            "--format",
            "json",
        ],
    ));
    assert_eq!(
        (&said["records"], &said["segments"]),
        (&json!(10), &json!(1)),
        "{said}"
    );
    assert_eq!(
        find(dir.path(), &["install-ada-91", "quokka"]).await,
        [""; 0]
    );
    let output = forget(dir.path(), &["--sender", "eve-sends", "--why", "left"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.starts_with("erased: 10 records in 1 segments of the index, "),
        "{text}"
    );
    assert_eq!(find(dir.path(), &["eve-sends", "bandicoot"]).await, [""; 0]);
    assert_eq!(rows(dir.path()).await.len(), 10);
    let output = forget(
        dir.path(),
        &["--user", "nobody-of-that-name", "--why", "asked"],
    );
    assert_eq!(output.status.code(), Some(1), "nothing was found");
}

/// Copies a data directory, without its log.
fn copy(from: &Path, to: &Path) {
    for (name, bytes) in files(from) {
        let path = to.join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        std::fs::write(&path, bytes).expect("written");
    }
    for name in ["erase.key", "development-jwt-secret", "admin-token"] {
        let file = to.join(name);
        if file.exists() {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("set");
        }
    }
}

#[tokio::test]
async fn an_erasure_that_is_killed_at_any_moment_is_finished_by_the_next_start() {
    let dir = tempfile::tempdir().expect("a directory");
    let flags = ["--index", "on", "--otlp-endpoint", "none"];
    let small = [("TRIAL_SEGMENT_RECORDS", "60")];
    let mut relay = Relay::start_in(dir.path(), &flags, &small);
    for round in 0..30 {
        send(
            &relay,
            "ada-7f3c",
            batch("ada-7f3c", "install-ada-91", "quokka", round * 10, 10),
        )
        .await;
        send(
            &relay,
            "bob",
            batch("bob", "install-bob", BOBS, round * 10, 10),
        )
        .await;
        // A few frames to a segment.
        indexed(dir.path(), round * 20 + 20).await;
    }
    assert!(relay.terminate().success());
    let all = rows(dir.path()).await;
    let of_bob: Vec<_> = all
        .iter()
        .filter(|(message, ..)| message.contains(BOBS))
        .cloned()
        .collect();
    let args = [
        "forget",
        "--user",
        "ada-7f3c",
        "--why",
        "ticket 4711",
        "--data-dir",
    ];
    let (mut untouched, mut finished, mut whole) = (0, 0, 0);
    for kill in 0..14 {
        let data = tempfile::tempdir().expect("a directory");
        copy(dir.path(), data.path());
        let mut child = command()
            .args(args)
            .arg(data.path())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("it starts");
        std::thread::sleep(Duration::from_millis(6 + kill * 12));
        let _ = child.kill();
        let _ = child.wait();
        let now = rows(data.path()).await;
        let bobs: Vec<_> = now
            .iter()
            .filter(|(message, ..)| message.contains(BOBS))
            .cloned()
            .collect();
        assert_eq!(
            bobs, of_bob,
            "kill {kill}: the others are all there, at any moment"
        );
        let stones = std::fs::read_to_string(data.path().join("erasures.json")).unwrap_or_default();
        let mut relay = Relay::start_in(data.path(), &flags, &small);
        assert!(relay.terminate().success());
        match (
            stones.contains("\"is_done\": false"),
            stones.contains("\"is_done\": true"),
        ) {
            (true, _) => {
                finished += 1;
                assert!(
                    relay.log().contains("it is finished now"),
                    "{}",
                    relay.log()
                );
                assert_eq!(find(data.path(), &ADAS).await, [""; 0], "kill {kill}");
                assert_eq!(rows(data.path()).await, of_bob, "kill {kill}");
            }
            (false, true) => {
                whole += 1;
                assert_eq!(find(data.path(), &ADAS).await, [""; 0], "kill {kill}");
            }
            (false, false) => {
                untouched += 1;
                assert_eq!(
                    rows(data.path()).await,
                    all,
                    "kill {kill}: as it was before"
                );
            }
        }
    }
    println!("before it began {untouched}, in the middle {finished}, at its end {whole}");
    assert!(
        finished > 0,
        "one kill at least was in the middle: {untouched} before, {whole} after"
    );
}
