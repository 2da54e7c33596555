//! `check` finds what `serve` would refuse, and leaves nothing behind.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Output;

use crate::relay::{Relay, command};

fn check(data: &Path, more: &[&str]) -> Output {
    let mut command = command();
    command.args(["check", "--data-dir"]).arg(data).args(more);
    if !more.contains(&"--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    command
        .args(["--admin-listen", "127.0.0.1:0"])
        .output()
        .expect("it runs")
}

fn wrong(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let lines = said.lines().filter(|line| line.starts_with("WRONG"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_serve_would_refuse_is_found() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("data");
    let file = dir.path().join("file");
    fs::write(&file, "no certificate").expect("it is written");
    let file = file.to_str().expect("text");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = listener.local_addr().expect("an address").to_string();
    let cases: [(&[&str], &str); 5] = [
        (
            &["--tls-cert-file", file, "--tls-key-file", file],
            "--tls-cert-file: no certificate in PEM",
        ),
        (
            &["--otlp-file-dir", file],
            "--otlp-file-dir: cannot write in",
        ),
        (&["--jwks-url", "http://127.0.0.1:9/keys"], "--jwks-url"),
        (&["--spool-max-bytes", "1000"], "--spool-max-bytes"),
        (&["--max-body-bytes", "1GiB"], "--max-body-bytes"),
    ];
    for (more, expected) in cases {
        let output = check(&data, more);
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(output.status.code(), Some(1), "{more:?}: {said}");
        assert!(said.contains(expected), "{more:?}: {said}");
    }
    let said = wrong(&check(&data, &["--listen", &taken]));
    assert!(said.contains("--listen: cannot listen on"), "{said}");
    drop(listener);
    assert!(!data.exists(), "nothing is left behind");
}

#[test]
fn nothing_is_left_behind_and_nothing_is_made() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("a/b/data");
    let files = dir.path().join("c/files");
    let output = check(&data, &["--otlp-file-dir", files.to_str().expect("text")]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let left: Vec<_> = fs::read_dir(dir.path()).expect("it is there").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_ports_of_the_relay_that_runs_are_fine() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    let output = check(dir.path(), &["--listen", &relay.addr]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains(&relay.addr), "{said}");
}
