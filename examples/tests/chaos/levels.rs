//! The level of one user's program is raised from afar: at once, for nobody else, and for no longer than was said.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use tempfile::TempDir;

use crate::process::{Process, poll};
use crate::relay::Relay;
use crate::upstream::{Upstream, attribute, records, text};
use crate::{program, stored};

#[test]
fn one_users_traces_arrive_within_one_flush_of_the_news_and_the_others_never() {
    let trial = Trial::start(&[]);
    let (a, b) = (trial.program("user-a"), trial.program("user-b"));
    trial.wait_for_numbers("user-a", 10);
    trial.wait_for_numbers("user-b", 10);
    assert!(trial.traces("user-a").is_empty());

    let set = Instant::now();
    trial.set(&["--user", "user-a", "trace", "--for", "10m"]);
    trial.wait_for_traces("user-a");
    let took = set.elapsed();
    println!(
        "{took:?} from `level set` to the first TRACE record upstream, flushing every {FLUSH:?}"
    );
    // One flush brings the news, the next one the first records; the rest is starting a command, and a busy machine.
    assert!(took < FLUSH * 2 + SLACK, "{took:?}");

    let changes = trial.changes("user-a");
    let [change] = &changes[..] else {
        panic!("{changes:?}");
    };
    assert_eq!(
        (text(change, "from"), text(change, "to")),
        (Some("info"), Some("trace"))
    );
    assert_eq!(text(change, "rule"), Some("user 1"));
    assert!(text(change, "until").is_some());

    // B goes on for three times as long, with the same answers to its batches as before.
    let more = trial.numbers("user-b") + 3 * RATE as usize;
    trial.wait_for_numbers("user-b", more);
    assert!(trial.traces("user-b").is_empty());
    assert_eq!(trial.changes("user-b").len(), 0);
    assert!(trial.traces("user-a").len() > RATE as usize);
    drop((a, b));
}

#[test]
fn what_is_for_five_seconds_is_quiet_after_them() {
    let trial = Trial::start(&[]);
    let a = trial.program("user-a");
    trial.wait_for_numbers("user-a", 5);
    trial.set(&["--user", "user-a", "trace", "--for", "5s"]);
    let set = now();
    trial.wait_for_traces("user-a");
    trial.wait_until_logged("user-a", set + 8.0);
    trial.assert_quiet_after("user-a", set + 5.0);
    assert_eq!(trial.changes("user-a").len(), 2, "up, and down again");
    drop(a);
}

#[test]
fn it_is_quiet_after_them_also_when_the_relay_was_killed_meanwhile() {
    let mut trial = Trial::start(&[]);
    let a = trial.program("user-a");
    trial.wait_for_numbers("user-a", 5);
    trial.set(&["--user", "user-a", "trace", "--for", "5s"]);
    let set = now();
    trial.wait_for_traces("user-a");
    trial.relay.kill();
    poll("the five seconds to be over", || {
        (now() > set + 7.0).then_some(())
    });
    trial.relay.restart();
    trial.wait_until_logged("user-a", set + 7.0);
    trial.assert_quiet_after("user-a", set + 5.0);
    drop(a);
}

#[test]
fn a_restart_of_the_program_goes_on_with_it_without_a_relay_and_ends_it_in_time() {
    let mut trial = Trial::start(&[]);
    let a = trial.program("user-a");
    trial.wait_for_numbers("user-a", 5);
    trial.set(&["--user", "user-a", "trace", "--for", "30s"]);
    let set = now();
    trial.wait_for_traces("user-a");
    trial.relay.kill();
    assert_eq!(a.kill().signal, Some(9));

    let again = trial.program("user-a");
    again.wait_for_lines(5);
    let on_disk = stored::cat(&trial.root("user-a"));
    let newest = on_disk.last().expect("records").queue.clone();
    let mut of_run = on_disk.iter().filter(|record| record.queue == newest);
    let first = of_run
        .position(|record| record.n() == Some(0))
        .expect("number 0");
    let next = on_disk
        .iter()
        .filter(|record| record.queue == newest)
        .nth(first + 1);
    assert_eq!(
        next.map(|record| record.level.as_str()),
        Some("trace"),
        "from the first record on"
    );
    assert!(now() < set + 30.0, "the machine is too slow for this trial");

    poll("the thirty seconds to be over", || {
        (now() > set + 32.0).then_some(())
    });
    trial.relay.restart();
    trial.wait_until_logged("user-a", set + 32.0);
    trial.assert_quiet_after("user-a", set + 30.0);
    drop(again);
}

