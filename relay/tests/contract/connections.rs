//! What a connection may do, and what it is told when it does not behave.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::record;
use crate::relay::{Relay, with_and_without_spool};

#[tokio::test]
async fn a_body_of_unknown_length_is_capped_too() {
    with_and_without_spool(&[], async |relay| {
        // reqwest has no streams here: chunks by hand.
        let addr = relay.addr.clone();
        let token = relay.token.clone();
        let answer = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(addr).expect("it connects");
            write!(
                stream,
                "POST /api/v1/logs HTTP/1.1\r\nhost: relay\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
                 transfer-encoding: chunked\r\n\r\n"
            )
            .expect("it is sent");
            let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
            for _ in 0..20 {
                if stream.write_all(chunk.as_bytes()).is_err() {
                    break;
                }
            }
            let _ = stream.write_all(b"0\r\n\r\n");
            let mut head = [0; 12];
            stream.read_exact(&mut head).expect("an answer");
            String::from_utf8_lossy(&head).into_owned()
        });
        assert_eq!(answer.await.expect("it ends"), "HTTP/1.1 413");
    })
    .await;
}

#[tokio::test]
async fn both_versions_of_http_are_spoken_and_slow_heads_hold_nobody_up() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    // A thousand connections that never finish their first line, some within what could be HTTP/2.
    let slow: Vec<TcpStream> = (0..1000)
        .map(|n| {
            let mut stream = TcpStream::connect(&relay.addr).expect("it connects");
            stream
                .write_all(if n % 2 == 0 { b"POST /ap" } else { b"PR" })
                .expect("it is sent");
            stream
        })
        .collect();
    let http2 = reqwest::Client::builder()
        .tls_backend_preconfigured(crate::relay::no_tls())
        .no_proxy()
        .http2_prior_knowledge()
        .build()
        .expect("a client");
    for (client, version) in [
        (&relay.client, reqwest::Version::HTTP_11),
        (&http2, reqwest::Version::HTTP_2),
    ] {
        let request = client
            .post(format!("http://{}/api/v1/logs", relay.addr))
            .bearer_auth(&relay.token);
        let response = request
            .header("content-type", "application/json")
            .body(record("m"))
            .send()
            .await;
        let response = response.expect("an answer");
        assert_eq!(
            (response.status().as_u16(), response.version()),
            (200, version)
        );
    }
    drop(slow);
}

