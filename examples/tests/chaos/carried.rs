//! A queue directory is carried to the relay by hand: whole, a second time, and damaged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::{built, program};

const RECORDS: u64 = 2_000;

#[test]
fn carried_by_hand_twice_is_once_and_damage_costs_what_is_damaged() {
    let dir = tempfile::tempdir().expect("a directory");
    let root = dir.path().join("program");
    let ended = program::start(&root, &["--records", &RECORDS.to_string()]).wait();
    assert_eq!(ended.code, Some(0));
    let copy = dir.path().join("copy");
    copied(&root, &copy);

    let data = dir.path().join("relay");
    let first = import(&data, &root);
    // The records, and how the session began and ended.
    let all = RECORDS + 2;
    assert_eq!(first["accepted"], all, "{first}");
    let counts = ["duplicates", "rejected", "missing", "damaged_bytes"];
    assert!(counts.iter().all(|count| first[count] == 0), "{first}");
    let second = import(&data, &root);
    assert_eq!(
        (&second["accepted"], &second["duplicates"]),
        (&Value::from(0), &Value::from(all)),
        "{second}"
    );

    // A few bytes here and there, never at a line's end.
    for segment in segments(&copy) {
        let mut bytes = fs::read(&segment).expect("a segment");
        for at in (5_000..bytes.len()).step_by(50_000) {
            for byte in &mut bytes[at..at + 3] {
                *byte = if *byte == b'\n' { *byte } else { b'#' };
            }
        }
        fs::write(&segment, bytes).expect("it is garbled");
    }
    let other = dir.path().join("other");
    let garbled = import(&other, &copy);
    let count = |name: &str| garbled[name].as_u64().expect("a count");
    assert!(
        count("missing") > 0 && count("damaged_bytes") > 0,
        "{garbled}"
    );
    assert_eq!(
        count("accepted") + count("missing"),
        all,
        "what is whole is taken, the rest is counted: {garbled}"
    );
    // The whole one brings what was missing.
    let healed = import(&other, &root);
    assert_eq!(
        (&healed["accepted"], &healed["duplicates"]),
        (&garbled["missing"], &garbled["accepted"]),
        "{healed}"
    );
    println!("whole: {first}\ntwice: {second}\ngarbled: {garbled}\nthen whole: {healed}");
}

fn import(data: &Path, root: &Path) -> Value {
    let output = Command::new(built::courier_relay())
        .args(["import", "--data-dir"])
        .arg(data)
        .arg(root)
        .output()
        .expect("it runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("counts")
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir(to).expect("it is made");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let there = to.join(entry.file_name());
        if entry.path().is_dir() {
            copied(&entry.path(), &there);
        } else {
            fs::copy(entry.path(), there).expect("it is copied");
        }
    }
}

fn segments(root: &Path) -> Vec<PathBuf> {
    let entries = |dir: &Path| -> Vec<PathBuf> {
        fs::read_dir(dir)
            .expect("a directory")
            .map(|entry| entry.expect("an entry").path())
            .collect()
    };
    let queues = entries(root).into_iter().filter(|path| path.is_dir());
    let files = queues.flat_map(|queue| entries(&queue));
    files
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "jsonl")
        })
        .collect()
}
