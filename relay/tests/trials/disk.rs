//! Disks that are full or read-only. In a mount namespace of its own, where the system lets anybody have one; elsewhere it
//! is skipped, and says so.

use std::path::Path;
use std::process::{Command, Output};

use crate::relay::command;

/// Runs a shell script with a small disk mounted at `$2`, the relay at `$1`.
fn on_a_small_disk(dir: &Path, script: &str) -> Option<Output> {
    on_a_disk_beside(dir, dir, script)
}

/// The same, with a directory that is not on it at `$3`.
fn on_a_disk_beside(dir: &Path, beside: &Path, script: &str) -> Option<Output> {
    let script = format!("mount -t tmpfs -o size=1m small \"$2\" 2>/dev/null || exit 77\n{script}");
    let output = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-c", &script, "sh"])
        .arg(command().get_program())
        .args([dir, beside])
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

#[tokio::test]
async fn a_disk_that_fills_while_segments_are_written_and_sealed_costs_nothing_that_was_accepted() {
    let dir = tempfile::tempdir().expect("a directory");
    let beside = tempfile::tempdir().expect("a directory");
    // A segment is sealed after every third record, so that the disk fills now in a commit, now while one is sealed.
    let script = r#"
        mount -o remount,size=4m "$2"
        export TRIAL_SEGMENT_RECORDS=3
        "$1" --keep-free 0 --index on --otlp-endpoint none --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --data-dir "$2/data" >"$2/out" 2>"$3/log" &
        relay=$!
        until grep -q listening "$2/out"; do :; done
        to="http://$(cut -d' ' -f3 "$2/out")/api/v1/logs"
        metrics="http://$(cut -d' ' -f5 "$2/out")/metrics"
        token=$("$1" token --user u --data-dir "$2/data")
        post() {
            noise=$(head -c 8000 /dev/urandom | od -An -tx1 | tr -d ' \n')
            printf '[{"timestamp":"2026-02-06T12:00:00Z","level":"info","message":"%s"}]' "$noise" |
            curl -s -m 20 -o /dev/null -w '%{http_code}\n' -H "authorization: Bearer $token" -H 'content-type: application/json' --data-binary @- "$to"
        }
        n=0; while [ $n -lt 110 ]; do post; sleep 0.05; n=$((n+1)); done
        df "$2" | tail -1 >"$3/df"
        mount -o remount,size=64m "$2"
        post; post
        n=0; until curl -s "$metrics" | grep -q '^courier_spool_records 0$' || [ $n -gt 300 ]; do sleep 0.1; n=$((n+1)); done
        kill $relay; wait $relay
        cp -r "$2/data/index" "$3/index"
    "#;
    let Some(output) = on_a_disk_beside(dir.path(), beside.path(), script) else {
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let log = std::fs::read_to_string(beside.path().join("log")).unwrap_or_default();
    let answers: Vec<&str> = text.lines().filter(|line| line.len() == 3).collect();
    let accepted = answers.iter().filter(|&&code| code == "200").count();
    assert_eq!(answers.len(), 112, "{text}");
    assert!(
        (10..112).contains(&accepted),
        "it was full for a while: {text}"
    );
    assert_eq!(
        answers[110..],
        ["200", "200"],
        "with room again it goes on: {text}"
    );
    let held = crate::kill::count(beside.path()).await;
    assert_eq!(held, accepted, "each is in the index, once: {text}\n{log}");
    println!(
        "{accepted} of 112 accepted; the index {}",
        if log.contains("index can't be written") {
            "could not be written for a while"
        } else {
            "was not held up"
        }
    );
}
