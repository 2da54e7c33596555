//! How many level requests a second does the relay answer on one core?
//!
//! `cargo bench -p courier-benches --bench level_relay`. The whole relay runs on one thread, with 300 rules; the
//! programs are connections that stay open, on the other cores, each with one request at a time. The rate is what one
//! core of the relay's does: requests by the CPU time of its thread, which the clients don't count in. It logs each
//! request, as it does when it is served.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use courier_benches::{is_test_run, is_wanted};
use courier_relay::command::level;
use courier_relay::config::{Config, RawConfig};
use courier_relay::levels::{Draft, Whom};

/// The thread that the relay is.
const RELAY: &str = "relay";

fn main() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let rules = if is_test_run() { 10 } else { 300 };
    let (sender, started) = mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let relay = std::thread::Builder::new().name(RELAY.to_owned()).spawn({
        let dir = dir.path().to_owned();
        move || {
            // As `courier-relay serve` logs: a line for each request.
            let log = std::fs::File::options().write(true).open("/dev/null");
            let _log = tracing::subscriber::set_default(
                tracing_subscriber::fmt()
                    .json()
                    .with_env_filter("info,courier_relay::ingest=debug")
                    .with_writer(std::sync::Mutex::new(log.expect("there is one")))
                    .finish(),
            );
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async move {
                let config = || Config::try_from(RawConfig::embedded(&dir)).expect("settings");
                for n in 0..rules {
                    let rule = draft(Whom::User(format!("user-{n}")));
                    level::set(&config(), rule).await.expect("a rule");
                }
                let relay = courier_relay::start(config()).await.expect("a relay");
                let token = relay.development_token("user-7").expect("a token");
                sender.send((relay.addr(), token)).expect("somebody waits");
                let _ = stopped.await;
                relay.stop().await;
            });
        }
    });
    let relay = relay.expect("a thread");
    let (addr, token) = started.recv().expect("it starts");
    println!("| answer | requests/s on one core | requests/s seen | CPU of the relay, µs each |");
    println!("|---|---|---|---|");
    row("200, anonymous", addr, "", "");
    let token = format!("authorization: Bearer {token}\r\n");
    row("200, with a token", addr, &token, "");
    let etag = ask(addr, &token).1;
    row(
        "304, with a token",
        addr,
        &token,
        &format!("if-none-match: {etag}\r\n"),
    );
    drop(stop);
    relay.join().expect("it ends");
}

fn draft(whom: Whom) -> Draft {
    Draft {
        whom,
        level: "trace".to_owned(),
        modules: [("app::sync".to_owned(), "debug".to_owned())].into(),
        for_seconds: Some(3600.0),
        expires_at: None,
        why: "bench".to_owned(),
        author: "bench".to_owned(),
    }
}

fn request(token: &str, more: &str) -> String {
    format!(
        "GET /api/v1/config/logging?installId=7d0f4c0e-7a3c-4b1d-9f5e-000000000001&sessionId=s&service=app&version=1.0.0 HTTP/1.1\r\n\
         host: relay\r\n{token}{more}\r\n"
    )
}

fn row(name: &str, addr: SocketAddr, token: &str, more: &str) {
    if !is_wanted(name) {
        return;
    }
    let (clients, each) = if is_test_run() { (2, 20) } else { (8, 20_000) };
    let expected = name.get(..3).expect("a status");
    let cpu = relay_cpu();
    let start = Instant::now();
    let threads: Vec<_> = (0..clients)
        .map(|_| {
            let (request, expected) = (request(token, more), expected.to_owned());
            std::thread::spawn(move || {
                let mut connection = Connection::open(addr);
                for _ in 0..each {
                    assert_eq!(connection.ask(&request).0, expected);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("every answer is the expected one");
    }
    let (elapsed, cpu) = (start.elapsed(), relay_cpu().saturating_sub(cpu));
    let requests = f64::from(clients * each);
    println!(
        "| {name} | {:.0} | {:.0} | {:.1} |",
        requests / cpu.as_secs_f64(),
        requests / elapsed.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / requests
    );
}

/// CPU time of the one thread that is the relay.
fn relay_cpu() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    tasks
        .filter_map(|task| Some(task.ok()?.path()))
        .filter(|task| {
            std::fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == RELAY)
        })
        .filter_map(|task| std::fs::read_to_string(task.join("schedstat")).ok())
        .filter_map(|stat| stat.split_whitespace().next()?.parse().ok())
        .map(Duration::from_nanos)
        .sum()
}

fn ask(addr: SocketAddr, token: &str) -> (String, String) {
    Connection::open(addr).ask(&request(token, ""))
}

struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        Self(BufReader::new(stream))
    }

    /// Status and ETag of the answer.
    fn ask(&mut self, request: &str) -> (String, String) {
        self.0
            .get_mut()
            .write_all(request.as_bytes())
            .expect("it takes it");
        let (mut status, mut etag, mut length) = (String::new(), String::new(), 0);
        let mut line = String::new();
        loop {
            line.clear();
            self.0.read_line(&mut line).expect("an answer");
            if status.is_empty() {
                status = line.split(' ').nth(1).expect("a status").to_owned();
            } else if let Some(value) = line.strip_prefix("etag: ") {
                etag = value.trim().to_owned();
            } else if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().expect("a length");
            } else if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; if status == "304" { 0 } else { length }];
        self.0.read_exact(&mut body).expect("a body");
        (status, etag)
    }
}
