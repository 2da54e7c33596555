//! The examples that are programs of their own, from outside.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;

use crate::built;
use crate::process::{Process, poll};
use crate::relay::Relay;
use crate::stored;
use crate::upstream::{Upstream, attribute, records, text};

/// A service that listens, and where.
fn service(dir: &std::path::Path, more: &[&str]) -> (Process, String) {
    let process = Process::start(
        Command::new(built::example("axum_service"))
            .args(["--listen", "127.0.0.1:0", "--dir"])
            .arg(dir)
            .args(more),
    );
    let line = process.first_line().expect("it says where it listens");
    let addr = line
        .strip_prefix("listening on ")
        .expect("it says where it listens");
    (process, addr.to_owned())
}

fn get(addr: &str, path: &str, user: &str) -> String {
    let mut stream = TcpStream::connect(addr).expect("it listens");
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {addr}\r\nx-user: {user}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

#[test]
fn a_service_logs_each_request_with_its_user_and_ends_in_order_when_told_to() {
    let dir = tempfile::tempdir().expect("a directory");
    let upstream = Upstream::start();
    let relay = Relay::start(&dir.path().join("relay"), &upstream.receiver().url());
    let (url, token) = (relay.url(), relay.token("axum-service"));
    let root = dir.path().join("service");
    let (service, addr) = service(&root, &["--relay", &url, "--token", &token]);
    assert!(get(&addr, "/orders/17", "user-a").starts_with("HTTP/1.1 200"));
    assert!(get(&addr, "/orders/13", "user-b").starts_with("HTTP/1.1 502"));

    let told = Instant::now();
    let ended = service.terminate();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.stderr);
    assert!(
        told.elapsed() < Duration::from_secs(5),
        "within its deadline, and what starting it takes"
    );
    assert!(
        stored::cat(&root).is_empty(),
        "everything went home before it ended"
    );

    let all = poll("the end of the session upstream", || {
        let all: Vec<LogRecord> = upstream
            .receiver()
            .requests()
            .iter()
            .flat_map(|request| records(request).cloned().collect::<Vec<_>>())
            .collect();
        all.iter()
            .any(|record| message(record) == "session_end")
            .then_some(all)
    });
    let said = |wanted: &str| -> Vec<(Option<String>, Option<String>)> {
        all.iter()
            .filter(|record| message(record) == wanted)
            .map(|record| {
                let text = |name| text(record, name).map(str::to_owned);
                (text("user.id"), text("url.path"))
            })
            .collect()
    };
    let of = |user: &str, path: &str| (Some(user.to_owned()), Some(path.to_owned()));
    assert_eq!(
        said("answered"),
        [of("user-a", "/orders/17"), of("user-b", "/orders/13")]
    );
    assert_eq!(said("told to end"), [(None, None)]);

    let error = all
        .iter()
        .find(|record| message(record) == "no shelf for the order")
        .expect("the error");
    assert_eq!(text(error, "user.id"), Some("user-b"));
    assert_eq!(
        text(error, "exception.message"),
        Some("no answer from warehouse.internal for [REDACTED:email]")
    );
    let spans = format!("{:?}", attribute(error, "spans"));
    assert!(spans.contains("\"request\""), "{spans}");
    let Some(Value::ArrayValue(crumbs)) = attribute(error, "breadcrumbs") else {
        panic!("no breadcrumbs: {error:#?}");
    };
    let crumbs = format!("{crumbs:?}");
    for step in ["looking in the cache", "asking the warehouse", "once more"] {
        assert!(crumbs.contains(step), "{step}: {crumbs}");
    }
}

#[test]
fn a_service_ends_within_its_deadline_also_when_the_relay_is_away() {
    let dir = tempfile::tempdir().expect("a directory");
    // Taken, so that nobody answers there.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("it is bound"));
    let (service, addr) = service(
        dir.path(),
        &["--relay", &url, "--token", "t", "--drop-deadline", "1s"],
    );
    assert!(get(&addr, "/orders/13", "user-b").starts_with("HTTP/1.1 502"));
    let told = Instant::now();
    let ended = service.terminate();
    let took = told.elapsed();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.stderr);
    assert!(
        took < Duration::from_secs(4),
        "{took:?} for a deadline of 1 s"
    );
    let messages: Vec<String> = stored::cat(dir.path())
        .into_iter()
        .map(|record| record.message)
        .collect();
    assert_eq!(
        messages.last().map(String::as_str),
        Some("session_end"),
        "{messages:?}"
    );
}

#[test]
fn a_desktops_life_comes_home_in_order() {
    let played = Process::start(&mut Command::new(built::example("desktop_life"))).wait();
    assert_eq!(
        played.code,
        Some(0),
        "{:#?}\n{:#?}",
        played.stdout,
        played.stderr
    );
}

fn message(record: &LogRecord) -> &str {
    match record.body.as_ref().and_then(|body| body.value.as_ref()) {
        Some(Value::StringValue(text)) => text,
        _ => "",
    }
}
