//! A server that does everything but answer as a relay: nothing is lost, nothing comes under two names, and no request
//! is made that the contract does not allow.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::wire_server::{Act, Seen, Server};
use crate::{program, size, stored};

/// Nobody answers there; nobody is to ask.
const ELSEWHERE: &str = "http://127.0.0.1:9/login";

/// With the start of the session, three requests' worth.
const RECORDS: u64 = 250;

/// An answer that keeps everything, and how long the sender waits after it.
struct Outage {
    name: &'static str,
    act: Act,
    at_least: Duration,
}

fn outages() -> Vec<Outage> {
    let outage = |name, act, seconds| Outage {
        name,
        act,
        at_least: Duration::from_secs(seconds),
    };
    let in_three_seconds = SystemTime::now() + Duration::from_secs(4);
    let mut outages = vec![
        outage("a reset in place of an answer", Act::Reset, 1),
        outage(
            "a reset in the middle of the receipt",
            Act::ResetInAnswer,
            1,
        ),
        outage(
            "200 with a login page",
            Act::Body("<html>please log in</html>"),
            1,
        ),
        outage("200 with another's JSON", Act::Body(r#"{"ok":true}"#), 1),
        outage(
            "200 with a receipt for one record",
            Act::Body(r#"{"accepted":1,"duplicates":0,"rejected":[]}"#),
            1,
        ),
        outage("200 with 100 MB", Act::Endless(200), 1),
        outage("503 with 100 MB", Act::Endless(503), 1),
        outage("204", Act::Status(204), 1),
        outage("408", Act::Status(408), 1),
        outage("429", Act::Status(429), 1),
        outage(
            "429, Retry-After: 3",
            Act::RetryAfter(429, "3".to_owned()),
            3,
        ),
        outage("500", Act::Status(500), 1),
        outage("502", Act::Status(502), 1),
        outage("503", Act::Status(503), 1),
        outage(
            "503, Retry-After: nonsense",
            Act::RetryAfter(503, "soon".to_owned()),
            1,
        ),
        outage(
            "503, Retry-After: a date",
            Act::RetryAfter(503, httpdate::fmt_http_date(in_three_seconds)),
            // The date has whole seconds, and the program takes a moment to start.
            1,
        ),
        outage("504", Act::Status(504), 1),
        outage(
            "302 to a login page",
            Act::Redirect(302, ELSEWHERE.to_owned()),
            1,
        ),
        outage(
            "308 to another path",
            Act::Redirect(308, "/login".to_owned()),
            1,
        ),
        outage(
            "503, Retry-After: 0",
            Act::RetryAfter(503, "0".to_owned()),
            1,
        ),
        outage("400, a page", Act::Page(400), 1),
        outage("403, a page", Act::Page(403), 1),
        outage("404, a page", Act::Page(404), 1),
        outage("407, a page", Act::Page(407), 1),
        outage("413, a page", Act::Page(413), 1),
        outage("421, a page", Act::Page(421), 1),
        outage("451, a page", Act::Page(451), 1),
        outage("511, a page", Act::Page(511), 1),
    ];
    if size::is_full() {
        outages.push(outage("200, a byte every 50 ms", Act::Slow, 30));
    }
    outages
}

#[test]
fn an_answer_that_keeps_everything_costs_a_wait_and_the_same_request_again() {
    // Each against a program of its own, all at once: they do little but wait.
    let transcripts: Vec<String> = std::thread::scope(|scope| {
        let trials: Vec<_> = outages()
            .into_iter()
            .map(|outage| scope.spawn(move || survive(&outage)))
            .collect();
        trials
            .into_iter()
            .map(|trial| trial.join().expect("it passes"))
            .collect()
    });
    println!("{}", transcripts.join("\n"));
}

fn survive(outage: &Outage) -> String {
    let server = Server::start(vec![Act::Receipt, outage.act.clone()]);
    let dir = tempfile::tempdir().expect("a directory");
    let ended = send(dir.path(), &server, "60s").wait();
    program::assert_delivered(&ended);
    let seen = server.seen();
    let transcript = transcript(outage.name, &seen);
    assert_lawful(&seen);
    // The start, the rest of the first hundred or so, the act, the same again, and what is left.
    let at = seen
        .iter()
        .position(|seen| !matches!(seen.act, Act::Receipt))
        .expect("it was met");
    let (failed, again) = (&seen[at], &seen[at + 1]);
    let waited = again.at - failed.at;
    assert!(waited >= outage.at_least, "{waited:?} after\n{transcript}");
    assert_eq!(names(failed), names(again), "{transcript}");
    let arrived: HashSet<u64> = seen
        .iter()
        .filter(|seen| matches!(seen.act, Act::Receipt))
        .flat_map(Seen::numbers)
        .collect();
    assert_eq!(arrived.len() as u64, RECORDS, "{transcript}");
    transcript
}

#[test]
fn an_answer_that_pauses_gets_no_second_request_and_the_next_start_brings_everything_home() {
    for (status, why) in [
        (401, "paused_for_token"),
        (404, "paused_not_found"),
        (405, "paused_not_found"),
        (415, "paused_not_found"),
    ] {
        // A token that is refused is believed to be, whoever says so.
        let act = match status {
            401 => Act::Page(status),
            _ => Act::Refuse(status),
        };
        let server = Server::start(vec![Act::Receipt, act]);
        let dir = tempfile::tempdir().expect("a directory");
        // Longer than this test's patience: it has to be back early.
        let ended = send(dir.path(), &server, "1h").wait();
        let report = program::report(&ended);
        assert_eq!(report["why_stopped"], why, "{status}");
        assert_eq!(server.seen().len(), 2, "{status}: asked nobody again");
        let delivered = report["delivered"].as_u64().expect("a count");
        assert_eq!(
            delivered + report["pending"].as_u64().expect("a count"),
            RECORDS + 1
        );
        // The end of the session comes after the report.
        assert_eq!(
            stored::cat(dir.path()).len() as u64,
            RECORDS + 2 - delivered,
            "{status}"
        );

        let url = server.url();
        let ended = program::start(dir.path(), &["--records", "0", "--relay", &url]).wait();
        program::assert_delivered(&ended);
        let seen = server.seen();
        assert_lawful(&seen);
        println!("{}", transcript(&status.to_string(), &seen));
    }
}

#[test]
fn a_verdict_on_the_content_costs_the_one_record_that_it_is_about() {
    for status in [400, 413, 422] {
        let server = Server::start_by(move |seen| match seen.numbers().contains(&137) {
            true => Act::Refuse(status),
            false => Act::Receipt,
        });
        let dir = tempfile::tempdir().expect("a directory");
        let ended = send(dir.path(), &server, "60s").wait();
        let report = program::report(&ended);
        assert_eq!(report["why_stopped"], "drained", "{status}: {report}");
        assert_eq!(report["rejected"], 1, "{status}: {report}");
        let seen = server.seen();
        assert_lawful(&seen);
        println!("{}", transcript(&format!("{status} for record 137"), &seen));
        let taken = seen.iter().filter(|seen| matches!(seen.act, Act::Receipt));
        let arrived: HashSet<u64> = taken.flat_map(Seen::numbers).collect();
        let expected: HashSet<u64> = (0..RECORDS).filter(|&n| n != 137).collect();
        assert_eq!(arrived, expected, "{status}");
        let refused = seen.len()
            - seen
                .iter()
                .filter(|seen| matches!(seen.act, Act::Receipt))
                .count();
        assert!(
            refused <= 12,
            "{status}: {refused} requests to find one of a hundred: halving asks 7 times, and grows again in between"
        );
    }
}

fn send(root: &Path, server: &Server, deadline: &str) -> crate::process::Process {
    let (url, records) = (server.url(), RECORDS.to_string());
    program::start(
        root,
        &[
            &["--records", &records, "--relay", &url, "--token", "t-1"][..],
            &["--flush-every", "1h", "--flush-deadline", deadline],
        ]
        .concat(),
    )
}

/// `queue` and seq of each record of a request.
fn names(seen: &Seen) -> Vec<(String, String)> {
    let records = seen.records();
    let queue = seen.queue();
    let seqs = records
        .iter()
        .map(|record| record["q"].as_str().expect("a name")[..16].to_owned());
    seqs.map(|seq| (queue.clone(), seq)).collect()
}

/// What the contract asks of every client, whatever it is answered.
fn assert_lawful(seen: &[Seen]) {
    let mut ids = HashSet::new();
    let mut records: HashMap<(String, String), Value> = HashMap::new();
    let mut taken: HashMap<String, String> = HashMap::new();
    for request in seen {
        assert!(
            request.head.starts_with("POST /api/v1/logs HTTP/1.1\r\n"),
            "{}",
            request.head
        );
        assert!(
            ids.insert(request.header("x-request-id")),
            "an id of its own"
        );
        let body = request.body();
        assert!(body.len() <= 1 << 20);
        let names = names(request);
        assert!(names.len() <= 1000);
        assert!(names.is_sorted(), "ascending");
        for (name, record) in names.into_iter().zip(request.records()) {
            // What is sent again is the same record under the same name.
            let known = records
                .entry(name.clone())
                .or_insert_with(|| record.clone());
            assert_eq!(*known, record);
            // And what was taken is not sent again, unless its receipt got lost.
            let (queue, seq) = name;
            if let Some(last) = taken.get(&queue) {
                assert!(seq > *last, "{seq} was home already");
            }
            if matches!(request.act, Act::Receipt) {
                let _ = taken.insert(queue, seq);
            }
        }
    }
}

/// What was asked and answered, a line a request.
fn transcript(title: &str, seen: &[Seen]) -> String {
    let mut lines = vec![format!("--- {title}")];
    let start = seen.first().map(|seen| seen.at);
    for seen in seen {
        let numbers = seen.numbers();
        let range = match (numbers.first(), numbers.last()) {
            (Some(first), Some(last)) => format!("n {first} to {last}"),
            _ => "no numbers".to_owned(),
        };
        lines.push(format!(
            "{:>7.3} s  {:>3} records, {range:<14} -> {:?}",
            start.map_or(0.0, |start| (seen.at - start).as_secs_f64()),
            seen.records().len(),
            seen.act
        ));
    }
    lines.join("\n")
}
