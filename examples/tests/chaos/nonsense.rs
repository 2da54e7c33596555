//! What makes no sense is refused by name, before anything is made.

use std::fs;

use crate::program;

#[test]
fn nonsense_is_refused_by_name_and_leaves_nothing_behind() {
    for (args, code, named) in [
        (&["--relay", "no url at all"][..], 1, "no url at all"),
        (&["--relay", "relay.example"], 1, "relay.example"),
        (
            &["--relay", "ftp://relay.example"],
            1,
            "ftp://relay.example",
        ),
        (&["--relay", "http://"], 1, "http://"),
        (
            &["--relay", "http://bob:hunter2@relay.example"],
            1,
            "credentials",
        ),
        (
            &["--relay", "http://127.0.0.1:1", "--token", "two\nlines"],
            1,
            "token",
        ),
        (
            &["--relay", "http://127.0.0.1:1", "--token", ""],
            1,
            "token",
        ),
        (
            &["--relay", "http://127.0.0.1:1", "--flush-every", "0s"],
            1,
            "flush_every",
        ),
        (&["--max-bytes", "much"], 2, "--max-bytes"),
        (&["--flush-every", "soon"], 2, "--flush-every"),
        (&["--flush-deadline", "12"], 2, "--flush-deadline"),
        (&["--records", "-1"], 2, "-1"),
        (&["--fsync", "sometimes"], 2, "--fsync"),
        (&["--attr", "nothing"], 2, "--attr"),
        (&["--no-such-flag"], 2, "--no-such-flag"),
    ] {
        assert_refused(args, code, named);
    }
}

#[test]
fn a_cap_below_the_least_is_refused_by_name_and_leaves_nothing_behind() {
    assert_refused(&["--max-bytes", "1"], 1, "max_bytes");
}

fn assert_refused(args: &[&str], code: i32, named: &str) {
    let dir = tempfile::tempdir().expect("a directory");
    let root = dir.path().join("program");
    let ended = program::start(&root, args).wait();
    let said = ended.stderr.join("\n");
    assert_eq!(ended.code, Some(code), "{args:?}: {said}");
    assert!(said.contains(named), "{args:?}: {said}");
    assert!(!said.contains("hunter2"), "{args:?}: {said}");
    assert!(ended.stdout.is_empty(), "{args:?}: {:?}", ended.stdout);
    assert!(!root.exists(), "{args:?} left something behind");
}

#[test]
fn a_file_where_the_directory_should_be_is_named_and_kept() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("in-the-way");
    fs::write(&file, "mine").expect("it is written");
    for root in [file.clone(), file.join("below")] {
        // Without it, or told to be strict: the program runs on in memory, or does not start.
        for (args, code) in [
            (&["--records", "1"][..], 0),
            (&["--records", "1", "--strict"], 1),
        ] {
            let ended = program::start(&root, args).wait();
            let said = ended.stderr.join("\n");
            assert_eq!(ended.code, Some(code), "{args:?}: {said}");
            assert!(
                said.contains(root.to_str().expect("text")),
                "{args:?}: {said}"
            );
            assert_eq!(fs::read(&file).expect("it is there"), b"mine");
        }
    }
}
