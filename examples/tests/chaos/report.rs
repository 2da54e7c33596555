//! The last line that the program prints says how it stands, and it is true.

use std::path::Path;

use serde_json::json;

use crate::process::Ended;
use crate::relay::Relay;
use crate::upstream::{Upstream, by_run, doubled};
use crate::{program, stored};

#[test]
fn without_a_relay_everything_is_pending() {
    let dir = tempfile::tempdir().expect("a directory");
    let ended = program::start(dir.path(), &["--records", "10"]).wait();
    assert_all_pending(&ended, dir.path(), "no_relay");
}

#[test]
fn a_relay_that_does_not_answer_costs_the_deadline_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a directory");
    let root = dir.path().join("program");
    let (mut relay, upstream) = relay(dir.path());
    let (url, token) = (relay.url(), relay.token("user-abc"));
    relay.terminate();
    let to_relay = ["--relay", &url, "--token", &token];
    let args = ["--records", "10", "--flush-deadline", "300ms"];
    let ended = program::start(&root, &[args, to_relay].concat()).wait();
    assert_all_pending(&ended, &root, "deadline");

    relay.restart();
    assert_brought_home(&root, &to_relay, relay, &upstream);
}

#[test]
fn a_refused_token_ends_the_flush_at_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let root = dir.path().join("program");
    let (relay, upstream) = relay(dir.path());
    let (url, token) = (relay.url(), relay.token("user-abc"));
    // Longer than this test's patience: it has to be back early.
    let args = ["--records", "10", "--flush-deadline", "1h", "--relay", &url];
    let ended = program::start(&root, &[&args[..], &["--token", "nonsense"]].concat()).wait();
    assert_all_pending(&ended, &root, "paused_for_token");

    assert_brought_home(
        &root,
        &["--relay", &url, "--token", &token],
        relay,
        &upstream,
    );
}

#[test]
fn a_place_that_is_no_relay_takes_nothing_and_refuses_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let root = dir.path().join("program");
    let (relay, upstream) = relay(dir.path());
    let (url, token) = (relay.url(), relay.token("user-abc"));
    // The backend itself: it knows no such path.
    let elsewhere = upstream.receiver().url();
    let args = [
        "--records",
        "10",
        "--flush-deadline",
        "2s",
        "--relay",
        &elsewhere,
    ];
    let ended = program::start(&root, &args).wait();
    assert_all_pending(&ended, &root, "deadline");

    assert_brought_home(
        &root,
        &["--relay", &url, "--token", &token],
        relay,
        &upstream,
    );
}

fn relay(dir: &Path) -> (Relay, Upstream) {
    let upstream = Upstream::start();
    let relay = Relay::start(&dir.join("relay"), &upstream.receiver().url());
    (relay, upstream)
}

fn assert_all_pending(ended: &Ended, root: &Path, why: &str) {
    let report = program::report(ended);
    // The start of the session and ten numbers; its end comes after the report.
    let expected = json!({
        "delivered": 0, "pending": 11, "rejected": 0, "lost_by_reason": {}, "why_stopped": why,
    });
    assert_eq!(report, expected);
    let messages: Vec<String> = stored::cat(root)
        .into_iter()
        .map(|record| record.message)
        .collect();
    let numbered = vec!["record".to_owned(); 10];
    assert_eq!(
        messages,
        [
            &["session_start".to_owned()][..],
            &numbered,
            &["session_end".to_owned()]
        ]
        .concat()
    );
}

fn assert_brought_home(root: &Path, to_relay: &[&str], mut relay: Relay, upstream: &Upstream) {
    let ended = program::start(root, &[&["--records", "0"], to_relay].concat()).wait();
    program::assert_delivered(&ended);
    relay.terminate();
    let names = upstream.numbered();
    assert_eq!(doubled(&names), []);
    let runs = by_run(&names);
    assert_eq!(runs.len(), 1);
    assert!(runs[0].1.iter().copied().eq(0..10));
}
