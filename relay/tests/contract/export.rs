//! What the upstream gets, and what follows from what it says.

use std::time::{Duration, Instant};

use crate::relay::Relay;
use crate::upstream::{Say, Upstream};
use crate::{batch, record};

fn one(n: u64) -> String {
    batch("q", [(n, n.to_string())])
}

#[tokio::test]
async fn the_token_is_sent_raw_and_gzipped_requests_are_merged() {
    let upstream = Upstream::start([Say::Status(503, Some(1))], Say::Ok);
    let dir = tempfile::tempdir().expect("a directory");
    let token = dir.path().join("token");
    std::fs::write(&token, "pylf_v1_local_test\n").expect("it is written");
    let relay = Relay::start(
        &dir.path().join("data"),
        &[
            "--otlp-endpoint",
            &upstream.endpoint,
            "--otlp-token-file",
            token.to_str().expect("text"),
        ],
    );
    for n in 0..20 {
        relay.accept(one(n)).await;
    }
    assert_eq!(
        upstream.messages(20).await,
        (0..20).map(|n| n.to_string()).collect::<Vec<_>>()
    );
    let seen = upstream.seen();
    assert!(
        seen.len() < 10,
        "{} requests for what came while the upstream was away",
        seen.len()
    );
    assert!(
        seen.iter()
            .all(|seen| seen.headers["authorization"] == "pylf_v1_local_test")
    );
}

#[tokio::test]
async fn an_upstream_that_flaps_gets_each_record_once_and_in_order() {
    let flaps = [
        Say::Status(503, None),
        Say::Status(429, Some(2)),
        Say::Ok,
        Say::Status(502, None),
        Say::Status(504, None),
    ];
    let upstream = Upstream::start(flaps, Say::Ok);
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &["--otlp-endpoint", &upstream.endpoint]);
    let started = Instant::now();
    for n in 0..10 {
        relay.accept(one(n)).await;
    }
    let first = upstream.messages(1).await.len();
    assert!(
        started.elapsed() >= Duration::from_secs(3),
        "1 s of its own, then 2 s of Retry-After"
    );
    for n in 10..20 {
        relay.accept(one(n)).await;
    }
    assert!(first >= 1);
    assert_eq!(
        upstream.messages(20).await,
        (0..20).map(|n| n.to_string()).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_poisoned_record_costs_itself_only() {
    let upstream = Upstream::start([Say::Status(503, Some(1))], Say::Poisoned("13".to_owned()));
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &["--otlp-endpoint", &upstream.endpoint]);
    relay
        .accept(batch("q", (0..7).map(|n| (n, n.to_string()))))
        .await;
    relay
        .accept(batch("q", (7..30).map(|n| (n, n.to_string()))))
        .await;
    let expected: Vec<String> = (0..30)
        .filter(|&n| n != 13)
        .map(|n| n.to_string())
        .collect();
    assert_eq!(upstream.messages(29).await, expected);
    assert_eq!(
        relay.metric("courier_records_dead_lettered_total").await,
        1.0
    );
    // The last piece is confirmed a moment after it was delivered.
    while relay.metric("courier_spool_records").await > 0.0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(relay.metric("courier_dead_letters").await, 1.0);
}

#[tokio::test]
async fn an_answer_that_needs_an_operator_keeps_everything_and_raises_the_alarm() {
    let upstream = Upstream::start([], Say::Status(401, None));
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &["--otlp-endpoint", &upstream.endpoint]);
    relay.accept(one(1)).await;
    while relay.metric("courier_export_alarm").await == 0.0 {
        tokio::task::yield_now().await;
    }
    upstream.now_says(Say::Ok);
    assert_eq!(upstream.messages(1).await, ["1"]);
    while relay.metric("courier_export_alarm").await > 0.0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn partial_success_is_counted_and_never_sent_again() {
    let upstream = Upstream::start([Say::Partial(1)], Say::Ok);
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &["--otlp-endpoint", &upstream.endpoint]);
    relay
        .accept(batch("q", [(1, "1".to_owned()), (2, "2".to_owned())]))
        .await;
    relay.accept(one(3)).await;
    upstream.messages(3).await;
    while relay.metric("courier_spool_records").await > 0.0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        relay.metric("courier_records_upstream_refused_total").await,
        1.0
    );
    assert_eq!(upstream.messages(3).await, ["1", "2", "3"]);
}

