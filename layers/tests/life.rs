//! The life of a program, as the next start finds it. Whoever dies here is a process of its own.

mod child;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Child;

use child::{all_records, kill, records};
use serde_json::{Value, json};
use tracing_courier::prelude::*;
use tracing_courier::{Clock, Guard};
use tracing_subscriber::prelude::*;

const TEST: &str = "a_program_of_the_other_tests";

fn start(dir: &Path) -> Guard<Courier> {
    Courier::builder("life", "1.2.3")
        .dir(dir)
        .without_panic_hook()
        .start()
        .unwrap()
}

/// What the other tests start: not a test of its own.
#[test]
fn a_program_of_the_other_tests() {
    let Some((case, dir)) = child::case() else {
        return;
    };
    let courier = Courier::builder("life", "1.2.3").dir(dir).start().unwrap();
    tracing_subscriber::registry()
        .with(courier.layer())
        .sanitized(courier.sanitizer())
        .init();
    tracing::info!("at work");
    println!("\nsession {}", courier.session().session_id);
    match case.as_str() {
        "waits" => {
            let _ = std::io::stdin().lines().next();
        }
        "panics" => panic!("enough"),
        "panics and goes on to be killed" => {
            let _ = std::thread::spawn(|| panic!("enough")).join();
            println!("panicked");
            let _ = std::io::stdin().lines().next();
        }
        "exits" => std::process::exit(0),
        "ends" => {}
        _ => unreachable!("{case}"),
    }
}

/// A program that runs, and its session's id.
fn running(case: &str, dir: &Path) -> (Child, String) {
    let mut child = child::command(TEST, case, dir).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let session = lines
        .find_map(|line| line.unwrap().strip_prefix("session ").map(str::to_owned))
        .unwrap();
    if case == "panics and goes on to be killed" {
        assert!(lines.any(|line| line.unwrap() == "panicked"));
    }
    // Somebody has to read on, or the child would die of its own words.
    std::thread::spawn(move || lines.for_each(drop));
    (child, session)
}

fn reported(root: &Path) -> Vec<Value> {
    attributes(records(root, "session_unclean_exit"))
}

fn attributes(records: Vec<Value>) -> Vec<Value> {
    let attributes = |record: Value| record["attributes"].clone();
    records.into_iter().map(attributes).collect()
}

#[test]
fn a_program_that_was_killed_is_reported_once_by_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let (child, session) = running("waits", dir.path());
    let pid = child.id();
    kill(child);
    let last = records(dir.path(), "at work")[0]["timestamp"].clone();

    let next = start(dir.path());
    let [report] = &reported(dir.path())[..] else {
        panic!("{:#?}", all_records(dir.path()));
    };
    assert_eq!(report["previous.session_id"], session);
    assert_eq!(report["previous.panicked"], false);
    assert_eq!(report["previous.last_record_at"], last);
    assert_eq!(report["previous.pid"], pid);
    assert_eq!(report["previous.service_version"], "1.2.3");
    assert!(report["previous.uptime_ms"].is_u64(), "{report}");
    let record = &records(dir.path(), "session_unclean_exit")[0];
    assert_eq!(record["level"], "warning");
    assert_eq!(
        record["context"]["sessionId"],
        next.session().session_id.to_string(),
        "it is seen by the next session, and said in it"
    );
    drop(next);
    drop(start(dir.path()));
    assert_eq!(reported(dir.path()).len(), 1);
}

#[test]
fn a_program_that_ended_is_not_reported() {
    let dir = tempfile::tempdir().unwrap();
    let (mut child, session) = running("ends", dir.path());
    assert!(child.wait().unwrap().success());
    let _next = start(dir.path());
    assert_eq!(reported(dir.path()), [] as [Value; 0]);
    let end = &records(dir.path(), "session_end")[0];
    assert_eq!(end["context"]["sessionId"], session);
    assert!(end["attributes"]["uptime_ms"].is_u64());
}

#[test]
fn process_exit_with_something_left_is_no_clean_end() {
    let dir = tempfile::tempdir().unwrap();
    let (mut child, session) = running("exits", dir.path());
    assert!(child.wait().unwrap().success());
    let _next = start(dir.path());
    assert_eq!(reported(dir.path())[0]["previous.session_id"], session);
}

