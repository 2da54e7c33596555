//! `status`: one screen that says how it is and what to do.

use std::process::Output;

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

#[test]
fn without_a_relay_it_says_so_and_is_2() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("data");
    let output = status(&["--data-dir", data.to_str().expect("text")]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("no relay runs on") && said.contains("/data"),
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