#[tokio::test]
async fn clamping_happens_at_export_only_and_says_so() {
    let upstream = Upstream::start([], Say::Ok);
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(
        dir.path(),
        &["--otlp-endpoint", &upstream.endpoint, "--clamp", "on"],
    );
    relay
        .accept(record("old").replace("2026-02-06", "2020-01-01"))
        .await;
    let logs = upstream.delivered(1).await;
    let record = &logs[0].scope_logs[0].log_records[0];
    let age = record
        .observed_time_unix_nano
        .abs_diff(record.time_unix_nano);
    assert!(
        age.abs_diff(23 * 3_600_000_000_000) < 60_000_000_000,
        "{age} ns old"
    );
    assert!(
        record
            .attributes
            .iter()
            .any(|pair| pair.key == "client.timestamp")
    );
}

#[tokio::test]
async fn without_a_spool_the_answer_is_the_upstreams() {
    let upstream = Upstream::start(
        [
            Say::Status(503, None),
            Say::Status(400, None),
            Say::Status(401, None),
        ],
        Say::Ok,
    );
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(
        dir.path(),
        &["--otlp-endpoint", &upstream.endpoint, "--spool", "none"],
    );
    for _ in 0..3 {
        let response = relay.post(one(1)).send().await.expect("an answer");
        assert_eq!(response.status(), 502);
        assert!(
            !response.text().await.expect("text").contains("secret"),
            "what the upstream says stays here"
        );
    }
    assert_eq!(relay.accept(one(1)).await["accepted"], 1);
    assert_eq!(upstream.messages(1).await, ["1"]);
    assert_eq!(relay.accept(one(1)).await["duplicates"], 1);
}

#[tokio::test]
async fn killed_again_and_again_while_the_upstream_flaps_nothing_is_lost_or_doubled() {
    let upstream = Upstream::start([], Say::Ok);
    let dir = tempfile::tempdir().expect("a directory");
    let mut sent = 0;
    for round in 0..6 {
        upstream.now_says(if round % 2 == 0 {
            Say::Status(503, None)
        } else {
            Say::Ok
        });
        let relay = Relay::start(dir.path(), &["--otlp-endpoint", &upstream.endpoint]);
        for _ in 0..10 {
            let receipt = relay.accept(one(sent)).await;
            assert_eq!(receipt["accepted"], 1);
            sent += 1;
        }
        // What the last one answered was sent again by a client that did not see the answer.
        assert_eq!(relay.accept(one(sent - 1)).await["duplicates"], 1);
        if round % 2 == 1 {
            upstream
                .delivered(usize::try_from(sent).expect("small"))
                .await;
            while relay.metric("courier_spool_records").await > 0.0 {
                tokio::task::yield_now().await;
            }
        }
        relay.kill();
    }
    assert_eq!(
        upstream.messages(60).await,
        (0..60).map(|n| n.to_string()).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn dead_letters_are_listed_and_replayed_beside_a_running_relay_and_without_one() {
    let upstream = Upstream::start([], Say::Poisoned("bad".to_owned()));
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &["--otlp-endpoint", &upstream.endpoint]);
    let dead = |args: &[&str]| {
        let output = crate::relay::command()
            .arg("dead")
            .args(args)
            .arg("--data-dir")
            .arg(dir.path())
            .output();
        let output = output.expect("it runs");
        let text = String::from_utf8(output.stdout).expect("text");
        match output.status.code() {
            Some(0) => text,
            code => format!("{code:?}: {text}"),
        }
    };
    assert_eq!(dead(&["ls"]), "");
    assert_eq!(dead(&["replay"]), "Some(1): {\"replayed\":0}\n");
    assert_eq!(dead(&["rm", "--all"]), "Some(1): {\"removed\":0}\n");
    assert_eq!(dead(&["rm"]), "Some(2): ", "of which, it does not say");
    assert_eq!(dead(&["rm", "1", "--all"]), "Some(2): ");
    relay
        .accept(batch(
            "q",
            [
                (1, "good".to_owned()),
                (2, "bad".to_owned()),
                (3, "fine".to_owned()),
            ],
        ))
        .await;
    assert_eq!(upstream.messages(2).await, ["good", "fine"]);
    while relay.metric("courier_spool_records").await > 0.0 {
        tokio::task::yield_now().await;
    }
    let beside = dead(&["ls"]);
    assert!(
        beside.contains("\"message\":\"bad\"") && beside.contains("\"reason\":\"400"),
        "{beside}"
    );
    assert_eq!(
        dead(&["rm", "--older-than", "1h"]),
        "Some(1): {\"removed\":0}\n"
    );
    let page = relay
        .client
        .get(format!("http://{}/admin/v1/dead?after=1", relay.admin));
    let token = std::fs::read_to_string(dir.path().join("admin-token")).expect("it is there");
    let page = page
        .bearer_auth(token.trim())
        .send()
        .await
        .expect("an answer");
    assert_eq!(page.text().await.expect("text"), "[]", "there is one only");
    relay.kill();
    assert_eq!(dead(&["ls"]), beside);
    assert_eq!(dead(&["rm", "7"]), "Some(1): {\"removed\":0}\n");

    upstream.now_says(Say::Ok);
    let _relay = Relay::start(dir.path(), &["--otlp-endpoint", &upstream.endpoint]);
    assert_eq!(dead(&["replay"]), "{\"replayed\":1}\n");
    assert_eq!(
        upstream.messages(3).await.last().map(String::as_str),
        Some("bad")
    );
    assert_eq!(dead(&["ls"]), "");
}

#[tokio::test]
async fn an_upstream_that_refuses_one_record_after_the_other_is_waited_for() {
    let upstream = Upstream::start([], Say::Status(400, None));
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &["--otlp-endpoint", &upstream.endpoint]);
    relay
        .accept(batch("q", (0..300).map(|n| (n, n.to_string()))))
        .await;
    while relay.metric("courier_export_alarm").await == 0.0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(relay.metric("courier_dead_letters").await, 128.0);
    assert_eq!(relay.metric("courier_spool_records").await, 172.0);
    assert!(relay.log().contains("takes none"), "{}", relay.log());
    upstream.now_says(Say::Ok);
    let expected: Vec<String> = (128..300).map(|n| n.to_string()).collect();
    assert_eq!(upstream.messages(172).await, expected);
}

