//! With everything at TRACE and the global default subscriber, the sender says nothing about its own sending, while the
//! program's own calls through the same HTTP machinery are recorded.
//!
//! A few seconds in CI; the minute: `COURIER_QUIET=60 cargo test -p tracing-courier --test quiet -- --nocapture`
#![cfg(feature = "http")]

mod relay;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use relay::Server;
use serde_json::Value;
use tracing_courier::prelude::*;
use tracing_subscriber::prelude::*;

/// How long, in seconds.
fn length() -> Duration {
    let seconds = std::env::var("COURIER_QUIET").ok();
    Duration::from_secs(seconds.map_or(3, |seconds| seconds.parse().unwrap()))
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
    let records = server.take();
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
    let ours = records.iter().filter(|record| record["logger"] == "quiet");
    assert_eq!(ours.count() as u64, said * 2, "what was said, once");

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
                .get(format!("http://127.0.0.1:{other}/"))
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
    let records = server.take();
    let mut by_logger = BTreeMap::<&str, u64>::new();
    for record in &records {
        *by_logger
            .entry(record["logger"].as_str().unwrap())
            .or_default() += 1;
    }
    println!("{said} flushes and {calls} calls of the program's own: {by_logger:#?}");
    // The machinery's words name the host: the program's calls go to an address, the sender's to a name.
    let speak_of = |host: &str| -> Vec<&Value> {
        let machinery = records.iter().filter(|record| record["logger"] != "quiet");
        machinery
            .filter(|record| record["message"].to_string().contains(host))
            .collect()
    };
    let connects = speak_of("127.0.0.1").len();
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
    let own = speak_of("localhost");
    assert!(
        own.is_empty(),
        "{} speak of the relay: {:#?}",
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
