//! Starting and stopping, as an operator sees it.

use crate::relay::{Relay, command};
use crate::upstream::{Say, Upstream};
use crate::{batch, record};

fn fails(args: &[&str]) -> String {
    let output = command().args(args).output().expect("it runs");
    assert!(!output.status.success(), "{args:?}");
    assert!(output.stdout.is_empty(), "nothing listens");
    String::from_utf8(output.stderr).expect("text")
}

#[tokio::test]
async fn sigterm_drains_and_exits_0_and_what_is_left_is_there_next_time() {
    let upstream = Upstream::start([], Say::Status(503, None));
    let dir = tempfile::tempdir().expect("a directory");
    let mut relay = Relay::start(dir.path(), &["--otlp-endpoint", &upstream.endpoint]);
    relay.accept(record("left")).await;
    assert_eq!(relay.terminate().code(), Some(0));

    upstream.now_says(Say::Ok);
    let mut relay = Relay::start(dir.path(), &["--otlp-endpoint", &upstream.endpoint]);
    assert_eq!(upstream.messages(1).await, ["left"]);
    relay.accept(batch("q", [(1, "last".to_owned())])).await;
    assert_eq!(relay.terminate().code(), Some(0));
    assert_eq!(
        upstream.messages(2).await,
        ["left", "last"],
        "what the upstream takes at once is sent before the end"
    );
}

#[test]
fn settings_come_from_flag_environment_and_file_in_this_order() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("relay.toml");
    std::fs::write(&file, "spool = \"from-file\"\nmax_records = 10\n").expect("it is written");
    let file = file.to_str().expect("text");
    let says = |environment: Option<&str>, flag: Option<&str>| {
        let mut command = command();
        command
            .args(["--config", file])
            .args(flag.map(|flag| ["--spool", flag]).into_iter().flatten());
        if let Some(value) = environment {
            command.env("COURIER_SPOOL", value);
        }
        let output = command.output().expect("it runs");
        assert!(!output.status.success());
        String::from_utf8(output.stderr).expect("text")
    };
    assert!(says(None, None).contains("`from-file`"));
    assert!(says(Some("from-env"), None).contains("`from-env`"));
    assert!(says(Some("from-env"), Some("from-flag")).contains("`from-flag`"));
}

#[test]
fn what_is_wrong_is_named_before_anything_starts() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("data");
    let data_dir = data.to_str().expect("text");
    let unknown = dir.path().join("relay.toml");
    std::fs::write(&unknown, "lisen = \"127.0.0.1:0\"").expect("it is written");
    let missing = dir.path().join("missing");
    let (unknown, missing) = (
        unknown.to_str().expect("text"),
        missing.to_str().expect("text"),
    );
    for (args, words) in [
        (&["--config", unknown][..], &["lisen", "relay.toml"][..]),
        (&["--config", missing], &["--config", "missing"]),
        (
            &["--listen", "0.0.0.0:0"],
            &["--listen", "0.0.0.0:0", "loopback"],
        ),
        (
            &["--admin-listen", "[::]:0"],
            &["--admin-listen", "loopback"],
        ),
        (
            &["--jwt-secret-file", missing],
            &["--jwt-secret-file", "missing"],
        ),
        (&["--otlp-endpoint", "not a url"], &["--otlp-endpoint"]),
        (&["--spool", "nats://localhost"], &["--spool", "NATS"]),
        (
            &["--database-url", "postgres://localhost"],
            &["--database-url", "PostgreSQL"],
        ),
    ] {
        let mut all = vec!["serve", "--data-dir", data_dir];
        all.extend(args);
        let error = fails(&all);
        assert!(
            words.iter().all(|word| error.contains(word)),
            "{args:?}: {error}"
        );
        assert!(!data.exists(), "{args:?} left something behind");
    }
}

#[test]
fn a_second_relay_on_the_same_directory_says_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let _relay = Relay::start(dir.path(), &[]);
    let data_dir = dir.path().to_str().expect("text");
    let error = fails(&[
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
        "--data-dir",
        data_dir,
    ]);
    assert!(error.contains("in use by another relay"), "{error}");
}

#[cfg(unix)]
#[test]
fn the_token_command_makes_a_secret_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("data");
    crate::relay::token(&data, "u");
    let files: Vec<_> = std::fs::read_dir(&data)
        .expect("it is made")
        .map(|file| file.expect("a file"))
        .collect();
    assert_eq!(files.len(), 1);
    assert_eq!(
        files[0]
            .metadata()
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
}

#[tokio::test]
async fn check_says_what_it_found_and_whether_a_relay_can_run() {
    let upstream = Upstream::start([], Say::Ok);
    let dir = tempfile::tempdir().expect("a directory");
    let check = |endpoint: &str| {
        let output = command()
            .args(["check", "--otlp-endpoint", endpoint, "--data-dir"])
            .arg(dir.path())
            .output();
        let output = output.expect("it runs");
        (
            output.status.code(),
            String::from_utf8(output.stdout).expect("text"),
        )
    };
    let (code, text) = check(&upstream.endpoint);
    assert!(
        code == Some(0) && text.contains("answers 200") && text.contains("0 records"),
        "{text}"
    );
    upstream.now_says(Say::Status(401, None));
    let (code, text) = check(&upstream.endpoint);
    assert!(
        code == Some(1) && text.contains("WRONG  upstream") && text.contains("--otlp-token-file"),
        "{text}"
    );
    let (code, text) = check("http://127.0.0.1:1");
    assert!(
        code == Some(1) && text.contains("does not answer"),
        "{text}"
    );

    let _relay = Relay::start(dir.path(), &[]);
    upstream.now_says(Say::Ok);
    let (code, text) = check(&upstream.endpoint);
    assert!(
        code == Some(0) && text.contains("in use by a running relay"),
        "{text}"
    );
}

#[test]
fn a_connection_that_says_nothing_does_not_hold_up_the_end() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut relay = Relay::start(dir.path(), &[]);
    let silent: Vec<std::net::TcpStream> = (0..3)
        .map(|_| std::net::TcpStream::connect(&relay.addr).expect("it connects"))
        .collect();
    let started = std::time::Instant::now();
    assert_eq!(relay.terminate().code(), Some(0));
    assert!(
        started.elapsed() < std::time::Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    drop(silent);
}
