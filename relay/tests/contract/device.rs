//! A device's queue directory, looked at and carried by hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Map, Value, json};
use tracing_courier::queue::{Appended, Context, DiskQueue, Durability, Line};

use crate::relay::{Relay, command};
use crate::upstream::{Say, Upstream};

/// A queue of `records` records in `root`, whose program has ended.
fn queue(root: &Path, records: usize) -> PathBuf {
    let queue = DiskQueue::open(root).expect("it opens");
    let ids = json!({"installId": "i-1", "userId": "u-1"});
    let ids = ids.as_object().cloned().expect("an object");
    queue.set_context(&Context::new(ids, Map::new()));
    for n in 0..records {
        let mut line = Line::new();
        let rest =
            format!(r#""timestamp":"2026-02-06T12:00:00Z","level":"info","message":"{n}"}}"#);
        line.body().extend_from_slice(rest.as_bytes());
        let appended = queue.append(&mut line, Durability::PageCache);
        assert_eq!(appended, Appended::InPageCache);
    }
    root.join(format!("q-{}", queue.id()))
}

#[test]
fn cat_says_with_each_record_whose_it_is() {
    let root = tempfile::tempdir().expect("a directory");
    let queue = DiskQueue::open(root.path()).expect("it opens");
    let append = |message: &str| {
        let mut line = Line::new();
        let rest =
            format!(r#""timestamp":"2026-02-06T12:00:00Z","level":"info","message":"{message}"}}"#);
        line.body().extend_from_slice(rest.as_bytes());
        assert_eq!(
            queue.append(&mut line, Durability::PageCache),
            Appended::InPageCache
        );
    };
    let under = |context: Value| {
        let part = |name: &str| context[name].as_object().cloned().unwrap_or_default();
        queue.set_context(&Context::new(part("context"), part("resource")));
    };
    append("nobody's");
    let ids = json!({"installId": "i-1", "sessionId": "s-1", "userId": "u\u{202e}-1", "clock": {"boot": "b"}});
    let resource =
        json!({"service.name": "app", "service.version": "1.2", "host.name": "long and dull"});
    under(json!({"context": ids, "resource": resource}));
    append("before");
    append("too");
    under(json!({"context": {"installId": "i-1", "sessionId": "s-1"}, "resource": resource}));
    append("after the logout");
    drop(queue);
    let output = run(&["queue", "cat"], root.path());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains('\u{202e}'), "it turns no terminal round");
    let seen: Vec<(Value, Value)> = lines(&output)
        .into_iter()
        .map(|record| (record["message"].clone(), record["context"].clone()))
        .collect();
    let of_user = json!({
        "installId": "i-1", "sessionId": "s-1", "userId": "u\u{202e}-1", "service": "app", "version": "1.2"
    });
    let of_nobody =
        json!({"installId": "i-1", "sessionId": "s-1", "service": "app", "version": "1.2"});
    assert_eq!(
        seen,
        [
            (json!("nobody's"), Value::Null),
            (json!("before"), of_user.clone()),
            (json!("too"), of_user),
            (json!("after the logout"), of_nobody),
        ]
    );
}

fn run(args: &[&str], dir: &Path) -> Output {
    command().args(args).arg(dir).output().expect("it runs")
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// Garbles the record with this message.
fn damage(queue: &Path, message: &str) {
    let segment = fs::read_dir(queue)
        .expect("it lists")
        .map(|file| file.expect("a file").path())
        .find(|path| {
            path.extension()
                .is_some_and(|extension| extension == "jsonl")
        })
        .expect("a segment");
    let text = fs::read_to_string(&segment).expect("text");
    let garbled = text.replace(
        &format!("\"message\":\"{message}\""),
        &format!("\"message\":\"{message}x"),
    );
    assert_ne!(text, garbled);
    fs::write(&segment, garbled).expect("it is written");
}

#[test]
fn cat_prints_each_record_as_on_the_wire_with_its_queue() {
    let root = tempfile::tempdir().expect("a directory");
    let dir = queue(root.path(), 3);
    for path in [root.path(), &dir] {
        let output = run(&["queue", "cat"], path);
        assert!(output.status.success());
        let records = lines(&output);
        assert_eq!(records.len(), 3);
        for (n, record) in records.iter().enumerate() {
            assert_eq!(record["message"], n.to_string());
            assert_eq!(
                format!("q-{}", record["queue"].as_str().expect("an id")),
                dir.file_name().expect("a name").to_str().expect("text")
            );
            assert!(
                record["q"]
                    .as_str()
                    .expect("a name")
                    .starts_with(&format!("{n:016x}-")),
                "{record}"
            );
        }
    }
    let listed = String::from_utf8(run(&["queue", "ls"], root.path()).stdout).expect("text");
    assert!(
        listed.contains("3 undelivered") && listed.contains("left behind"),
        "{listed}"
    );
    assert_eq!(
        run(&["queue", "verify"], root.path()).status.code(),
        Some(0)
    );
}

#[test]
fn damage_is_counted_and_costs_itself_only() {
    let root = tempfile::tempdir().expect("a directory");
    let dir = queue(root.path(), 3);
    damage(&dir, "1");
    let output = run(&["queue", "cat"], &dir);
    assert_eq!((output.status.code(), lines(&output).len()), (Some(0), 2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("damaged: 1 records missing"));
    let output = run(&["queue", "verify"], &dir);
    assert_eq!(
        (output.status.code(), &lines(&output)[0]["missing"]),
        (Some(1), &json!(1))
    );
    assert_eq!(
        run(&["queue", "verify"], &dir.join("no")).status.code(),
        Some(2)
    );
}

#[tokio::test]
async fn an_import_goes_the_same_way_without_a_sender_and_twice_is_once() {
    let root = tempfile::tempdir().expect("a directory");
    let dir = queue(root.path(), 250);
    damage(&dir, "7");
    let data = tempfile::tempdir().expect("a directory");
    let data_dir = data.path().to_str().expect("text");
    let import = || {
        let output = run(&["import", "--data-dir", data_dir], root.path());
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        lines(&output).remove(0)
    };
    let first = import();
    assert_eq!(
        (&first["accepted"], &first["duplicates"], &first["missing"]),
        (&json!(249), &json!(0), &json!(1))
    );
    let second = import();
    assert_eq!(
        (&second["accepted"], &second["duplicates"]),
        (&json!(0), &json!(249))
    );

    let upstream = Upstream::start([], Say::Ok);
    let _relay = Relay::start(data.path(), &["--otlp-endpoint", &upstream.endpoint]);
    let logs = upstream.delivered(249).await;
    let keys: Vec<&str> = crate::upstream::records_of(&logs[0])
        .flat_map(|record| &record.attributes)
        .map(|pair| pair.key.as_str())
        .collect();
    assert!(
        keys.contains(&"install.id") && keys.contains(&"user.id"),
        "{keys:?}"
    );
    assert!(!keys.contains(&"courier.sender"), "nobody sent it");
}

#[tokio::test]
async fn an_import_beside_a_running_relay_goes_through_it() {
    let root = tempfile::tempdir().expect("a directory");
    queue(root.path(), 30);
    let upstream = Upstream::start([], Say::Ok);
    let data = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(data.path(), &["--otlp-endpoint", &upstream.endpoint]);
    let data_dir = data.path().to_str().expect("text");
    for (accepted, duplicates) in [(30, 0), (0, 30)] {
        let output = run(&["import", "--data-dir", data_dir], root.path());
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let said = lines(&output).remove(0);
        assert_eq!(
            (&said["accepted"], &said["duplicates"]),
            (&json!(accepted), &json!(duplicates))
        );
    }
    upstream.delivered(30).await;

    let url = format!("http://{}/admin/v1/import", relay.admin);
    for token in ["", "wrong", &relay.token] {
        let response = relay
            .client
            .post(&url)
            .bearer_auth(token)
            .body("[]")
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), 401, "only the admin token");
    }
}

#[test]
fn an_import_of_nothing_says_so() {
    let empty = tempfile::tempdir().expect("a directory");
    let data = tempfile::tempdir().expect("a directory");
    let data_dir = data.path().to_str().expect("text");
    let output = run(&["import", "--data-dir", data_dir], empty.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no queue in"));
}
