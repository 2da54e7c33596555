//! There is too little room: the oldest goes, and every number that was printed is accounted for.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::process::{Ended, Process};
use crate::stored::{self, Stored};
use crate::{built, program};

const RECORDS: u64 = 5_000;

#[test]
fn a_small_cap_costs_the_oldest_and_the_queue_says_which() {
    let dir = tempfile::tempdir().expect("a directory");
    let root = dir.path().join("program");
    let records = RECORDS.to_string();
    let args = [
        "--print-acked",
        "--records",
        &records,
        "--max-bytes",
        "256KiB",
    ];
    let ended = program::start(&root, &args).wait();
    assert_accounted_for(&ended, &stored::cat(&root));
}

/// In a mount namespace of its own, where the system lets anybody have one; elsewhere it is skipped, and says so.
#[test]
fn a_full_disk_costs_the_oldest_and_the_queue_says_which() {
    let dir = tempfile::tempdir().expect("a directory");
    let script = r#"
        mount -t tmpfs -o size=256k cramped "$3" 2>/dev/null || exit 77
        "$1" --dir "$3/program" --print-acked --records "$4" || exit
        echo --
        "$2" queue cat "$3/program""#;
    let sandbox = ["--mount", "--map-root-user", "sh", "-c", script, "sh"];
    if !Command::new("unshare")
        .args(&sandbox[..2])
        .arg("true")
        .status()
        .is_ok_and(|it| it.success())
    {
        println!("skipped: no mount namespace to be had here");
        return;
    }
    let mut ended = Process::start(
        Command::new("unshare")
            .args(sandbox)
            .args([
                built::field_app(),
                built::courier_relay(),
                dir.path().to_owned(),
            ])
            .arg(RECORDS.to_string()),
    )
    .wait();
    if ended.code == Some(77) {
        println!("skipped: no tmpfs to be had here");
        return;
    }
    let end = ended
        .stdout
        .iter()
        .position(|line| line == "--")
        .unwrap_or_else(|| panic!("{ended:#?}"));
    let on_disk = stored::parse(&ended.stdout.split_off(end)[1..]);
    assert_accounted_for(&ended, &on_disk);
}

fn assert_accounted_for(ended: &Ended, on_disk: &[Stored]) {
    let report = program::report(ended);
    assert!(program::acked(ended).into_iter().eq(0..RECORDS));
    let numbers: Vec<u64> = on_disk.iter().filter_map(Stored::n).collect();
    let oldest = numbers.first().copied().unwrap_or(RECORDS);
    assert!(
        (1..RECORDS).contains(&oldest),
        "there was too little room: {oldest}"
    );
    assert!(
        numbers.into_iter().eq(oldest..RECORDS),
        "the newest are there"
    );

    let seqs: BTreeSet<u64> = on_disk.iter().map(Stored::seq).collect();
    assert_eq!(seqs.len(), on_disk.len(), "each once");
    let end = seqs.last().map_or(0, |last| last + 1);
    let missing: Vec<u64> = (0..end).filter(|seq| !seqs.contains(seq)).collect();
    let losses: Vec<Loss> = on_disk.iter().filter_map(Loss::of).collect();
    for seq in &missing {
        assert!(
            losses
                .iter()
                .any(|loss| (loss.first..=loss.last).contains(seq)),
            "{seq}"
        );
    }
    let counted: u64 = losses.iter().map(|loss| loss.count).sum();
    assert_eq!(counted, missing.len() as u64);

    let reported: u64 = report["lost_by_reason"]
        .as_object()
        .expect("counts")
        .values()
        .filter_map(Value::as_u64)
        .sum();
    // After the report comes the end of the session, and with it what waited in memory takes the room of the oldest.
    assert!(reported <= counted, "{report}");
    let pending = report["pending"].as_u64().expect("a count");
    let at_the_end = (counted + on_disk.len() as u64).checked_sub(reported + pending);
    // The end itself, and what is said of those losses.
    assert!(
        at_the_end.is_some_and(|records| (1..64).contains(&records)),
        "{report}"
    );
}

/// What a loss record says.
struct Loss {
    first: u64,
    last: u64,
    count: u64,
}

impl Loss {
    fn of(record: &Stored) -> Option<Self> {
        let number = |name: &str| record.attributes.get(name)?.as_u64();
        (record.message == "records lost").then_some(Self {
            first: number("loss.first_seq")?,
            last: number("loss.last_seq")?,
            count: number("loss.count")?,
        })
    }
}