#[test]
fn a_report_says_whether_a_panic_was_recorded() {
    for (case, message, is_killed) in [
        ("panics", "app.crash", false),
        (
            "panics and goes on to be killed",
            "session_unclean_exit",
            true,
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (mut child, session) = running(case, dir.path());
        if is_killed {
            kill(child);
        } else {
            assert!(!child.wait().unwrap().success());
        }
        let _next = start(dir.path());
        let [report] = &attributes(records(dir.path(), message))[..] else {
            panic!("{case}: {:#?}", all_records(dir.path()));
        };
        assert_eq!(report["previous.session_id"], session, "{case}");
        assert_eq!(report["previous.panicked"], true, "{case}");
        assert!(records(dir.path(), "session_end").is_empty(), "{case}");
    }
}

#[test]
fn of_many_that_share_a_directory_only_the_dead_are_reported_oldest_first() {
    let dir = tempfile::tempdir().unwrap();
    let (living, _) = running("waits", dir.path());
    let dead: Vec<(Child, String)> = (0..3).map(|_| running("waits", dir.path())).collect();
    let mut sessions = Vec::new();
    for (child, session) in dead {
        kill(child);
        sessions.push(Value::from(session));
    }
    let _next = start(dir.path());
    let reports: Vec<Value> = reported(dir.path())
        .iter()
        .map(|report| report["previous.session_id"].clone())
        .collect();
    assert_eq!(reports, sessions);
    kill(living);
}

#[test]
fn a_death_is_reported_also_when_another_program_has_brought_its_records_home() {
    let dir = tempfile::tempdir().unwrap();
    let neighbour = start(dir.path());
    let (child, session) = running("waits", dir.path());
    kill(child);
    neighbour.queue().adopt();
    while let Some(batch) = neighbour.queue().drain(100, 900_000) {
        neighbour.queue().confirm(batch.token());
    }
    let _next = start(dir.path());
    let report = &reported(dir.path())[0];
    assert_eq!(report["previous.session_id"], session);
    assert!(report["previous.started_at"].is_string());
    assert_eq!(
        report.get("previous.last_record_at"),
        None,
        "it left with the records"
    );
}

#[test]
fn a_start_that_died_between_report_and_mark_does_not_make_two_reports() {
    let dir = tempfile::tempdir().unwrap();
    let (first, first_session) = running("waits", dir.path());
    let mark = dir.path().join(format!("session-{first_session}"));
    kill(first);
    let kept = std::fs::read_to_string(&mark).unwrap();
    let (second, second_session) = running("waits", dir.path());
    assert_eq!(reported(dir.path()).len(), 1);
    assert!(!mark.exists());
    let queue = records(dir.path(), "session_unclean_exit")[0]["context"]["queue"].clone();
    // As if the second had died before it removed the mark.
    std::fs::write(&mark, format!("{kept}{}\n", json!({ "said_in": queue }))).unwrap();
    kill(second);

    let _third = start(dir.path());
    let reports: Vec<Value> = reported(dir.path())
        .iter()
        .map(|report| report["previous.session_id"].clone())
        .collect();
    assert_eq!(reports, [first_session, second_session]);
    assert!(!mark.exists());
}

#[test]
fn records_keep_the_user_and_the_context_that_they_were_made_under() {
    let dir = tempfile::tempdir().unwrap();
    let courier = start(dir.path());
    let stack = tracing_subscriber::registry()
        .with(courier.layer())
        .sanitized(courier.sanitizer());
    let _default = tracing::dispatcher::set_default(&stack.into());
    tracing::info!("login screen");
    courier.set_user(Some("user-a"));
    courier.set_context(
        "active_run",
        json!({"run_id": "r-7", "of": "ada@example.org"}),
    );
    tracing::info!("in the run");
    tracing::info!(active_run = "own", "with its own");
    courier.clear_context("active_run");
    courier.set_user(None);
    tracing::info!("logged out");

    let said = |message: &str| {
        let record = records(dir.path(), message).remove(0);
        (
            record["context"]["userId"].clone(),
            record["attributes"]["active_run"].clone(),
        )
    };
    let run = json!({"run_id": "r-7", "of": "[REDACTED:email]"});
    assert_eq!(said("login screen"), (Value::Null, Value::Null));
    assert_eq!(said("in the run"), ("user-a".into(), run));
    assert_eq!(said("with its own"), ("user-a".into(), "own".into()));
    assert_eq!(said("logged out"), (Value::Null, Value::Null));
}

#[test]
fn the_resource_is_cleaned_and_the_environment_names_the_service() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = child::command(TEST, "ends", dir.path())
        .env("OTEL_SERVICE_NAME", "named-by-the-operator")
        .env(
            "OTEL_RESOURCE_ATTRIBUTES",
            "team=ada%40example.org,service.version=9",
        )
        .spawn()
        .unwrap();
    assert!(child.wait().unwrap().success());
    let resource = records(dir.path(), "at work").remove(0)["resource"].clone();
    assert_eq!(resource["service.name"], "named-by-the-operator");
    assert_eq!(resource["service.version"], "9");
    assert_eq!(resource["team"], "[REDACTED:email]");
    assert_eq!(resource["os.type"], std::env::consts::OS);

    let dir = tempfile::tempdir().unwrap();
    let mut child = child::command(TEST, "ends", dir.path())
        .env("OTEL_RESOURCE_ATTRIBUTES", "team=a,hunter2")
        .spawn()
        .unwrap();
    assert!(child.wait().unwrap().success());
    let records = all_records(dir.path());
    let complaint = "OTEL_RESOURCE_ATTRIBUTES is left out: its pair 2 is no `key=value`";
    assert!(
        records
            .iter()
            .any(|record| record["message"] == complaint && record["level"] == "warning"),
        "{records:#?}"
    );
}

#[test]
fn a_session_is_stamped_by_the_clock_that_it_was_given() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::Manual(std::sync::Arc::new(1_000_000_000.into()));
    let courier = Courier::builder("life", "1")
        .dir(dir.path())
        .clock(clock)
        .without_panic_hook()
        .start();
    drop(courier.unwrap());
    for message in ["session_start", "session_end"] {
        assert_eq!(
            records(dir.path(), message)[0]["timestamp"],
            "1970-01-01T00:00:01.000000000Z"
        );
    }
}