/// What comes back on a connection of its own for these bytes, until it is closed or `patience` is over.
fn answer(addr: &str, bytes: &[u8], patience: Duration) -> String {
    let mut stream = TcpStream::connect(addr).expect("it connects");
    stream
        .set_read_timeout(Some(patience))
        .expect("it has a timeout");
    // It may hang up on what it does not like before it has heard it all.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut piece) {
        answer.extend_from_slice(&piece[..read]);
        if answer.windows(4).any(|window| window == b"\r\n\r\n") {
            break;
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn heads_that_are_no_heads_are_refused_and_cost_nobody_else() {
    with_and_without_spool(&[], async |relay| {
        let head = |more: &str| format!("POST /api/v1/logs HTTP/1.1\r\nhost: relay\r\n{more}\r\n");
        let many: String = (0..100).map(|n| format!("x-{n}: 1\r\n")).collect();
        let long_token = format!("authorization: Bearer {}\r\n", "x".repeat(1 << 20));
        let most = format!("authorization: Bearer {}\r\n", "x".repeat(20_000));
        for (what, bytes, status) in [
            ("too many headers", head(&many), "431"),
            ("a token of a megabyte", head(&long_token), "431"),
            ("a token that fits a head", head(&most), "401"),
            ("no HTTP", "\u{16}\u{3}\u{1}\u{2}\r\n\r\n".to_owned(), "400"),
            (
                "two lengths",
                head("content-length: 1\r\ncontent-length: 2\r\n"),
                "400",
            ),
            ("no length", head("content-length: many\r\n"), "400"),
            (
                "another path",
                "POST /api/v2/logs HTTP/1.1\r\nhost: relay\r\n\r\n".to_owned(),
                "404",
            ),
            (
                "no path",
                "OPTIONS * HTTP/1.1\r\nhost: relay\r\n\r\n".to_owned(),
                "404",
            ),
            (
                "a way up",
                "POST /api/v1/../v1/logs HTTP/1.1\r\nhost: relay\r\n\r\n".to_owned(),
                "404",
            ),
        ] {
            let answer = answer(&relay.addr, bytes.as_bytes(), Duration::from_secs(20));
            let said = answer.split(' ').nth(1).unwrap_or_default();
            assert_eq!(said, status, "{what}: {answer}");
        }
        assert_eq!(relay.accept(record("m")).await["accepted"], 1);
    })
    .await;
}

#[tokio::test]
async fn a_body_that_ends_early_is_not_accepted() {
    with_and_without_spool(&[], async |relay| {
        let body = record("torn");
        let head = format!(
            "POST /api/v1/logs HTTP/1.1\r\nhost: relay\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            relay.token,
            body.len() + 10
        );
        let mut stream = TcpStream::connect(&relay.addr).expect("it connects");
        stream.write_all(head.as_bytes()).expect("it is sent");
        stream.shutdown(std::net::Shutdown::Write).expect("it ends");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(!answer.contains(" 200 "), "{answer}");
        assert_eq!(
            relay.accept(body).await["accepted"],
            1,
            "nothing of it was remembered"
        );
    })
    .await;
}

#[tokio::test]
async fn slow_heads_and_silence_are_hung_up_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    let (addr, started) = (relay.addr.clone(), Instant::now());
    let slow: Vec<std::thread::JoinHandle<(String, Duration)>> =
        [&b""[..], b"POST /ap", b"PRI * HT"]
            .into_iter()
            .map(|begins| {
                let addr = addr.clone();
                std::thread::spawn(move || {
                    let answer = answer(&addr, begins, Duration::from_secs(60));
                    (answer, started.elapsed())
                })
            })
            .collect();
    for slow in slow {
        let (answer, took) = slow.join().expect("it ends");
        assert_eq!(answer, "");
        assert!(
            (9..20).contains(&took.as_secs()),
            "ten seconds, and a look every two: {took:?}"
        );
    }
}

#[tokio::test]
async fn one_address_has_its_share_of_connections_and_another_client_still_gets_through() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(
        dir.path(),
        &[
            "--max-connections",
            "12",
            "--max-connections-per-address",
            "3",
        ],
    );
    let mut held: Vec<TcpStream> = (0..3)
        .map(|_| TcpStream::connect(&relay.addr).expect("it connects"))
        .collect();
    assert_eq!(
        answer(
            &relay.addr,
            b"GET / HTTP/1.1\r\n\r\n",
            Duration::from_secs(20)
        ),
        "",
        "the fourth is hung up on"
    );
    // All of 127/8 is this machine.
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(crate::relay::no_tls())
        .no_proxy()
        .local_address("127.0.0.2".parse::<std::net::IpAddr>().expect("an address"))
        .build()
        .expect("a client");
    let url = format!("http://{}/api/v1/config/logging", relay.addr);
    if cfg!(target_os = "linux") {
        let response = client.get(&url).send().await.expect("an answer");
        assert_eq!(response.status(), 200);
    }
    held.clear();
    let deadline = Instant::now() + Duration::from_secs(20);
    while relay.client.get(&url).send().await.is_err() {
        assert!(Instant::now() < deadline, "places are free again");
    }
}

#[tokio::test]
async fn who_began_before_the_end_is_told_to_come_back() {
    with_and_without_spool(&[], async |mut relay| {
        let mut stream = TcpStream::connect(&relay.addr).expect("it connects");
        let body = record("late");
        let head = format!(
            "POST /api/v1/logs HTTP/1.1\r\nhost: relay\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n",
            relay.token,
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("it is sent");
        // It has surely seen the half of a head once a whole request after it is answered.
        relay.accept(record("before")).await;
        relay.signal("TERM");
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(&relay.addr).is_ok() {
            assert!(Instant::now() < deadline, "it listens no more");
        }
        stream
            .write_all(format!("\r\n{body}").as_bytes())
            .expect("it is sent");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(
            answer.to_lowercase().contains("\r\nretry-after: "),
            "{answer}"
        );
        assert_eq!(relay.terminate().code(), Some(0));
    })
    .await;
}

#[tokio::test]
async fn a_request_is_found_in_the_log_by_its_id() {
    with_and_without_spool(&[], async |relay| {
        let response = relay
            .post("no JSON")
            .header("x-request-id", "seek-me")
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), 400);
        let response = relay.post("no JSON").send().await.expect("an answer");
        let made = response.headers()["x-request-id"]
            .to_str()
            .expect("text")
            .to_owned();
        let deadline = Instant::now() + Duration::from_secs(20);
        for id in ["seek-me", &made] {
            let line = loop {
                let log = relay.log();
                let line = log
                    .lines()
                    .find(|line| line.contains(id))
                    .map(str::to_owned);
                match line {
                    Some(line) => break line,
                    None => assert!(Instant::now() < deadline, "{id} is not in {log}"),
                }
            };
            let line: Value = serde_json::from_str(&line).expect("a line is JSON");
            assert_eq!(line["fields"]["status"], 400, "{line}");
        }
    })
    .await;
}
