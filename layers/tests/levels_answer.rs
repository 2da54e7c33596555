//! What may come back over HTTP when a program asks for its levels.
#![cfg(feature = "http")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tracing_courier::level::LevelStatus;
use tracing_courier::{Backend, DiskQueue, Levels};

/// Serves one answer: its head, and then so many spaces. Gives back the question's first line, and how many bytes of
/// the body went out.
fn answer(head: &str, body: &str, spaces: usize) -> (LevelStatus, String, usize) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, served) = mpsc::channel();
    let text = format!("{head}\r\n{body}");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream
            .set_write_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let question = lines.next().unwrap().unwrap();
        while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
        stream.write_all(text.as_bytes()).unwrap();
        let chunk = [b' '; 64 * 1024];
        let mut sent = 0;
        while sent < spaces && stream.write_all(&chunk).is_ok() {
            sent += chunk.len();
        }
        sender.send((question, sent)).unwrap();
    });
    let dir = tempfile::tempdir().unwrap();
    let levels = Levels::new("info").unwrap();
    let queue = DiskQueue::open(dir.path()).unwrap();
    let backend = Backend::builder(url)
        .levels(&levels)
        .drop_deadline(Duration::from_millis(1))
        .start(&queue)
        .unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    let status = loop {
        let status = backend.status().levels.unwrap();
        if status.rule.is_some() || status.refused + status.unanswered > 0 {
            break status;
        }
        assert!(Instant::now() < until, "{status:?}");
        thread::sleep(Duration::from_millis(2));
    };
    let (question, sent) = served.recv_timeout(Duration::from_secs(60)).unwrap();
    (status, question, sent)
}

const LEVELS: &str =
    r#"{"min_level":"trace","modules":{},"expires_at":null,"refresh_seconds":600}"#;

#[test]
fn an_answer_of_a_gigabyte_is_read_up_to_a_cap_and_says_nothing() {
    let gigabyte = 1_000_000_000;
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
        LEVELS.len() + gigabyte
    );
    let (status, _, sent) = answer(&head, LEVELS, gigabyte);
    assert_eq!((status.refused, status.levels.as_str()), (1, "info"));
    assert_eq!(
        status.last_error.as_deref(),
        Some("levels of 262144 bytes or more")
    );
    // What was not read lies in the sockets' buffers.
    assert!(sent < 16 << 20, "{sent} bytes were taken");
}

#[test]
fn a_good_answer_counts_and_what_did_not_come_from_a_relay_does_not() {
    let length = LEVELS.len();
    let json = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n"
    );
    let (status, question, _) = answer(&json, LEVELS, 0);
    assert_eq!(
        (status.levels.as_str(), status.rule.as_deref()),
        ("trace", Some("unnamed"))
    );
    assert_eq!(question, "GET /api/v1/config/logging HTTP/1.1");

    for (head, body, error) in [
        (
            format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {length}\r\n"),
            LEVELS,
            "levels of type `text/html`",
        ),
        (
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n"),
            LEVELS,
            "levels of type ``",
        ),
        (
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/login\r\ncontent-length: 0\r\n"
                .to_owned(),
            "",
            "something between here and the relay answers",
        ),
        ("HTTP/1.1 304 Not Modified\r\n".to_owned(), "", "304"),
        (json.clone(), &LEVELS[..20], ""),
    ] {
        let (status, _, _) = answer(&head, body, 0);
        assert_eq!(status.refused + status.unanswered, 1, "{head}");
        assert_eq!(
            (status.levels.as_str(), status.rule),
            ("info", None),
            "{head}"
        );
        let said = status.last_error.unwrap();
        assert!(said.contains(error), "{head}: {said}");
    }
}
