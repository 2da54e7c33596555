//! Disks that are full or read-only. In a mount namespace of its own, where the system lets anybody have one; elsewhere it
//! is skipped, and says so.

use std::path::Path;
use std::process::{Command, Output};

use crate::relay::command;

/// Runs a shell script with a small disk mounted at `$2`, the relay at `$1`.
fn on_a_small_disk(dir: &Path, script: &str) -> Option<Output> {
    let script = format!("mount -t tmpfs -o size=1m small \"$2\" 2>/dev/null || exit 77\n{script}");
    let output = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-c", &script, "sh"])
        .arg(command().get_program())
        .arg(dir)
        .output();
    match output {
        Ok(output)
            if output.status.code() != Some(77) && !output.stderr.starts_with(b"unshare") =>
        {
            Some(output)
        }
        _ => {
            println!("skipped: no mount namespace to be had here");
            None
        }
    }
}

#[test]
fn a_full_disk_is_503_and_costs_nothing_that_was_accepted() {
    let dir = tempfile::tempdir().expect("a directory");
    // Noise, so that a megabyte is full soon; then the disk is made larger, and it goes on.
    let script = r#"
        "$1" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --data-dir "$2/data" >"$2/out" 2>/dev/null &
        relay=$!
        until grep -q listening "$2/out"; do :; done
        to="http://$(cut -d' ' -f3 "$2/out")/api/v1/logs"
        metrics="http://$(cut -d' ' -f5 "$2/out")/metrics"
        token=$("$1" token --user u --data-dir "$2/data")
        post() {
            noise=$(head -c 24000 /dev/urandom | od -An -tx1 | tr -d ' \n')
            printf '[{"timestamp":"2026-02-06T12:00:00Z","level":"info","message":"%s"}]' "$noise" |
            curl -s -m 20 -o /dev/null -w '%{http_code}\n' -H "authorization: Bearer $token" -H 'content-type: application/json' --data-binary @- "$to"
        }
        for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do post; done
        mount -o remount,size=16m "$2"
        post; post
        curl -s "$metrics" | grep '^courier_spool_records '
        kill $relay; wait $relay
        "$1" check --data-dir "$2/data""#;
    let Some(output) = on_a_small_disk(dir.path(), script) else {
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let answers: Vec<&str> = text.lines().filter(|line| line.len() == 3).collect();
    let accepted = answers.iter().filter(|&&code| code == "200").count();
    let full = answers.iter().filter(|&&code| code == "503").count();
    assert_eq!(accepted + full, 32, "{text}");
    assert!(accepted >= 5 && full > 0, "{text}");
    assert_eq!(
        answers[30..],
        ["200", "200"],
        "with room again it goes on: {text}"
    );
    assert!(
        text.contains(&format!("courier_spool_records {accepted}\n")),
        "{accepted} accepted: {text}"
    );
    assert!(
        text.contains(&format!("{accepted} records in")),
        "the next one finds them: {text}"
    );
}

#[test]
fn a_read_only_data_directory_is_refused_with_its_name() {
    let dir = tempfile::tempdir().expect("a directory");
    let script = r#"
        mkdir "$2/data"
        mount -o remount,ro "$2"
        "$1" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --data-dir "$2/data""#;
    let Some(output) = on_a_small_disk(dir.path(), script) else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("/data") && said.contains("Read-only file system"),
        "{said}"
    );
}
