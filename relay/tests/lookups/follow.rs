//! Records as they come, and all of them as a file, over HTTP.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::relay::Relay;
use crate::{batch, indexed, record, start};

/// A GET of the admin API with its token.
async fn get(relay: &Relay, path: &str, more: &[(&str, &str)]) -> reqwest::Response {
    let token = std::fs::read_to_string(relay.dir.join("admin-token")).expect("a token");
    let mut request = relay
        .client
        .get(format!("http://{}{path}", relay.admin))
        .bearer_auth(token.trim());
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    request.send().await.expect("an answer")
}

/// Sends records `from..to` of one queue, stamped so that their times are in another order than they come.
async fn send(relay: &Relay, from: usize, to: usize) {
    for first in (from..to).step_by(1_000) {
        let last = to.min(first + 1_000);
        let logs: Vec<Value> = (first..last)
            .map(|n| record(n, n * 7_919 % 60_000, "info", "a part", &json!({"n": n})))
            .collect();
        relay
            .accept(batch("00000000000000aa", "one", "ada", &logs))
            .await;
    }
}

/// Reads events until there are so many, each as its id and its data; what is a comment is left out.
async fn events(answer: &mut reqwest::Response, count: usize) -> Vec<(String, Value)> {
    let patience = Instant::now() + Duration::from_secs(60);
    let (mut text, mut events) = (String::new(), Vec::new());
    while events.len() < count {
        let chunk = tokio::time::timeout(Duration::from_secs(10), answer.chunk()).await;
        let Ok(chunk) = chunk else { break };
        let chunk = chunk.expect("it goes on").expect("it has not ended");
        text.push_str(&String::from_utf8_lossy(&chunk));
        while let Some(end) = text.find("\n\n") {
            let event: String = text.drain(..end + 2).collect();
            let field = |name: &str| {
                let mut lines = event.lines();
                lines.find_map(|line| line.strip_prefix(name).map(|value| value.trim().to_owned()))
            };
            if let Some(data) = field("data:") {
                let data = serde_json::from_str(&data).expect("JSON");
                events.push((field("id:").unwrap_or_default(), data));
            }
        }
        assert!(Instant::now() < patience, "{} events", events.len());
    }
    events
}

fn numbers(rows: impl IntoIterator<Item = Value>) -> Vec<u64> {
    rows.into_iter()
        .map(|row| {
            row["attributes"]["n"]
                .as_u64()
                .unwrap_or_else(|| panic!("{row}"))
        })
        .collect()
}

