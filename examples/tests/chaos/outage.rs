//! Relay or upstream are away for a while, or die, while the program logs.

use std::collections::HashSet;
use std::path::Path;

use tempfile::TempDir;

use crate::lossy::Lossy;
use crate::process::Process;
use crate::relay::Relay;
use crate::upstream::{Name, Upstream, by_run, doubled, numbered};
use crate::{program, size};

/// Records a second.
const RATE: u64 = 500;

#[test]
fn a_relay_that_is_away_for_a_while_costs_nothing_and_doubles_nothing() {
    let mut trial = Trial::start(1);
    let app = trial.program();
    trial.upstream.wait_for(1);
    trial.relay.terminate();
    wait_through_an_outage(&app);
    trial.relay.restart();
    program::assert_delivered(&app.wait());
    let names = trial.arrived();
    assert_eq!(doubled(&names), []);
    trial.assert_complete(&names);
}

#[test]
fn a_relay_that_was_never_there_gets_everything_when_it_comes() {
    let mut trial = Trial::start(1);
    trial.relay.terminate();
    let app = trial.program();
    wait_through_an_outage(&app);
    assert_eq!(trial.upstream.numbered(), []);
    trial.relay.restart();
    program::assert_delivered(&app.wait());
    let names = trial.arrived();
    assert_eq!(doubled(&names), []);
    trial.assert_complete(&names);
}

#[test]
fn an_upstream_that_answers_503_for_a_while_costs_nothing_and_gets_nothing_twice() {
    let mut trial = Trial::start(1);
    let app = trial.program();
    trial.upstream.wait_for(1);
    trial.upstream.receiver().go_away();
    let before = trial.upstream.numbered().len();
    wait_through_an_outage(&app);
    assert!(trial.upstream.receiver().refused() > 0);
    assert_eq!(trial.upstream.numbered().len(), before);
    trial.upstream.receiver().come_back();
    program::assert_delivered(&app.wait());
    let names = trial.arrived();
    assert_eq!(doubled(&names), []);
    trial.assert_complete(&names);
}

#[test]
fn a_relay_killed_while_its_upstream_is_away_keeps_what_it_accepted() {
    let mut trial = Trial::start(3);
    let app = trial.program();
    trial.upstream.wait_for(1);
    trial.upstream.receiver().go_away();
    for _ in 0..3 {
        wait_through_an_outage(&app);
        trial.relay.kill();
        trial.relay.restart();
    }
    trial.upstream.receiver().come_back();
    program::assert_delivered(&app.wait());
    let names = trial.arrived();
    assert_eq!(doubled(&names), [], "nothing was under way when it died");
    trial.assert_complete(&names);
}

#[test]
fn a_relay_killed_while_records_flow_sends_again_at_most_the_request_that_was_under_way() {
    let mut trial = Trial::start(3);
    let app = trial.program();
    let mut arrived_before_kill = Vec::new();
    for _ in 0..=size::outage().as_secs() {
        let arrived = trial.upstream.numbered().len();
        trial.upstream.wait_for(arrived + 1);
        trial.relay.kill();
        arrived_before_kill.push(trial.upstream.receiver().requests().len());
        trial.relay.restart();
    }
    program::assert_delivered(&app.wait());
    let names = trial.arrived();
    let doubled: HashSet<Name> = doubled(&names).into_iter().collect();
    println!(
        "{} kills: {} of {} records twice",
        arrived_before_kill.len(),
        doubled.len(),
        trial.records
    );
    // The last request before a kill, or one that the receiver had read but not counted yet.
    let requests = trial.upstream.receiver().requests();
    let under_way: HashSet<Name> = arrived_before_kill
        .into_iter()
        .flat_map(|count| requests[count - 1..].iter().take(2))
        .flat_map(numbered)
        .collect();
    assert!(doubled.is_subset(&under_way), "{doubled:?}");
    let mut seen = HashSet::new();
    let once: Vec<Name> = names
        .into_iter()
        .filter(|name| seen.insert(name.clone()))
        .collect();
    trial.assert_complete(&once);
}

#[test]
fn answers_that_get_lost_on_their_way_double_nothing() {
    let mut trial = Trial::start(1);
    let network = Lossy::start(trial.relay.addr(), 2);
    let app = trial.program_by(&network.url());
    program::assert_delivered(&app.wait());
    assert_eq!(network.lost(), 2, "the relay got two batches twice");
    let names = trial.arrived();
    assert_eq!(doubled(&names), []);
    trial.assert_complete(&names);
}

/// A relay between a program and an upstream.
struct Trial {
    upstream: Upstream,
    relay: Relay,
    token: String,
    records: u64,
    dir: TempDir,
}

impl Trial {
    /// A relay that runs, and a program that will log on for longer than so many outages take.
    fn start(outages: u64) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let upstream = Upstream::start();
        let relay = Relay::start(&dir.path().join("relay"), &upstream.receiver().url());
        Self {
            token: relay.token("user-abc"),
            upstream,
            relay,
            records: RATE * (size::outage().as_secs() * outages + 2),
            dir,
        }
    }

    fn program(&self) -> Process {
        self.program_by(&self.relay.url())
    }

    fn program_by(&self, url: &str) -> Process {
        let root: &Path = &self.dir.path().join("program");
        let (records, rate) = (self.records.to_string(), RATE.to_string());
        program::start(
            root,
            &[
                &["--print-acked", "--records", &records, "--rate", &rate][..],
                &["--flush-every", "100ms", "--flush-deadline", "100s"],
                &["--relay", url, "--token", &self.token],
            ]
            .concat(),
        )
    }

    /// What has arrived in the end, after the relay has sent what it has.
    fn arrived(&mut self) -> Vec<Name> {
        self.upstream.wait_for(self.records as usize);
        self.relay.terminate();
        self.upstream.numbered()
    }

    /// One run, each of its numbers, in order.
    fn assert_complete(&self, names: &[Name]) {
        let runs = by_run(names);
        assert_eq!(runs.len(), 1);
        for (session, numbers) in runs {
            assert!(
                numbers.into_iter().eq(0..self.records),
                "{session}: all, in order"
            );
        }
    }
}

/// The program logs on for as long as an outage takes.
fn wait_through_an_outage(app: &Process) {
    app.wait_for_more_lines((RATE * size::outage().as_secs()) as usize);
}
