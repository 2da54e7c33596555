//! Two programs share one queue root, and one of them dies.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::process::Process;
use crate::relay::Relay;
use crate::upstream::{Upstream, by_run, doubled};
use crate::{program, stored};

#[test]
fn what_a_killed_neighbour_left_comes_home_with_the_next_start_each_once_and_in_order() {
    let mut trial = Trial::start();
    let (survivor, acked) = trial.kill_one_of_two();
    program::assert_delivered(&survivor.wait());
    program::assert_delivered(&trial.program("0").wait());
    trial.assert_home(acked);
}

#[test]
fn what_a_killed_neighbour_left_comes_home_with_the_survivor_each_once_and_in_order() {
    let mut trial = Trial::start();
    let (survivor, acked) = trial.kill_one_of_two();
    program::assert_delivered(&survivor.wait());
    trial.assert_home(acked);
}

/// Numbers of the one that survives.
const SURVIVOR: u64 = 3_000;

/// Two programs, one root.
struct Trial {
    upstream: Upstream,
    relay: Relay,
    token: String,
    root: PathBuf,
    _dir: TempDir,
}

impl Trial {
    fn start() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let upstream = Upstream::start();
        let relay = Relay::start(&dir.path().join("relay"), &upstream.receiver().url());
        Self {
            token: relay.token("user-abc"),
            upstream,
            relay,
            root: dir.path().join("programs"),
            _dir: dir,
        }
    }

    fn program(&self, records: &str) -> Process {
        let (url, token) = (self.relay.url(), &self.token);
        program::start(
            &self.root,
            &[
                &["--print-acked", "--rate", "1000", "--records", records][..],
                &["--relay", &url, "--token", token],
                &["--flush-every", "200ms", "--flush-deadline", "60s"],
            ]
            .concat(),
        )
    }

    /// The one that lives, and how many numbers the other one had acknowledged.
    fn kill_one_of_two(&mut self) -> (Process, usize) {
        // Away, so that both have something pending when one dies.
        self.relay.terminate();
        let survivor = self.program(&SURVIVOR.to_string());
        let killed = self.program("100000");
        survivor.wait_for_lines(500);
        killed.wait_for_lines(1_000);
        let killed = killed.kill();
        assert_eq!(killed.signal, Some(9));
        self.relay.restart();
        (survivor, program::acked(&killed).len())
    }

    fn assert_home(&mut self, acked: usize) {
        let numbered = |record: &stored::Stored| record.n().is_some();
        assert!(!stored::cat(&self.root).iter().any(numbered));
        self.relay.terminate();
        let names = self.upstream.numbered();
        assert_eq!(doubled(&names), []);
        let mut runs = by_run(&names);
        runs.sort_by_key(|(_, numbers)| numbers.len());
        let [(_, dead), (_, alive)] = &runs[..] else {
            panic!("{} runs", runs.len());
        };
        assert!(alive.iter().copied().eq(0..SURVIVOR));
        assert!(dead.iter().copied().eq(0..dead.len() as u64));
        assert!(dead.len() >= acked, "{} of {acked}", dead.len());
    }
}
