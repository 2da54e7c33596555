//! A disk that fills: seen before it is full, said with what to do, and over by itself.

use std::path::Path;
use std::process::{Command, Output};

use crate::relay::command;

/// Runs a shell script with a disk of 16 MiB mounted at `$2`, the relay at `$1`.
fn on_a_small_disk(dir: &Path, script: &str) -> Option<Output> {
    let script =
        format!("mount -t tmpfs -o size=16m small \"$2\" 2>/dev/null || exit 77\n{script}");
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
fn a_disk_that_is_nearly_full_is_said_everywhere_and_over_once_there_is_room() {
    let dir = tempfile::tempdir().expect("a directory");
    let script = r#"
        "$1" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --data-dir "$2/data" --keep-free 2MiB >"$2/out" 2>"$2/log" &
        relay=$!
        until grep -q listening "$2/out"; do sleep 0.05; done
        to="http://$(cut -d' ' -f3 "$2/out")/api/v1/logs"
        admin="http://$(cut -d' ' -f5 "$2/out")"
        token=$("$1" token --user u --data-dir "$2/data")
        post() {
            printf '[{"timestamp":"2026-02-06T12:00:00Z","level":"info","message":"m"}]' |
            curl -s -m 20 -D - -o "$2/said" -w '%{http_code}\n' -H "authorization: Bearer $token" -H 'content-type: application/json' --data-binary @- "$to" | tr -d '\r' | grep -iE '^(retry-after|[0-9]{3}$)' | tr '\n' ' '
        }
        look() {
            echo "$1 post: $(post "$@")"
            echo "$1 readyz: $(curl -s -w ' %{http_code}' "$admin/readyz" | tr '\n' ' ')"
            curl -s "$admin/metrics" | grep -E '^courier_(spool_nearly_full|disk_free_bytes|ready) ' | sed "s/^/$1 /"
        }
        look empty "$2"
        head -c 11000000 /dev/zero >"$2/nearly"; sleep 1.2
        look nearly "$2"
        head -c 3800000 /dev/zero >"$2/filler"; sleep 1.2
        look full "$2"
        "$1" status --data-dir "$2/data" | sed 's/^/full status: /'
        rm "$2/filler"; sleep 1.2
        look freed "$2"
        kill $relay; wait $relay
        sed 's/^/log: /' "$2/log"
    "#;
    let Some(output) = on_a_small_disk(dir.path(), script) else {
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let says = |line: &str| assert!(text.contains(line), "{line} in\n{text}");
    says("empty post: 200");
    says("empty readyz: ready  200");
    says("empty courier_spool_nearly_full 0");
    says("nearly post: 200");
    says("nearly readyz: ready  200");
    says("nearly courier_spool_nearly_full 1");
    let full = text.lines().find(|line| line.starts_with("full post"));
    let full = full.expect("it was asked").to_lowercase();
    assert!(
        full.contains("503") && full.contains("retry-after: "),
        "{full}"
    );
    says("full readyz: not ready: the disk of the data directory is nearly full  503");
    says("full courier_ready 0");
    says("full courier_spool_nearly_full 1");
    says("full status: ");
    says("freed post: 200");
    says("freed readyz: ready  200");
    says("freed courier_ready 1");
    let log: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("log: "))
        .collect();
    let of = |words: &str| log.iter().filter(|line| line.contains(words)).count();
    assert_eq!(of("free space on it, or --keep-free"), 1, "once: {log:#?}");
    assert_eq!(of("there is room again"), 1, "once: {log:#?}");
}