/// A part of the index that no relay can read.
fn damage(dir: &Path) {
    let part = dir.join("index").join("seg-7.db");
    std::fs::write(part, vec![7; 8_192]).expect("it is written");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_after_a_storm_gets_each_record_once_and_then_what_is_new() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = start(dir.path());
    send(&relay, 0, 1).await;
    indexed(dir.path(), 1);
    let mut first = get(&relay, "/admin/v1/tail?q=user:ada", &[]).await;
    send(&relay, 1, 3).await;
    let seen = events(&mut first, 2).await;
    assert_eq!(numbers(seen.iter().map(|(_, row)| row.clone())), [1, 2]);
    let (last, _) = seen.last().expect("one").clone();
    drop(first);
    send(&relay, 3, STORM).await;
    indexed(dir.path(), STORM as u64);
    let back = [("last-event-id", &*last)];
    let mut second = get(&relay, "/admin/v1/tail?q=user:ada", &back).await;
    let seen = events(&mut second, STORM - 3).await;
    let got = numbers(seen.into_iter().map(|(_, row)| row));
    let all: Vec<u64> = (3..STORM as u64).collect();
    assert_eq!(got.len(), all.len(), "none is missing, none comes twice");
    assert_eq!(got, all, "in the order in which they came");
    send(&relay, STORM, STORM + 1).await;
    let new = events(&mut second, 1).await;
    let new = numbers(new.into_iter().map(|(_, row)| row));
    assert_eq!(new, [STORM as u64]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_with_a_place_that_an_index_made_anew_has_not_yet_gets_what_is_new() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = start(dir.path());
    send(&relay, 0, 1).await;
    indexed(dir.path(), 1);
    for id in ["999-5", "1-9223372036854775807"] {
        let mut tail = get(&relay, "/admin/v1/tail", &[("last-event-id", id)]).await;
        let n = if id.starts_with("999") { 1 } else { 2 };
        send(&relay, n, n + 1).await;
        let new = events(&mut tail, 1).await;
        let new = numbers(new.into_iter().map(|(_, row)| row));
        assert_eq!(new, [n as u64], "{id}");
    }
    for id in ["x", "-1", "1-2-3", ""] {
        let refused = get(&relay, "/admin/v1/tail", &[("last-event-id", id)]).await;
        assert_eq!(refused.status(), 400, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_every_record_of_what_is_whole_and_says_at_its_end_what_is_not() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut relay = start(dir.path());
    send(&relay, 0, MANY).await;
    indexed(dir.path(), MANY as u64);
    let day = "from=2026-11-30T00:00Z&to=2026-12-01T00:00Z";
    let path = format!("/admin/v1/export?q=user:ada&{day}");
    let whole = get(&relay, &path, &[]).await.text().await.expect("text");
    let rows: Vec<Value> = whole
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let mut got = numbers(rows);
    got.sort_unstable();
    let all: Vec<u64> = (0..MANY as u64).collect();
    assert_eq!(got, all);
    assert!(relay.terminate().success());

    damage(dir.path());
    let relay = start(dir.path());
    let rest = get(&relay, &path, &[]).await.text().await.expect("text");
    let mut lines: Vec<&str> = rest.lines().collect();
    let last: Value = serde_json::from_str(lines.pop().expect("a line")).expect("JSON");
    let said = last["incomplete"].as_str().expect("it is said");
    assert_eq!(said, "part 7 of the index: it can't be read");
    assert_eq!(lines.len(), MANY, "the other parts are there as before");
    let csv = get(&relay, &format!("{path}&format=csv"), &[]).await;
    let csv = csv.text().await.expect("text");
    assert!(csv.starts_with("time,received,level,"), "{csv:.80}");
    let last = csv.lines().next_back().expect("a line");
    assert!(
        last.starts_with("INCOMPLETE: part 7 of the index"),
        "{last}"
    );
    assert_eq!(csv.lines().count(), 1 + MANY + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_is_of_its_question_alone_and_no_forged_one_is_answered_by_a_crash() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = start(dir.path());
    send(&relay, 0, 5).await;
    indexed(dir.path(), 5);
    let range = "from=2026-11-30T00:00Z&to=2026-12-01T00:00Z";
    let ask = async |query: &str| {
        let answer = get(&relay, &format!("/admin/v1/records?limit=2&{query}"), &[]).await;
        let status = answer.status().as_u16();
        (status, answer.text().await.expect("text"))
    };
    let (status, first) = ask(&format!("q=user:ada&{range}")).await;
    assert_eq!(status, 200, "{first}");
    let first: Value = serde_json::from_str(&first).expect("JSON");
    let cursor = first["older"].as_str().expect("there are older ones");
    for (query, status, said) in [
        (format!("q=user:ada&cursor={cursor}"), 200, "\"rows\""),
        (
            format!("q=user:ada&{range}&cursor={cursor}"),
            200,
            "\"rows\"",
        ),
        (
            format!("q=user:bea&cursor={cursor}"),
            400,
            "of another query",
        ),
        (
            format!("q=user:ada&from=2026-11-29T00:00Z&cursor={cursor}"),
            400,
            "`from` is another",
        ),
        (
            format!("q=user:ada&to=2026-11-30T01:00Z&cursor={cursor}"),
            400,
            "`to` is another",
        ),
        (
            format!("q=user:ada&as_of=2026-11-30T01:00:00Z&cursor={cursor}"),
            400,
            "`as_of`",
        ),
    ] {
        let (got, text) = ask(&query).await;
        assert!(
            got == status && text.contains(said),
            "{query}: {got} {text}"
        );
    }
    // Every number of it at its ends, and cut anywhere: an answer or a refusal.
    let parts: Vec<&str> = cursor.split('-').collect();
    for at in 2..parts.len() {
        for forged in ["0", "7fffffffffffffff", "ffffffffffffffff", "+1", "x", ""] {
            let mut parts = parts.clone();
            parts[at] = forged;
            let (got, text) = ask(&format!("q=user:ada&cursor={}", parts.join("-"))).await;
            assert!(got == 200 || got == 400, "{parts:?}: {got} {text}");
        }
    }
    for end in 0..cursor.len() {
        let (got, text) = ask(&format!("q=user:ada&cursor={}", &cursor[..end])).await;
        assert!(got == 200 || got == 400, "{end}: {got} {text}");
    }
    let log = relay.log();
    assert!(
        !log.contains("panicked") && !log.contains("can't be read"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_follow_at_once_and_their_streams_end_when_the_relay_stops() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut relay = start(dir.path());
    let mut tails = Vec::new();
    for _ in 0..32 {
        let tail = get(&relay, "/admin/v1/tail", &[]).await;
        assert_eq!(tail.status(), 200);
        tails.push(tail);
    }
    let refused = get(&relay, "/admin/v1/tail", &[]).await;
    assert_eq!(refused.status(), 503);
    let said = refused.text().await.expect("text");
    assert!(said.contains("too many follow already"), "{said}");
    // Who goes makes room.
    drop(tails.pop());
    let patience = Instant::now() + Duration::from_secs(30);
    let last = loop {
        let tail = get(&relay, "/admin/v1/tail", &[]).await;
        if tail.status() == 200 {
            break tail;
        }
        assert!(Instant::now() < patience, "{}", tail.status());
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    tails.push(last);
    let begun = Instant::now();
    assert!(relay.terminate().success());
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    for mut tail in tails {
        let rest = tokio::time::timeout(Duration::from_secs(5), async move {
            while let Ok(Some(_)) = tail.chunk().await {}
        });
        rest.await.expect("it ends");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_question_is_said_and_odd_names_are_only_names() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = start(dir.path());
    let odd = "a\"b' \u{1}(c) OR -d%";
    for (queue, user) in [("00000000000000aa", odd), ("00000000000000bb", "ada")] {
        let logs = [record(0, 0, "error", "upload failed", &json!({"n": 1}))];
        relay.accept(batch(queue, queue, user, &logs)).await;
    }
    indexed(dir.path(), 2);
    let ask = async |route: &str, parameters: &[(&str, &str)]| {
        let mut url = url::Url::parse("http://relay/").expect("a URL");
        url.query_pairs_mut().extend_pairs(parameters);
        let query = url.query().unwrap_or_default();
        let answer = get(&relay, &format!("/admin/v1/{route}?{query}"), &[]).await;
        (answer.status().as_u16(), answer.text().await.expect("text"))
    };
    let range = [("from", "2026-11-30T00:00Z"), ("to", "2026-12-01T00:00Z")];
    let quoted = format!("user:\"{}\"", odd.replace('"', "\\\""));
    for (q, count) in [
        (&*quoted, 1),
        (&format!("-{quoted}"), 1),
        (&format!("({quoted} OR user:ada) level:error"), 2),
        ("-(user:ada OR upload)", 0),
        ("user:bea OR (user:ada -level:error)", 0),
        (&format!("user:\"{}\"", "x".repeat(6_000)), 0),
    ] {
        let (status, text) = ask("records", &[&range[..], &[("q", q)]].concat()).await;
        let told: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status} {text}"));
        assert_eq!(told["count"]["records"], count, "{q}: {text}");
        assert_eq!(told["rows"].as_array().map(Vec::len), Some(count), "{q}");
    }
    let (_, found) = ask("find", &[("text", odd)]).await;
    let found: Value = serde_json::from_str(&found).expect("JSON");
    assert_eq!(
        (&found[0]["kind"], &found[0]["id"]),
        (&json!("user"), &json!(odd))
    );
    // Without a range it is the last day, and the answer says from when to when.
    let (_, day) = ask("records", &[]).await;
    let day: Value = serde_json::from_str(&day).expect("JSON");
    assert!(
        day["from"].is_string() && day["to"].is_string() && day["zone"] == "UTC",
        "{day}"
    );
    let long = format!("user:{}", "x".repeat(10_000));
    for (route, parameters, said) in [
        ("records", &[("q", "user:ada )")][..], "character 10"),
        ("records", &[("q", "levle:error")], "did you mean `level:`?"),
        ("records", &[("q", &*long)], "8192"),
        ("records", &[("limit", "1001")], "from 1 to 1000"),
        ("records", &[("limit", "0")], "from 1 to 1000"),
        ("records", &[("from", "25:99")], "25:99"),
        ("records", &[("tz", "Nowhere")], "Nowhere"),
        (
            "records",
            &[("from", "2026-12-01T00:00Z"), ("to", "2026-11-30T00:00Z")],
            "not before",
        ),
        ("records", &[("sort", "x")], "sort"),
        ("records", &[("format", "md")], "json or text"),
        ("export", &[("format", "xml")], "ndjson or csv"),
        ("tail", &[("q", "usr:ada")], "did you mean `user:`?"),
        ("sessions", &[], "one of user and install"),
        ("find", &[("text", " ")], "1 to 1024 bytes"),
    ] {
        let (status, text) = ask(route, parameters).await;
        assert!(
            status == 400 && text.contains(said),
            "{route} {parameters:?}: {status} {text}"
        );
        assert!(!text.contains('\u{1}'), "{text}");
    }
}

/// More than any page or buffer of the relay holds.
const STORM: usize = 6_500;

/// More than two pages of an export.
const MANY: usize = 1_200;
