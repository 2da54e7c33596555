//! Clients that send batches over connections of their own, one request in flight each.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::process::Relay;

/// Records in a batch.
const RECORDS: usize = 100;

/// Some connections to a relay.
pub struct Load {
    addr: String,
    token: String,
    connections: usize,
    /// Tells the queues of one load from those of another.
    round: usize,
    pace: Option<Duration>,
}

/// What came of it.
pub struct Done {
    pub records: u64,
    micros: Histogram<u64>,
}

impl Done {
    /// The time that this part of the requests took at most.
    pub fn millis(&self, part: f64) -> f64 {
        self.micros.value_at_quantile(part) as f64 / 1e3
    }
}

impl Load {
    pub fn new(relay: &Relay, connections: usize, round: usize) -> Self {
        Self {
            addr: relay.addr.clone(),
            token: relay.token.clone(),
            connections,
            round,
            pace: None,
        }
    }

    /// One request of each connection in this time, and not as fast as they go.
    pub fn paced(mut self, pace: Duration) -> Self {
        self.pace = Some(pace);
        self
    }

    /// Sends for so long.
    pub fn run(&self, time: Duration) -> Done {
        let end = Instant::now() + time;
        self.until(&|| Instant::now() >= end)
    }

    /// Sends until it is so; asked before each request.
    pub fn until(&self, is_over: &(impl Fn() -> bool + Sync)) -> Done {
        let mut all = Done {
            records: 0,
            micros: Histogram::new(3).expect("three digits are allowed"),
        };
        thread::scope(|scope| {
            let connections: Vec<_> = (0..self.connections)
                .map(|connection| scope.spawn(move || self.connection(connection, is_over)))
                .collect();
            for connection in connections {
                let done = connection.join().expect("a connection ends well");
                all.records += done.records;
                all.micros.add(&done.micros).expect("both grow");
            }
        });
        all
    }

    fn connection(&self, connection: usize, is_over: &impl Fn() -> bool) -> Done {
        let queue = format!("{:08x}{connection:08x}", self.round);
        let (mut body, places) = body(&queue);
        let head = format!(
            "POST /api/v1/logs HTTP/1.1\r\nhost: relay\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.token,
            body.len()
        );
        let mut stream = TcpStream::connect(&self.addr).expect("the relay listens");
        stream.set_nodelay(true).expect("it is set");
        let mut answers = BufReader::new(stream.try_clone().expect("the same connection"));
        let mut done = Done {
            records: 0,
            micros: Histogram::new(3).expect("three digits are allowed"),
        };
        let mut next = Instant::now();
        while !is_over() {
            for (place, seq) in places.iter().zip(done.records..) {
                body[*place..place + 16].copy_from_slice(format!("{seq:016x}").as_bytes());
            }
            if let Some(pace) = self.pace {
                next += pace;
                thread::sleep(next.saturating_duration_since(Instant::now()));
            }
            let started = Instant::now();
            stream.write_all(head.as_bytes()).expect("it is sent");
            stream.write_all(&body).expect("it is sent");
            let receipt = answer(&mut answers);
            done.micros
                .record(started.elapsed().as_micros() as u64)
                .expect("it grows");
            assert!(receipt.contains("\"accepted\":100"), "{receipt}");
            done.records += RECORDS as u64;
        }
        done
    }
}

fn answer(answers: &mut BufReader<TcpStream>) -> String {
    let (mut length, mut line, mut status) = (0, String::new(), String::new());
    loop {
        line.clear();
        answers.read_line(&mut line).expect("a head");
        if status.is_empty() {
            status = line.clone();
        }
        let lower = line.trim_end().to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if lower.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    answers.read_exact(&mut body).expect("a body");
    format!("{status}{}", String::from_utf8_lossy(&body))
}

/// How long a record is on the wire.
pub fn record_bytes() -> usize {
    body("").0.len() / RECORDS
}

/// A batch as `tracing-courier` sends it, seven typed attributes each, every tenth an error; and where the seqs stand.
fn body(queue: &str) -> (Vec<u8>, Vec<usize>) {
    let logs: Vec<String> = (0..RECORDS)
        .map(|n| {
            let (level, error) = if n % 10 == 0 {
                let stack = r#","error":"Timeout: no answer in 5 s","stackTrace":"   0: app::sync::upload\n             at src/sync.rs:41:9\n   1: app::main\n             at src/main.rs:12:5""#;
                ("error", stack)
            } else {
                ("info", "")
            };
            format!(
                r#"{{"q":"SEQ-SEQ-SEQ-SEQ--000001f3-9c0d11e2","timestamp":"2026-02-06T12:00:00.{n:06}Z","level":"{level}","logger":"app::sync::upload","message":"uploaded part {n} of the survey to the depot, all well","attributes":{{"http_status":200,"elapsed_ms":{n}.25,"retried":false,"part":{n},"route":"/api/v1/surveys","region":"eu-central","peer":"depot-7"}},"spans":["request","upload"],"location":{{"file":"src/sync.rs","line":41}}{error}}}"#
            )
        })
        .collect();
    let body = format!(
        r#"{{"resource":{{"service.name":"field-app","service.version":"1.4.2","os.name":"linux","host.arch":"x86_64"}},"context":{{"queue":"{queue}","installId":"7d0f4c0e-7a2b-4f7e-9a51-0d6c3d7b1a11","sessionId":"0e2f7c1a-2b3c-4d5e-8f90-123456789abc","userId":"user-abc"}},"logs":[{}]}}"#,
        logs.join(",")
    );
    let places = body
        .match_indices("SEQ-SEQ-SEQ-SEQ-")
        .map(|(place, _)| place)
        .collect();
    (body.into_bytes(), places)
}
