//! What does the index cost, and how long does a look-up take?
//!
//! `cargo bench -p courier-benches --bench index`; with `-- --test` everything runs once and small, for CI.
//! `COURIER_BENCH_RECORDS` says how many records (200,000). A relay in this process takes batches of 1,000 records of 5,000
//! users over 30 days by HTTP, once without an index and once with it, in turns; then it is asked by its admin API.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use courier_relay::Config;
use courier_relay::config::{RawConfig, Setting};
use hdrhistogram::Histogram;

const BATCH: usize = 1_000;
const USERS: usize = 5_000;

fn main() {
    let is_test = std::env::args().any(|argument| argument == "--test");
    let said = std::env::var("COURIER_BENCH_RECORDS").ok();
    let records = match said.and_then(|said| said.parse().ok()) {
        Some(records) => records,
        None if is_test => 5_000,
        None => 200_000,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    println!("{records} records of {USERS} users, batches of {BATCH}\n");
    let rounds = if is_test { 1 } else { 2 };
    let mut plain = Vec::new();
    let mut beside = Vec::new();
    for _ in 0..rounds {
        plain.push(run(&runtime, records, "off", false).acknowledged);
        beside.push(run(&runtime, records, "on", false).acknowledged);
    }
    println!("acknowledged records/s, one client, each round:");
    println!("  without an index {plain:>10.0?}");
    println!("  with it          {beside:>10.0?}");
    let whole = run(&runtime, records, "on", true);
    println!(
        "\nrecords/s into the index, with ingest beside it: {:.0}",
        whole.indexed
    );
    println!(
        "index on disk: {:.2} x the records' JSON ({:.0} MB of {:.0} MB)",
        whole.disk / whole.json,
        whole.disk / 1e6,
        whole.json / 1e6
    );
}

/// What a run came to.
struct Run {
    acknowledged: f64,
    indexed: f64,
    disk: f64,
    json: f64,
}

fn run(runtime: &tokio::runtime::Runtime, records: usize, index: &str, has_look_ups: bool) -> Run {
    let dir = tempfile::tempdir().expect("a directory");
    let config = Config::try_from(RawConfig {
        index: Some(Setting::from(index)),
        otlp_endpoint: (index == "on").then(|| Setting::from("none")),
        spool_max_bytes: Some(Setting::from("8GiB")),
        rate_records_per_minute: Some(Setting::from("0")),
        rate_bytes_per_minute: Some(Setting::from("0")),
        rate_requests_per_minute: Some(Setting::from("0")),
        ..RawConfig::embedded(dir.path())
    })
    .expect("settings");
    let relay = runtime
        .block_on(courier_relay::start(config))
        .expect("it starts");
    let token = relay.development_token("bench").expect("a token");
    let (to, admin) = (relay.addr(), relay.admin_addr());
    let own = std::fs::read_to_string(dir.path().join("admin-token")).expect("a token");
    let bodies: Vec<String> = (0..records.div_ceil(BATCH)).map(body).collect();
    let json: usize = bodies.iter().map(String::len).sum();
    let started = Instant::now();
    let mut connection = TcpStream::connect(to).expect("connected");
    for body in &bodies {
        let head = format!(
            "POST /api/v1/logs HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        connection.write_all(head.as_bytes()).expect("sent");
        connection.write_all(body.as_bytes()).expect("sent");
        let answer = read(&mut connection);
        assert!(answer.contains("\"rejected\":[]"), "{answer}");
    }
    let acknowledged = records as f64 / started.elapsed().as_secs_f64();
    let mut indexed = 0.0;
    if index == "on" {
        while !get(admin, own.trim(), "/admin/v1/status").contains("\"waiting\":0,\"skipped\":0") {
            std::thread::sleep(Duration::from_millis(20));
        }
        indexed = records as f64 / started.elapsed().as_secs_f64();
    }
    if has_look_ups {
        look_ups(admin, own.trim(), records);
    }
    runtime.block_on(relay.stop());
    Run {
        acknowledged,
        indexed,
        disk: bytes(&dir.path().join("index")),
        json: json as f64,
    }
}

fn look_ups(admin: SocketAddr, token: &str, records: usize) {
    let rounds = (records / 1_000).clamp(5, 300);
    println!("\n{:<44} {:>9} {:>9}", "", "p50 ms", "p99 ms");
    type Asked = fn(usize) -> String;
    let rows: [(&str, Asked); 4] = [
        ("timeline of a user, 10 min to each side", |n| {
            let user = n * 37 % USERS;
            let at = time(user);
            format!("timeline?user=user-{user}&at={at}Z")
        }),
        ("timeline of a session", |n| {
            format!("timeline?session=session-{}", n * 37 % USERS)
        }),
        ("records of a user in 30 days, 100 of them", |n| {
            let user = n * 37 % USERS;
            format!("records?q=user:user-{user}&from=2026-11-01T00:00Z&to=2026-12-01T00:00Z")
        }),
        ("full text within a day", |n| {
            let words = format!("depot%20part-{}", n % 60);
            format!("records?q={words}&from=2026-11-15T00:00Z&to=2026-11-16T00:00Z")
        }),
    ];
    for (name, path) in rows {
        let mut times: Histogram<u64> = Histogram::new(3).expect("a histogram");
        for n in 0..rounds {
            let path = format!("/admin/v1/{}", path(n));
            let started = Instant::now();
            let answer = get(admin, token, &path);
            let micros = started.elapsed().as_micros();
            assert!(answer.contains("\"rows\""), "{answer:.400}");
            times
                .record(u64::try_from(micros).expect("it is short"))
                .expect("it fits");
        }
        let at = |quantile| times.value_at_quantile(quantile) as f64 / 1_000.0;
        println!("{name:<44} {:>9.1} {:>9.1}", at(0.5), at(0.99));
    }
}

/// A batch: each record of another user, spread over 30 days.
fn body(batch: usize) -> String {
    let logs: Vec<String> = (batch * BATCH..(batch + 1) * BATCH)
        .map(|n| {
            let user = n % USERS;
            let at = time(n);
            let (level, error) = match n % 10 {
                0 => ("error", r#","error":"Timeout: no answer in 5 s","stackTrace":"   0: app::sync::upload\n             at src/sync.rs:41:9""#),
                _ => ("info", ""),
            };
            format!(
                r#"{{"q":"{n:016x}-000001f3-9c0d11e2","timestamp":"{at}:{:02}.{:03}Z","level":"{level}","logger":"app::sync::upload","message":"uploaded part-{} of the survey to the depot, all well","installId":"install-{user}","sessionId":"session-{user}","userId":"user-{user}","attributes":{{"http_status":200,"elapsed_ms":{n}.25,"retried":false,"part":{n},"route":"/api/v1/surveys","region":"eu-central"}},"spans":["request","upload"],"location":{{"file":"src/sync.rs","line":41}}{error}}}"#,
                n % 60,
                n % 1_000,
                n % 1_000
            )
        })
        .collect();
    format!(
        r#"{{"resource":{{"service.name":"field-app","service.version":"1.4.2","os.name":"linux"}},"context":{{"queue":"9f86d081884c7d65"}},"logs":[{}]}}"#,
        logs.join(",")
    )
}

/// When record `n` is logged, to the minute.
fn time(n: usize) -> String {
    let minute = n * 7_919 % (30 * 24 * 60);
    let (day, hour, minute) = (minute / 1_440 + 1, minute / 60 % 24, minute % 60);
    format!("2026-11-{day:02}T{hour:02}:{minute:02}")
}

fn get(admin: SocketAddr, token: &str, path: &str) -> String {
    let mut connection = TcpStream::connect(admin).expect("connected");
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer {token}\r\n\r\n");
    connection.write_all(request.as_bytes()).expect("sent");
    read(&mut connection)
}

/// One answer, by its `Content-Length`.
fn read(connection: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut block = [0; 16 * 1024];
    loop {
        let text = String::from_utf8_lossy(&answer);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            });
            if length.is_some_and(|length: usize| body.len() >= length) {
                return text.into_owned();
            }
        }
        let read = connection.read(&mut block).expect("an answer");
        assert!(read > 0, "{text}");
        answer.extend(block.iter().take(read));
    }
}

fn bytes(dir: &Path) -> f64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let lengths = entries.map(|entry| entry.metadata().map_or(0, |data| data.len()));
    lengths.sum::<u64>() as f64
}
