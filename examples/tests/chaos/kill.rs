//! The program is killed while it logs.

use std::path::Path;

use crate::relay::Relay;
use crate::upstream::{Upstream, by_run, doubled};
use crate::{chance, program, size, stored};

const KILLS: u32 = 10;

#[test]
fn what_was_acknowledged_is_on_disk_whenever_the_program_is_killed() {
    for _ in 0..KILLS {
        let dir = tempfile::tempdir().expect("a directory");
        let at = chance::within(1..size::killed_before());
        let app = program::start(dir.path(), &["--print-acked", "--records", "100000"]);
        app.wait_for_lines(at as usize);
        let ended = app.kill();
        assert_eq!(ended.signal, Some(9), "it still ran");

        let acked = program::acked(&ended);
        assert!(acked.len() as u64 >= at, "{} of {at}", acked.len());
        let on_disk: Vec<u64> = stored::cat(dir.path())
            .iter()
            .filter_map(stored::Stored::n)
            .collect();
        println!(
            "killed at {at}: {} acknowledged, {} on disk",
            acked.len(),
            on_disk.len()
        );
        let last = on_disk.last().copied().unwrap_or_default();
        assert!(on_disk.iter().copied().eq(0..=last), "each once, in order");
        assert!(acked.last() <= Some(&last), "{:?} but {last}", acked.last());
    }
}

#[test]
fn what_was_acknowledged_is_on_disk_or_with_the_relay_and_the_next_start_brings_the_rest_home() {
    let dir = tempfile::tempdir().expect("a directory");
    let upstream = Upstream::start();
    let mut relay = Relay::start(&dir.path().join("relay"), &upstream.receiver().url());
    let (url, token) = (relay.url(), relay.token("user-abc"));
    let start = |root: &Path, more: &[&str]| {
        let to_relay = [
            "--relay",
            &url,
            "--token",
            &token,
            "--flush-deadline",
            "60s",
        ];
        program::start(root, &[more, &to_relay].concat())
    };

    let mut last_numbers = Vec::new();
    for round in 0..KILLS {
        let root = dir.path().join(format!("program-{round}"));
        let at = chance::within(1..size::killed_before());
        let chatty = ["--print-acked", "--flush-every", "20ms"];
        let app = start(&root, &[&chatty[..], &["--records", "100000"]].concat());
        app.wait_for_lines(at as usize);
        let ended = app.kill();
        assert_eq!(ended.signal, Some(9), "it still ran");
        let acked = program::acked(&ended);
        let on_disk = stored::cat(&root);
        println!(
            "killed at {at}: {} acknowledged, of which {} still on disk",
            acked.len(),
            on_disk
                .iter()
                .filter_map(stored::Stored::n)
                .filter(|n| *n < acked.len() as u64)
                .count()
        );
        last_numbers.push(acked.last().copied().expect("one at least"));

        program::assert_delivered(&start(&root, &["--records", "0"]).wait());
        assert!(stored::cat(&root).is_empty());
    }
    // It sends what it has before it ends.
    relay.terminate();

    let names = upstream.numbered();
    assert_eq!(doubled(&names), []);
    let runs = by_run(&names);
    assert_eq!(runs.len(), last_numbers.len());
    for ((session, numbers), last) in runs.into_iter().zip(last_numbers) {
        let end = numbers.len() as u64;
        assert!(numbers.into_iter().eq(0..end), "{session}: all, in order");
        assert!(last < end, "{session}: {last} was acknowledged");
    }
}

#[test]
fn a_program_killed_again_and_again_in_one_place_brings_everything_home_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let root = dir.path().join("program");
    let upstream = Upstream::start();
    let mut relay = Relay::start(&dir.path().join("relay"), &upstream.receiver().url());
    let (url, token) = (relay.url(), relay.token("user-abc"));
    let to_relay = [
        "--relay",
        &url,
        "--token",
        &token,
        "--flush-deadline",
        "60s",
    ];

    let mut last_numbers = Vec::new();
    for _ in 0..KILLS {
        let at = chance::within(1..size::killed_before() / 4);
        let chatty = [
            "--print-acked",
            "--records",
            "100000",
            "--flush-every",
            "10ms",
        ];
        let app = program::start(&root, &[&chatty[..], &to_relay].concat());
        app.wait_for_lines(at as usize);
        last_numbers.extend(program::acked(&app.kill()).last().copied());
    }
    let left = stored::queue("ls", &root).stdout;
    println!("{} kills left {} queues behind", KILLS, left.len());
    let last = program::start(&root, &[&["--records", "0"][..], &to_relay].concat());
    program::assert_delivered(&last.wait());
    let list = stored::queue("ls", &root).stdout;
    assert_eq!(list.len(), 1, "only its own: {list:#?}");
    assert!(list[0].contains(" 0 undelivered"), "{list:#?}");
    relay.terminate();

    let names = upstream.numbered();
    assert_eq!(doubled(&names), []);
    let runs = by_run(&names);
    assert_eq!(runs.len(), last_numbers.len());
    for ((session, numbers), last) in runs.into_iter().zip(last_numbers) {
        let end = numbers.len() as u64;
        assert!(numbers.into_iter().eq(0..end), "{session}: all, in order");
        assert!(last < end, "{session}: {last} was acknowledged");
    }
}
