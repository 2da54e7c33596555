//! With everything at TRACE and the global default subscriber, the sender says nothing about its own sending, while the
//! program's own calls through the same HTTP machinery are recorded.
//!
//! A few seconds in CI; the minute: `COURIER_QUIET=60 cargo test -p tracing-courier --test quiet -- --nocapture`
#![cfg(feature = "http")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use tracing_courier::prelude::*;
use tracing_subscriber::prelude::*;

/// How long, in seconds.
fn length() -> Duration {
    let seconds = std::env::var("COURIER_QUIET").ok();
    Duration::from_secs(seconds.map_or(3, |seconds| seconds.parse().unwrap()))
}

/// A server that takes whatever is sent and gives a receipt for it; keeps the records.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<Vec<Value>>>);

impl Server {
    fn start() -> (u16, Self) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self::default();
        let taken = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let taken = taken.clone();
                std::thread::spawn(move || taken.serve(stream.unwrap()));
            }
        });
        (port, server)
    }

    fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut writer = stream;
        loop {
            let mut headers = BTreeMap::new();
            let mut line = String::new();
            while reader.read_line(&mut line).ok()? > 2 {
                if let Some((name, value)) = line.trim_end().split_once(": ") {
                    headers.insert(name.to_lowercase(), value.to_owned());
                }
                line.clear();
            }
            if line.is_empty() {
                return None;
            }
            let length = headers
                .get("content-length")
                .map_or(0, |length| length.parse().unwrap());
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            let receipt = match headers.get("content-encoding").map(String::as_str) {
                Some("gzip") => {
                    let mut text = String::new();
                    GzDecoder::new(&body[..]).read_to_string(&mut text).unwrap();
                    let mut batch: Value = serde_json::from_str(&text).unwrap();
                    let Value::Array(records) = batch["logs"].take() else {
                        unreachable!()
                    };
                    let receipt =
                        json!({"accepted": records.len(), "duplicates": 0, "rejected": []});
                    self.0.lock().unwrap().extend(records);
                    receipt.to_string()
                }
                _ => "hello".to_owned(),
            };
            write!(
                writer,
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{receipt}",
                receipt.len()
            )
            .ok()?;
        }
    }
}

#[test]
fn the_senders_own_machinery_is_silent_and_the_programs_is_heard() {
    let (relay, server) = Server::start();
    let (other, _) = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let courier = Courier::builder("quiet", "1")
        .dir(dir.path())
        .relay(format!("http://localhost:{relay}"))
        .levels("trace")
        .flush_every(Duration::from_millis(50))
        .without_panic_hook()
        .start()
        .unwrap();
    tracing_subscriber::registry()
        .with(courier.layer())
        .sanitized(courier.sanitizer())
        .init();

    // While only the sender uses the machinery, every record is one of ours.
    let half = length() / 2;
    let until = Instant::now() + half;
    let mut said = 0_u64;
    while Instant::now() < until {
        tracing::info!(said, "said");
        tracing::error!("an error, which wakes the sender");
        said += 1;
        let report = courier.flush(Duration::from_secs(10));
        assert_eq!(report.pending, 0, "{report:?}");
        // Time for the timer's own rounds.
        std::thread::sleep(Duration::from_millis(20));
    }
    let records = std::mem::take(&mut *server.0.lock().unwrap());
    let foreign: Vec<&Value> = records
        .iter()
        .filter(|record| record["logger"] != "quiet" && record["logger"] != "courier")
        .collect();
    assert!(
        foreign.is_empty(),
        "{} of {}: {:#?}",
        foreign.len(),
        records.len(),
        foreign.first()
    );
    assert_eq!(
        records.len() as u64,
        said * 2 + 1,
        "session_start and what was said, once"
    );

    // The program uses the same crates at the same time.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let until = Instant::now() + half;
    let mut calls = 0;
    while Instant::now() < until {
        runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy();
            let client = client.tls_backend_preconfigured(no_tls()).build().unwrap();
            let answer = client
                .get(format!("http://localhost:{other}/"))
                .send()
                .await
                .unwrap();
            assert_eq!(answer.text().await.unwrap(), "hello");
        });
        calls += 1;
        tracing::error!("an error, which wakes the sender");
    }
    let report = courier.flush(Duration::from_secs(10));
    assert_eq!(report.pending, 0, "{report:?}");
    let records = server.0.lock().unwrap();
    let mut by_logger = BTreeMap::<&str, u64>::new();
    for record in &*records {
        *by_logger
            .entry(record["logger"].as_str().unwrap())
            .or_default() += 1;
    }
    println!("{said} flushes and {calls} calls of the program's own: {by_logger:#?}");
    let connects = records
        .iter()
        .filter(|record| record.to_string().contains(&format!(":{other}")))
        .count();
    assert!(
        connects >= calls,
        "{connects} records speak of the program's own {calls} calls"
    );
    assert!(
        by_logger
            .keys()
            .any(|logger| logger.starts_with("hyper_util::")),
        "{by_logger:?}"
    );
    let own: Vec<&Value> = records
        .iter()
        .filter(|record| record.to_string().contains(&format!(":{relay}")))
        .collect();
    assert!(
        own.is_empty(),
        "{} records speak of the relay: {:#?}",
        own.len(),
        own.first()
    );
}

/// The calls are plain HTTP, but the client wants to know its TLS.
fn no_tls() -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}
