//! A backend that has every bad habit: it answers, refuses, hangs, hangs up and forgets, by chance.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;

/// What it does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mood {
    Takes,
    TakesAPart,
    Away,
    TooMuch,
    Unauthorized,
    HangsUp,
    Silent,
    SaysGarbage,
    SaysMuch,
}

/// A running backend.
#[derive(Clone)]
pub struct Flapping {
    pub endpoint: String,
    state: Arc<Mutex<State>>,
}

/// What has happened to it.
#[derive(Default)]
struct State {
    /// The messages of each request that was answered with 200, in order.
    taken: Vec<Vec<String>>,
    /// Messages refused by partial success.
    refused: Vec<String>,
    /// How often it was in each mood.
    moods: HashMap<Mood, usize>,
    /// It only takes, and refuses what is poisoned.
    is_calm: bool,
    unauthorized_until: Option<Instant>,
    chance: u64,
}

/// A message that is answered with 400 wherever it is.
pub const POISON: &str = "poison";

impl Flapping {
    pub fn start(seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(Mutex::new(State {
            chance: seed,
            ..State::default()
        }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                // A relay that is killed breaks its connections.
                thread::spawn(move || drop(serve(stream, &state)));
            }
        });
        Self { endpoint, state }
    }

    /// From now on it takes everything but poison.
    pub fn calm(&self) {
        self.state().is_calm = true;
    }

    /// The messages of each request that it took, in order.
    pub fn taken(&self) -> Vec<Vec<String>> {
        self.state().taken.clone()
    }

    /// How many requests it took.
    pub fn requests(&self) -> usize {
        self.state().taken.len()
    }

    /// The messages that it refused although it took their request.
    pub fn refused(&self) -> Vec<String> {
        self.state().refused.clone()
    }

    /// How often it was in each mood.
    pub fn moods(&self) -> HashMap<Mood, usize> {
        self.state().moods.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics with it")
    }
}

impl State {
    fn mood(&mut self) -> Mood {
        let now = Instant::now();
        if self.is_calm {
            return Mood::Takes;
        }
        if self.unauthorized_until.is_some_and(|until| now < until) {
            return Mood::Unauthorized;
        }
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        match (self.chance >> 32) % 20 {
            0..10 => Mood::Takes,
            10..12 => Mood::TakesAPart,
            12..14 => Mood::Away,
            14 => Mood::TooMuch,
            15 => Mood::HangsUp,
            16 => Mood::Silent,
            17 => Mood::SaysGarbage,
            18 => Mood::SaysMuch,
            _ => {
                self.unauthorized_until = Some(now + Duration::from_millis(1500));
                Mood::Unauthorized
            }
        }
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let (mut length, mut line) = (0, String::new());
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let messages = messages(&body);
        // What is taken is noted before it is answered, and under one lock: the order of the list is the order of time.
        let mut held = state.lock().expect("no test panics with it");
        let mood = held.mood();
        if messages.iter().any(|message| message == POISON)
            && matches!(mood, Mood::Takes | Mood::TakesAPart)
        {
            drop(held);
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 3\r\n\r\nbad")?;
            continue;
        }
        *held.moods.entry(mood).or_default() += 1;
        match mood {
            Mood::Takes => {
                if !messages.is_empty() {
                    held.taken.push(messages);
                }
                drop(held);
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
            }
            Mood::TakesAPart => {
                let refused = i64::from(!messages.is_empty());
                held.refused.extend(messages.first().cloned());
                held.taken.push(messages.into_iter().skip(1).collect());
                drop(held);
                let partial = ExportLogsPartialSuccess {
                    rejected_log_records: refused,
                    error_message: "too old\u{1b}[31m".to_owned(),
                };
                let said = ExportLogsServiceResponse {
                    partial_success: Some(partial),
                }
                .encode_to_vec();
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: {}\r\n\r\n",
                    said.len()
                );
                stream.write_all(head.as_bytes())?;
                stream.write_all(&said)?;
            }
            Mood::Away => {
                stream
                    .write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")?;
            }
            Mood::TooMuch => stream.write_all(
                b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n",
            )?,
            Mood::Unauthorized => {
                stream.write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n")?;
            }
            Mood::HangsUp => return Ok(()),
            Mood::Silent => {
                drop(held);
                // Longer than between two kills: the relay must get over it by itself or be killed over it.
                let mut rest = Vec::new();
                stream.set_read_timeout(Some(Duration::from_secs(3)))?;
                let _ = reader.read_to_end(&mut rest);
                return Ok(());
            }
            Mood::SaysGarbage => {
                stream.write_all(b"\x16\x03\x01 this is no HTTP\r\n\r\n")?;
                return Ok(());
            }
            Mood::SaysMuch => {
                drop(held);
                let head = "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 100000000\r\n\r\n";
                stream.write_all(head.as_bytes())?;
                for _ in 0..100 {
                    stream.write_all(&[b'x'; 1_000_000])?;
                }
            }
        }
    }
}

fn messages(body: &[u8]) -> Vec<String> {
    let mut raw = Vec::new();
    flate2::read::GzDecoder::new(body)
        .read_to_end(&mut raw)
        .expect("it is gzip");
    let request = ExportLogsServiceRequest::decode(&raw[..]).expect("it is a request");
    let scopes = request
        .resource_logs
        .into_iter()
        .flat_map(|logs| logs.scope_logs);
    scopes
        .flat_map(|scope| scope.log_records)
        .map(|record| match record.body.and_then(|body| body.value) {
            Some(Value::StringValue(text)) => text,
            other => panic!("a body is text, not {other:?}"),
        })
        .collect()
}