#[tokio::test]
async fn a_page_is_no_verdict_on_a_record() {
    for status in [400, 404] {
        let upstream = Upstream::start([], Say::Page(status));
        let dir = tempfile::tempdir().expect("a directory");
        let relay = Relay::start(dir.path(), &["--otlp-endpoint", &upstream.endpoint]);
        relay
            .accept(batch("q", (0..3).map(|n| (n, n.to_string()))))
            .await;
        while relay.metric("courier_export_alarm").await == 0.0 {
            tokio::task::yield_now().await;
        }
        upstream.now_says(Say::Ok);
        assert_eq!(upstream.messages(3).await, ["0", "1", "2"], "{status}");
        assert_eq!(relay.metric("courier_dead_letters").await, 0.0);
    }
}

#[tokio::test]
async fn a_retry_after_of_nothing_is_no_reason_to_hurry() {
    let upstream = Upstream::start([], Say::Status(503, Some(0)));
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &["--otlp-endpoint", &upstream.endpoint]);
    relay.accept(one(1)).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let tries = upstream.seen().len();
    assert!((1..=4).contains(&tries), "{tries} tries in 3 s");
}

#[tokio::test]
async fn what_an_upstream_echoes_of_the_token_is_in_no_log_and_no_dead_letter() {
    let upstream = Upstream::start([Say::Echo(503), Say::Echo(400)], Say::Echo(401));
    let dir = tempfile::tempdir().expect("a directory");
    let token = dir.path().join("token");
    std::fs::write(&token, "pylf_v1_eu_0123456789abcdef").expect("it is written");
    let flags = ["--otlp-endpoint", &upstream.endpoint, "--otlp-token-file"];
    let relay = Relay::start(
        dir.path(),
        &[&flags[..], &[&token.to_string_lossy()]].concat(),
    );
    relay.accept(one(1)).await;
    while relay.metric("courier_dead_letters").await == 0.0 {
        tokio::task::yield_now().await;
    }
    relay.accept(one(2)).await;
    while relay.metric("courier_export_alarm").await == 0.0 {
        tokio::task::yield_now().await;
    }
    let listed = crate::relay::command()
        .args(["dead", "ls", "--data-dir"])
        .arg(dir.path())
        .output()
        .expect("it runs");
    let listed = String::from_utf8(listed.stdout).expect("text");
    assert!(
        listed.contains("no access with [REDACTED:token], sorry"),
        "{listed}"
    );
    let log = relay.log();
    assert!(log.matches("no access with").count() >= 3, "{log}");
    assert!(!log.contains("0123456789abcdef"), "{log}");
}
