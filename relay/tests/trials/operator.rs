//! What an operator sees when a data directory or an endpoint is not what it should be.

use std::process::Command;

use crate::flapping::Flapping;
use crate::relay::{Relay, command};

/// Starts a relay that has to refuse; what it says.
fn refused(data: &std::path::Path, more: &[&str]) -> String {
    let output = command()
        .args([
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
            "--data-dir",
        ])
        .arg(data)
        .args(more)
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn a_data_directory_that_is_not_ours_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("relay.db");
    for foreign in [
        &b"some notes\n"[..],
        &[7; 16_384],
        b"SQLite format 3\0 and then nothing of the kind",
    ] {
        std::fs::write(&file, foreign).expect("it is written");
        let said = refused(dir.path(), &[]);
        assert!(
            said.contains("relay.db") && said.contains("move it away"),
            "{said}"
        );
        assert_eq!(std::fs::read(&file).expect("it is there"), foreign);
    }
    let said = refused(&file, &[]);
    assert!(said.contains("relay.db"), "a file is no directory: {said}");
}

/// Only root can become somebody else.
#[test]
fn a_data_directory_of_somebody_else_is_refused_with_its_name() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("data");
    std::fs::create_dir(&data).expect("it is made");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for (path, mode) in [(dir.path(), 0o755), (data.as_path(), 0o700)] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
                .expect("it is ours");
        }
    }
    let output = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(command().get_program())
        .args([
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
            "--data-dir",
        ])
        .arg(&data)
        .output();
    let said = match output {
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(_) => String::new(),
    };
    if said.is_empty() || said.starts_with("setpriv") {
        println!("skipped: nobody else to be");
        return;
    }
    assert!(
        said.contains("/data") && said.contains("Permission denied"),
        "{said}"
    );
}

#[tokio::test]
async fn an_endpoint_may_have_a_path_and_credentials_in_it_are_refused_and_not_repeated() {
    let upstream = Flapping::start(1);
    upstream.calm();
    let dir = tempfile::tempdir().expect("a directory");
    let said = refused(
        dir.path(),
        &["--otlp-endpoint", "https://me:hunter2@otlp.example"],
    );
    assert!(
        said.contains("--otlp-endpoint") && !said.contains("hunter2"),
        "{said}"
    );
    let relay = Relay::start(
        dir.path(),
        &[
            "--otlp-endpoint",
            &format!("{}/behind/a/path/", upstream.endpoint),
        ],
    );
    relay
        .accept(r#"[{"timestamp":"2026-02-06T12:00:00Z","level":"info","message":"there"}]"#)
        .await;
    while upstream.taken().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(upstream.taken(), [["there"]]);
}

#[tokio::test]
async fn a_backup_of_a_running_relay_is_a_data_directory() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(&dir.path().join("data"), &[]);
    for n in 0..3 {
        relay
            .accept(format!(
                r#"[{{"timestamp":"2026-02-06T12:00:0{n}Z","level":"info","message":"{n}"}}]"#
            ))
            .await;
    }
    let other = dir.path().join("other");
    std::fs::create_dir(&other).expect("it is made");
    let backup = || {
        let mut backup = command();
        backup
            .args(["backup", "--data-dir"])
            .arg(dir.path().join("data"))
            .arg(other.join("relay.db"));
        backup.output().expect("it runs")
    };
    let output = backup();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let output = backup();
    assert!(
        !output.status.success() && String::from_utf8_lossy(&output.stderr).contains("File exists")
    );
    let missing = command()
        .args(["backup", "--data-dir"])
        .arg(dir.path().join("missing"))
        .arg(dir.path().join("copy"))
        .output();
    assert!(!missing.expect("it runs").status.success());
    drop(relay);
    let restored = Relay::start(&other, &[]);
    assert_eq!(restored.metric("courier_spool_records").await, 3.0);
}

#[test]
fn completions_are_there_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = command()
            .args(["completions", shell])
            .output()
            .expect("it runs");
        let text = String::from_utf8(output.stdout).expect("text");
        assert!(
            output.status.success() && text.contains("otlp-endpoint"),
            "{shell}"
        );
    }
}

/// Where there is a systemd.
#[test]
fn the_unit_is_clean() {
    let dir = tempfile::tempdir().expect("a directory");
    let unit = include_str!("../../dist/courier-relay.service");
    let program = command().get_program().to_owned();
    // It is to be installed there; the check wants to see it.
    let unit = unit.replace(
        "/usr/local/bin/courier-relay",
        program.to_str().expect("text"),
    );
    let file = dir.path().join("courier-relay.service");
    std::fs::write(&file, unit).expect("it is written");
    let Ok(output) = Command::new("systemd-analyze")
        .arg("verify")
        .arg(&file)
        .output()
    else {
        println!("skipped: no systemd to be had here");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // What other units of this machine have to say is not ours.
    let ours: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("courier-relay"))
        .collect();
    assert!(ours.is_empty(), "{ours:?}");
}
