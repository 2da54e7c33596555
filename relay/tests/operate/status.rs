//! `status`: one screen that says how it is and what to do.

use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::relay::{Relay, command};

fn status(args: &[&str]) -> Output {
    command()
        .arg("status")
        .args(args)
        .output()
        .expect("it runs")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn a_running_relay_says_how_it_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    let batch = r#"[{"timestamp":"2026-02-06T12:00:00Z","level":"info","message":"m"}]"#;
    relay.accept(batch).await;
    let named = r#"{"context":{"queue":"9f86d081884c7d65"},"logs":[{"q":"0000000000000001-000001f3-9c0d11e2",
        "timestamp":"2026-02-06T12:00:00Z","level":"info","message":"m"}]}"#;
    relay.accept(named).await;
    let data = dir.path().to_str().expect("text");
    let output = status(&["--data-dir", data]);
    let screen = out(&output);
    assert_eq!(output.status.code(), Some(0), "{screen} {output:?}");
    assert!(screen.lines().count() <= 24, "one screen: {screen}");
    assert!(!screen.contains('\u{1b}'), "no colours without a terminal");
    for words in [
        relay.addr.as_str(),
        relay.admin.as_str(),
        "2 records",
        "dead letters",
        "free",
        "development",
        "1 range of accepted seqs of 1 queue",
        "levels",
        "no upstream",
    ] {
        assert!(screen.contains(words), "{words} in\n{screen}");
    }
    let output = status(&["--data-dir", data, "--format", "json"]);
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(json["listening"]["ingest"], relay.addr.as_str());
    assert_eq!(json["spool"]["records"], 2);
    assert_eq!(json["ledger"]["queues"], 1);
    assert_eq!(json["ledger"]["ranges"], 1);
    assert_eq!(json["ready"], true);
    assert!(
        json["disk"]["free_bytes"]
            .as_u64()
            .is_some_and(|free| free > 0),
        "{json}"
    );
    assert_eq!(json["keys"]["mode"], "development");
    assert_eq!(json["levels"], 0);

    let token = dir.path().join("admin-token");
    let url = format!("http://{}", relay.admin);
    let token = token.to_str().expect("text");
    let output = status(&["--admin-url", &url, "--admin-token-file", token]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[tokio::test]
async fn keys_that_can_t_be_fetched_are_an_alarm() {
    let dir = tempfile::tempdir().expect("a directory");
    let _relay = Relay::start(dir.path(), &["--jwks-url", "http://127.0.0.1:9/keys"]);
    let data = dir.path().to_str().expect("text");
    let until = Instant::now() + Duration::from_secs(20);
    let screen = loop {
        let screen = out(&status(&["--data-dir", data]));
        if screen.contains("ALARM") || Instant::now() > until {
            break screen;
        }
    };
    let expected = "no published key is known, so that no token can be checked; check --jwks-url";
    assert!(screen.contains(expected), "{screen}");
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_an_alarm_and_wrong() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).expect("a name");
    params.not_after = rcgen::date_time_ymd(2026, 2, 6);
    let key = rcgen::KeyPair::generate().expect("a key");
    let made = params.self_signed(&key).expect("it is made");
    let files = ["cert.pem", "key.pem"].map(|name| dir.path().join(name));
    std::fs::write(&files[0], made.pem()).expect("it is written");
    std::fs::write(&files[1], key.serialize_pem()).expect("it is written");
    let [certificate, key] = files.map(|file| file.to_str().expect("text").to_owned());
    let flags = ["--tls-cert-file", &certificate, "--tls-key-file", &key];
    let relay = Relay::start(dir.path(), &flags);
    let data = dir.path().to_str().expect("text");
    let screen = out(&status(&["--data-dir", data]));
    let expected = "the certificate has expired: clients that check it don't connect; renew";
    assert!(screen.contains(expected), "{screen}");
    assert!(relay.metric("courier_certificate_left_seconds").await < 0.0);
    assert!(relay.log().contains("the certificate has expired"));
    let output = command()
        .args(["check", "--data-dir", data])
        .args(flags)
        .output()
        .expect("it runs");
    let said = out(&output);
    assert!(
        said.contains("WRONG") && said.contains("has expired"),
        "{said}"
    );
}

#[test]
fn without_a_relay_it_says_so_and_is_2() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("data");
    let output = status(&["--data-dir", data.to_str().expect("text")]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("no relay runs on")
            && said.contains("/data")
            && said.contains("its log says why"),
        "{said}"
    );
    assert!(!data.exists(), "it makes nothing");
    let token = dir.path().join("token");
    std::fs::write(&token, "t").expect("it is written");
    let token = token.to_str().expect("text");
    let output = status(&[
        "--admin-url",
        "http://127.0.0.1:9",
        "--admin-token-file",
        token,
    ]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("http://127.0.0.1:9"), "{said}");
}

#[tokio::test]
async fn a_command_that_finds_no_token_says_which_file_it_looked_for() {
    let dir = tempfile::tempdir().expect("a directory");
    let _relay = Relay::start(dir.path(), &[]);
    let token = dir.path().join("admin-token");
    std::fs::remove_file(&token).expect("it was there");
    let data = dir.path().to_str().expect("text");
    for args in [
        &["level", "ls", "--data-dir", data][..],
        &["status", "--data-dir", data],
    ] {
        let output = command().args(args).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{args:?}");
        assert!(
            said.contains("admin-token") && said.contains("--admin-token-file"),
            "{args:?}: {said}"
        );
    }
    assert!(
        !token.exists(),
        "another token than the relay's would not do"
    );
}

#[tokio::test]
async fn the_audit_names_the_token_and_takes_the_callers_word_as_a_note() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    let data = dir.path().to_str().expect("text");
    let set = [
        "level",
        "set",
        "--data-dir",
        data,
        "--everyone",
        "--author",
        "the boss",
        "debug",
    ];
    let output = command()
        .args(set)
        .env("USER", "mallory")
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{output:?}");
    let token = std::fs::read_to_string(dir.path().join("admin-token")).expect("a token");
    let audit = relay
        .client
        .get(format!("http://{}/admin/v1/levels/audit", relay.admin))
        .bearer_auth(token.trim())
        .send()
        .await
        .expect("an answer");
    let audit: Value = serde_json::from_str(&audit.text().await.expect("text")).expect("JSON");
    assert_eq!(audit[0]["author"], "admin (says: the boss)", "{audit}");
}
