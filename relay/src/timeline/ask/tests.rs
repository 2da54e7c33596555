use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::{End, Gap, Row};
use super::*;
use crate::config::{Config, RawConfig, Setting};
use crate::index::{Limits, Shelf};

async fn post(relay: &crate::Relay, body: &str) {
    let token = relay.development_token("sender-1").expect("a token");
    let mut stream = tokio::net::TcpStream::connect(relay.addr())
        .await
        .expect("connected");
    let request = format!(
        "POST /api/v1/logs HTTP/1.1\r\nHost: relay\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    assert!(answer.contains("\"rejected\":[]"), "{answer}");
}

/// A relay that got these batches and has stopped: its index.
async fn index(dir: &Path, batches: &[&str]) -> Reader {
    let config = Config::try_from(RawConfig {
        index: Some(Setting::from("on")),
        otlp_endpoint: Some(Setting::from("none")),
        ..RawConfig::embedded(dir)
    });
    let relay = crate::start(config.expect("settings"))
        .await
        .expect("it starts");
    for batch in batches {
        post(&relay, batch).await;
    }
    relay.stop().await;
    let dir = dir.join("index");
    let shelf = Shelf::open(&dir, Limits::default())
        .await
        .expect("it opens");
    Reader::new(&dir, shelf.board(), Duration::from_secs(60))
}

/// The first session begins before anybody is logged in, and loses its seqs 3 and 4.
const FIRST: &str = r#"{"resource": {"service.name": "field-app"},
    "context": {"queue": "00000000000000aa", "installId": "i", "sessionId": "one", "userId": null}, "logs": [
        {"q": "0000000000000000-00000001-00000000", "timestamp": "2026-12-01T10:00:00Z", "level": "info", "logger": "courier", "message": "session_start"},
        {"q": "0000000000000001-00000001-00000000", "timestamp": "2026-12-01T10:00:01Z", "level": "info", "logger": "app", "message": "ready", "userId": "ada"},
        {"q": "0000000000000002-00000001-00000000", "timestamp": "2026-12-01T10:00:02Z", "level": "error", "logger": "app", "message": "upload failed", "userId": "ada"},
        {"q": "0000000000000005-00000001-00000000", "timestamp": "2026-12-01T10:00:05Z", "level": "info", "logger": "app", "message": "nobody again"},
        {"q": "0000000000000006-00000001-00000000", "timestamp": "2026-12-01T10:00:06Z", "level": "info", "logger": "app", "message": "back", "userId": "ada"}]}"#;

const SECOND: &str = r#"{"context": {"queue": "00000000000000bb", "installId": "i", "sessionId": "two", "userId": "bea"}, "logs": [
        {"q": "0000000000000000-00000001-00000000", "timestamp": "2026-12-01T11:00:00Z", "level": "fatal", "logger": "courier", "message": "app.crash",
         "attributes": {"previous.session_id": "one"}},
        {"q": "0000000000000001-00000001-00000000", "timestamp": "2026-12-01T11:00:01Z", "level": "info", "logger": "app", "message": "hello"}]}"#;

fn ask(of: Of, at: Option<&str>) -> Ask {
    let at = at.map(|at| {
        at.parse::<jiff::Timestamp>()
            .expect("a time")
            .as_nanosecond()
    });
    Ask {
        of,
        at: at.map(|at| u64::try_from(at).expect("a time")),
        around: Duration::from_secs(600),
        zone: Zone::utc(),
        as_of: i64::MAX,
    }
}

fn rows(story: &Story) -> Vec<String> {
    let row = |row: &Row| match row {
        Row::Record(record) => record.message.clone(),
        Row::Gap(Gap {
            first_seq,
            last_seq,
            ..
        }) => format!("{first_seq} to {last_seq}"),
    };
    story.rows.iter().map(row).collect()
}

#[tokio::test]
async fn a_persons_timeline_has_their_records_and_the_gaps_and_the_end_of_the_whole_session() {
    let dir = tempfile::tempdir().expect("a directory");
    let reader = index(dir.path(), &[FIRST, SECOND]).await;
    let ada = ["ready", "upload failed", "3 to 4", "back"];
    let session = [
        "session_start",
        "ready",
        "upload failed",
        "3 to 4",
        "nobody again",
        "back",
    ];
    let of = |of: fn(String) -> Of, name: &str| of(name.to_owned());
    for (asked, expected) in [
        (
            ask(of(Of::User, "ada"), Some("2026-12-01T10:02:00Z")),
            &ada[..],
        ),
        (ask(of(Of::User, "ada"), None), &session[..]),
        (ask(of(Of::Session, "one"), None), &session[..]),
        (
            ask(of(Of::Install, "i"), Some("2026-12-01T10:02:00Z")),
            &session[..],
        ),
        (ask(of(Of::Install, "i"), None), &["app.crash", "hello"]),
        (
            ask(of(Of::User, "sender-1"), Some("2026-12-01T11:00:00Z")),
            &["app.crash", "hello"],
        ),
        (ask(of(Of::User, "ada"), Some("2026-12-01T08:00:00Z")), &[]),
    ] {
        let story = timeline(&reader, &asked).await.expect("they are known");
        assert_eq!(rows(&story), expected, "{asked:?}");
        assert!(story.left_out.is_empty());
        let one = story
            .sessions
            .iter()
            .find(|session| session.session == "one");
        assert!(one.is_none_or(|one| one.end == End::Crash), "{asked:?}");
    }
    assert!(
        timeline(&reader, &ask(of(Of::User, "nobody"), None))
            .await
            .is_none()
    );
}

#[tokio::test]
async fn a_record_is_shown_among_what_happened_around_it_in_its_session() {
    let dir = tempfile::tempdir().expect("a directory");
    let reader = index(dir.path(), &[FIRST, SECOND]).await;
    let asked = ask(Of::User("ada".to_owned()), Some("2026-12-01T10:00:00Z"));
    let story = timeline(&reader, &asked).await.expect("known");
    let uid = story.rows.iter().find_map(|row| match row {
        Row::Record(record) if record.message == "upload failed" => Some(record.record()),
        _ => None,
    });
    let mut asked = ask(Of::Record(uid.expect("a record")), None);
    asked.around = Duration::from_secs(4);
    let story = timeline(&reader, &asked).await.expect("known");
    assert_eq!(
        rows(&story),
        [
            "session_start",
            "ready",
            "upload failed",
            "3 to 4",
            "nobody again"
        ]
    );
}