#[test]
fn a_silent_program_hears_of_it_within_its_refresh_time() {
    const REFRESH: Duration = Duration::from_secs(3);
    let trial = Trial::start(&["--level-refresh", "3s"]);
    // The second record would come after a minute and a half.
    let a = trial.program_at("user-a", "0.01");
    trial.wait_for_numbers("user-a", 1);
    let set = Instant::now();
    trial.set(&["--user", "user-a", "trace", "--for", "10m"]);
    poll("the change to be heard of", || {
        (!trial.changes("user-a").is_empty()).then_some(())
    });
    let took = set.elapsed();
    println!(
        "{took:?} from `level set` to the record of the change upstream, asking every {REFRESH:?}"
    );
    assert!(took < REFRESH + FLUSH + SLACK, "{took:?}");
    drop(a);
}

/// How often the programs flush.
const FLUSH: Duration = Duration::from_millis(500);
/// Records a second.
const RATE: u32 = 20;
/// What starting a command, two hops and a busy machine may take.
const SLACK: Duration = Duration::from_secs(5);

/// A relay and its upstream, and a directory for the programs.
struct Trial {
    upstream: Upstream,
    relay: Relay,
    dir: TempDir,
}

impl Trial {
    fn start(more: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let upstream = Upstream::start();
        let url = upstream.receiver().url();
        Self {
            relay: Relay::start_with(&dir.path().join("relay"), &url, more),
            upstream,
            dir,
        }
    }

    fn root(&self, user: &str) -> PathBuf {
        self.dir.path().join(user)
    }

    fn program(&self, user: &str) -> Process {
        self.program_at(user, &RATE.to_string())
    }

    fn program_at(&self, user: &str, rate: &str) -> Process {
        let (url, token) = (self.relay.url(), self.relay.token(user));
        program::start(
            &self.root(user),
            &[
                &[
                    "--trace",
                    "--print-acked",
                    "--user",
                    user,
                    "--records",
                    "100000",
                ][..],
                &["--rate", rate, "--relay", &url, "--token", &token],
                &["--flush-every", "500ms"],
            ]
            .concat(),
        )
    }

    fn set(&self, args: &[&str]) {
        let set = self.relay.level(&[&["set"], args].concat());
        assert_eq!(set.code, Some(0), "{:#?}", set.stderr);
        assert_eq!(set.stderr, [""; 0], "it finds somebody");
    }

    /// The records that came under this user's token.
    fn of<T>(&self, user: &str, pick: impl Fn(&LogRecord) -> Option<T>) -> Vec<T> {
        self.upstream
            .receiver()
            .requests()
            .iter()
            .flat_map(records)
            .filter(|record| text(record, "courier.sender") == Some(user))
            .filter_map(pick)
            .collect()
    }

    fn numbers(&self, user: &str) -> usize {
        self.of(user, |record| attribute(record, "n").map(|_| ()))
            .len()
    }

    /// When the user's TRACE records were logged.
    fn traces(&self, user: &str) -> Vec<f64> {
        self.of(user, |record| {
            (record.severity_number == 1).then_some(seconds(record))
        })
    }

    fn changes(&self, user: &str) -> Vec<LogRecord> {
        self.of(user, |record| {
            let body = record.body.as_ref()?.value.as_ref()?;
            let is_change = *body == Value::StringValue("log_level_changed".to_owned());
            is_change.then(|| record.clone())
        })
    }

    fn wait_for_numbers(&self, user: &str, count: usize) {
        poll(&format!("{count} numbers of {user}"), || {
            (self.numbers(user) >= count).then_some(())
        });
    }

    fn wait_for_traces(&self, user: &str) {
        poll(&format!("a TRACE record of {user}"), || {
            (!self.traces(user).is_empty()).then_some(())
        });
    }

    /// Waits for a number of this user's that was logged after that.
    fn wait_until_logged(&self, user: &str, after: f64) {
        poll(&format!("what {user} logs later"), || {
            let late = self.of(user, |record| {
                attribute(record, "n")
                    .filter(|_| seconds(record) > after)
                    .map(|_| ())
            });
            (!late.is_empty()).then_some(())
        });
    }

    fn assert_quiet_after(&self, user: &str, end: f64) {
        let traces = self.traces(user);
        let last = traces.iter().copied().fold(0.0, f64::max);
        println!(
            "the last of {} TRACE records came {:.3} s after the end",
            traces.len(),
            last - end
        );
        // The rule began while the command ran, and the program heard how much was left of it when it asked.
        assert!(last < end + 0.5, "{} s too late", last - end);
    }
}

fn now() -> f64 {
    Timestamp::now().as_millisecond() as f64 / 1000.0
}

fn seconds(record: &LogRecord) -> f64 {
    record.time_unix_nano as f64 / 1e9
}
