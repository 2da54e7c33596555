//! The sanitizer, on what clients send and on the command line.

use std::io::Write;
use std::process::{Output, Stdio};

use crate::relay::{Relay, command};
use crate::upstream::{Say, Upstream};

fn sanitize(args: &[&str], input: &[u8]) -> Output {
    let mut child = command()
        .arg("sanitize")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    child
        .stdin
        .take()
        .expect("it is piped")
        .write_all(input)
        .expect("it reads");
    child.wait_with_output().expect("it ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[test]
fn one_line_out_per_line_in_and_the_counts_last() {
    let input = b"{\"message\":\"clean\",  \"n\":1.50}\n{\"message\":\"mail ann@example.com\",\"attributes\":{\"password\":\"x9!kd\"}}\n";
    let output = sanitize(&[], input);
    assert!(output.status.success());
    assert_eq!(
        text(&output.stdout),
        "{\"message\":\"clean\",  \"n\":1.50}\n{\"message\":\"mail [REDACTED:email]\",\"attributes\":{\"password\":\"[REDACTED]\"}}\n"
    );
    assert_eq!(
        text(&output.stderr).lines().last(),
        Some(r#"{"email":1,"key":1}"#)
    );
}

#[test]
fn a_line_that_is_no_record_is_named_by_its_number_and_the_rest_goes_on() {
    let output = sanitize(
        &[],
        b"{\"message\":\"a\"}\nnot JSON\n[1]\n{\"message\":\"b\xff\"}",
    );
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stdout),
        "{\"message\":\"a\"}\n{\"message\":\"b\u{fffd}\"}"
    );
    let said = text(&output.stderr);
    assert!(
        said.contains("line 2:")
            && said.contains("line 3:")
            && said.contains("1 lines were not UTF-8"),
        "{said}"
    );
    assert_eq!(said.lines().last(), Some("{}"));
}

#[test]
fn reports_plain_text_and_explanations() {
    let output = sanitize(&["--report"], b"{\"message\":\"mail ann@example.com\"}\n");
    assert!(
        text(&output.stdout).contains("\"rule\":\"email\"")
            && !text(&output.stdout).contains("ann@")
    );
    let output = sanitize(&["--text"], b"mail ann@example.com\nclean\n");
    assert_eq!(text(&output.stdout), "mail [REDACTED:email]\nclean\n");
    let output = sanitize(&["--explain", "apiKey"], b"");
    assert!(
        text(&output.stdout).starts_with("`apiKey` is secret"),
        "{}",
        text(&output.stdout)
    );

    let dir = tempfile::tempdir().expect("a directory");
    let policy = dir.path().join("policy.toml");
    std::fs::write(&policy, "[sanitize]\nprofil = \"strict\"").expect("it is written");
    let output = sanitize(&["--policy", policy.to_str().expect("text")], b"");
    assert!(
        output.status.code() == Some(1) && text(&output.stderr).contains("profil"),
        "{}",
        text(&output.stderr)
    );
}

#[tokio::test]
async fn what_a_client_did_not_redact_the_relay_does_unless_told_not_to() {
    let body = r#"[{"timestamp":"2026-02-06T12:00:00Z","level":"info","message":"mail ann@example.com","password":"x9!kd"}]"#;
    for (flags, expected) in [
        (&[][..], "mail [REDACTED:email]"),
        (&["--sanitize", "off"], "mail ann@example.com"),
    ] {
        let upstream = Upstream::start([], Say::Ok);
        let dir = tempfile::tempdir().expect("a directory");
        let mut all = vec!["--otlp-endpoint", &upstream.endpoint];
        all.extend(flags);
        let relay = Relay::start(dir.path(), &all);
        relay.accept(body).await;
        assert_eq!(upstream.messages(1).await, [expected]);
        let is_there = upstream.seen()[0]
            .raw
            .windows(5)
            .any(|bytes| bytes == b"x9!kd");
        assert_eq!(is_there, !flags.is_empty());
    }
}
