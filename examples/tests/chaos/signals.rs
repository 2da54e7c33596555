//! A program that is asked to end by a signal sends what it has, and then ends by that signal.

use std::collections::HashSet;

use crate::wire_server::{Seen, Server};
use crate::{program, stored};

#[test]
fn a_terminated_program_sends_what_it_has_and_its_end() {
    let server = Server::start(vec![]);
    let dir = tempfile::tempdir().expect("a directory");
    let url = server.url();
    let app = program::start(
        dir.path(),
        &[
            &["--records", "1000000", "--rate", "500", "--print-acked"][..],
            &[
                "--flush-every",
                "1h",
                "--relay",
                &url,
                "--finish-on-signals",
            ],
        ]
        .concat(),
    );
    app.wait_for_lines(300);
    let ended = app.terminate();
    assert_eq!(ended.signal, Some(15), "{:#?}", ended.stderr);

    let seen = server.seen();
    let delivered: HashSet<u64> = seen.iter().flat_map(Seen::numbers).collect();
    let kept: HashSet<u64> = stored::cat(dir.path())
        .iter()
        .filter_map(stored::Stored::n)
        .collect();
    assert!(
        delivered.len() >= 300,
        "it had sent nothing before: {}",
        delivered.len()
    );
    assert!(delivered.is_disjoint(&kept));
    for n in program::acked(&ended) {
        assert!(delivered.contains(&n) || kept.contains(&n), "{n}");
    }
    let records: Vec<_> = seen.iter().flat_map(Seen::records).collect();
    let is_end = |record: &&serde_json::Value| record["message"] == "session_end";
    assert_eq!(records.iter().filter(is_end).count(), 1);
}

#[test]
fn without_a_relay_that_answers_it_ends_at_its_deadline_and_keeps_everything() {
    let dir = tempfile::tempdir().expect("a directory");
    // Nobody listens there.
    let args = ["--records", "1000000", "--rate", "500", "--print-acked"];
    let to_nobody = ["--relay", "http://127.0.0.1:9", "--finish-on-signals"];
    let app = program::start(dir.path(), &[&args[..], &to_nobody].concat());
    app.wait_for_lines(100);
    let ended = app.terminate();
    assert_eq!(ended.signal, Some(15), "{:#?}", ended.stderr);
    let kept: HashSet<u64> = stored::cat(dir.path())
        .iter()
        .filter_map(stored::Stored::n)
        .collect();
    assert!(program::acked(&ended).iter().all(|n| kept.contains(n)));
}
