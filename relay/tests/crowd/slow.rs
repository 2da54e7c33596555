//! A thousand connections that send a byte now and then, and one client that behaves.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::relay::Relay;
use crate::{Batches, TURN, is_full, millis, well_behaved};

const SLOW: usize = 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_slow_connections_cost_a_healthy_client_nothing() {
    let _turn = TURN.lock().await;
    let seconds = if is_full() { 60 } else { 6 };
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &[]);
    let until = Instant::now() + Duration::from_secs(seconds);
    let slow: Vec<_> = (0..SLOW)
        .map(|n| tokio::spawn(drip(relay.addr.clone(), relay.token.clone(), n, until)))
        .collect();
    let mut batches = Batches::of("healthy", 10);
    let (took, accepted) = well_behaved(&relay, &mut batches, 50.0, until).await;
    let mut connections = 0;
    for slow in slow {
        connections += slow.await.expect("it ends");
    }
    let p99 = millis(&took, 0.99);
    println!(
        "slowloris: {SLOW} connections at a time, {connections} in all; a healthy client's {} batches: p50 {:.1} ms, p99 {p99:.1} ms",
        took.len(),
        millis(&took, 0.5)
    );
    assert_eq!(accepted, took.len() * 10, "everything is accepted");
    assert!(p99 < 100.0, "p99 {p99} ms");
}

/// Keeps one connection open with a byte a second, and opens the next when it is closed: silent ones, heads, and bodies
/// with a good token.
async fn drip(addr: String, token: String, n: usize, until: Instant) -> u64 {
    let head = format!(
        "POST /api/v1/logs HTTP/1.1\r\nhost: relay\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: 500\r\n\r\n"
    );
    let mut connections = 0;
    while Instant::now() < until {
        let Ok(mut stream) = TcpStream::connect(&addr).await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        connections += 1;
        let begins = match n % 3 {
            0 => "",
            1 => "POST /api",
            _ => &head,
        };
        let mut is_open = stream.write_all(begins.as_bytes()).await.is_ok();
        while is_open && Instant::now() < until {
            tokio::time::sleep(Duration::from_secs(1)).await;
            is_open = stream.try_read(&mut [0; 512]).map_or_else(
                |error| error.kind() == std::io::ErrorKind::WouldBlock,
                |read| read > 0,
            );
            if !n.is_multiple_of(3) {
                is_open &= stream.write_all(b" ").await.is_ok();
            }
        }
    }
    connections
}
