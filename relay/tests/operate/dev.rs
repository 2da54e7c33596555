//! `courier-relay dev`: one command, and a developer sees what a program sends.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::relay::{command, no_tls};

/// Killed when dropped.
struct Dev {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Dev {
    fn start(dir: &Path) -> Self {
        let mut child = dev(dir)
            .args(["--user", "ada"])
            .stdout(Stdio::piped())
            .stderr(Stdio::from(
                std::fs::File::create(dir.join("log")).expect("a file"),
            ))
            .spawn()
            .expect("it starts");
        let stdout = child.stdout.take().expect("it is piped");
        let lines = BufReader::new(stdout).lines();
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("a line").expect("text")
    }

    /// The value of the line that begins with this word.
    fn value(&mut self, name: &str) -> String {
        let line = self.line();
        let value = line.strip_prefix(name);
        value
            .unwrap_or_else(|| panic!("`{name}`: {line}"))
            .trim_start()
            .to_owned()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The command in `dir`, on free ports, with its data where it is by default.
fn dev(dir: &Path) -> Command {
    let mut command = command();
    command.current_dir(dir).args([
        "dev",
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
    ]);
    command
}

#[tokio::test]
async fn dev_says_where_it_is_gives_a_token_and_shows_what_arrives() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut dev = Dev::start(dir.path());
    let first = dev.line();
    assert!(first.contains("not for production"), "{first}");
    let address = dev.value("address");
    let token = dev.value("token");
    let records = dev.value("records");
    assert!(Path::new(&records).is_absolute(), "{records}");
    assert!(Path::new(&records).starts_with(dir.path().canonicalize().expect("it is there")));

    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(no_tls())
        .no_proxy()
        .build()
        .expect("a client");
    let refused = client
        .post(format!("{address}/api/v1/logs"))
        .bearer_auth("of.another.relay")
        .body("{}")
        .send()
        .await
        .expect("an answer");
    assert_eq!(refused.status(), 401);
    let log = std::fs::read_to_string(dir.path().join("log")).expect("the log");
    assert!(log.contains("a token was refused"), "{log}");

    let batch = serde_json::json!({"logs": [{
        "timestamp": "2026-12-01T04:58:17Z",
        "level": "warning",
        "message": "no answer\u{1b}[2J from ada@example.org",
        "attributes": {"attempt": 3, "password": "hunter2"},
    }]});
    let answer = client
        .post(format!("{address}/api/v1/logs"))
        .bearer_auth(token)
        .header("content-type", "application/json")
        .body(batch.to_string())
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);

    let shown = dev.line();
    assert!(shown.starts_with("04:58:17 WARN "), "{shown}");
    assert!(shown.contains("from [REDACTED:email]"), "{shown}");
    assert!(shown.contains("attempt=3"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "a record steers no terminal");
    let file = std::fs::read_to_string(&records).expect("the records");
    assert!(file.contains("[REDACTED:email]"), "{file}");
    assert!(!file.contains("hunter2"), "{file}");
}

#[test]
fn dev_is_for_this_machine_only() {
    let dir = tempfile::tempdir().expect("a directory");
    let tries = [
        ("--listen 0.0.0.0:0 --allow-plain-http", "127.0.0.1"),
        (
            "--jwks-url https://login.example/jwks.json",
            "use `courier-relay serve`",
        ),
    ];
    for (more, advice) in tries {
        let more: Vec<&str> = more.split(' ').collect();
        let mut command = command();
        let output = command
            .arg("dev")
            .args(&more)
            .current_dir(dir.path())
            .output()
            .expect("it runs");
        assert!(!output.status.success(), "{more:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(more[0]), "{said}");
        assert!(said.contains(advice), "{said}");
        assert!(
            !dir.path().join("courier-data").exists(),
            "nothing is left behind"
        );
    }
}
