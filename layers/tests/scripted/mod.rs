//! A transport that answers by a script, and a queue and sender to try it on.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tracing_courier::queue::{Context, Durability, Line};
use tracing_courier::send::{Answer, BackendBuilder, Report, Request, Transport};
use tracing_courier::{Backend, DiskQueue, Guard};

/// Long enough for a slow machine; no test waits for it.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub type Script = Box<dyn FnMut(&Value, Option<&str>) -> Answer + Send>;

/// Answers by a script, and keeps the bodies.
pub struct Scripted {
    script: Script,
    bodies: Arc<Mutex<Vec<Value>>>,
}

impl Scripted {
    pub fn new(
        script: impl FnMut(&Value, Option<&str>) -> Answer + Send + 'static,
        bodies: Arc<Mutex<Vec<Value>>>,
    ) -> Self {
        Self {
            script: Box::new(script),
            bodies,
        }
    }
}

impl Transport for Scripted {
    fn post(&mut self, request: &Request<'_>) -> Answer {
        let body: Value = serde_json::from_slice(request.body).expect("a body is JSON");
        let answer = (self.script)(&body, request.token);
        self.bodies.lock().unwrap().push(body);
        answer
    }

    fn endpoint(&self) -> &str {
        "scripted"
    }
}

pub struct Trial {
    pub _dir: tempfile::TempDir,
    pub queue: DiskQueue,
    pub backend: Guard<Backend>,
    pub bodies: Arc<Mutex<Vec<Value>>>,
}

impl Trial {
    /// A queue with `records` numbered records, and a sender over `script`.
    pub fn new(
        records: u64,
        script: impl FnMut(&Value, Option<&str>) -> Answer + Send + 'static,
    ) -> Self {
        Self::with(records, script, |backend| backend.token("t-1"))
    }

    /// The same, with settings.
    pub fn with(
        records: u64,
        script: impl FnMut(&Value, Option<&str>) -> Answer + Send + 'static,
        settings: impl FnOnce(BackendBuilder) -> BackendBuilder,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let queue = DiskQueue::open(dir.path()).unwrap();
        let object = |value: Value| value.as_object().unwrap().clone();
        queue.set_context(&Context::new(
            object(json!({"installId": "i-1"})),
            object(json!({"service.name": "trial"})),
        ));
        append(&queue, 0..records);
        let bodies = Arc::default();
        let backend = Backend::by(Scripted::new(script, Arc::clone(&bodies)))
            .drop_deadline(Duration::from_millis(1));
        let backend = settings(backend).start(&queue).unwrap();
        Self {
            _dir: dir,
            queue,
            backend,
            bodies,
        }
    }

    pub fn flush(&self) -> Report {
        self.backend.flush(PATIENCE)
    }

    /// The numbers that went out, request by request.
    pub fn sent(&self) -> Vec<Vec<u64>> {
        self.bodies.lock().unwrap().iter().map(numbers).collect()
    }

    pub fn put_aside(&self) -> Vec<(u64, String)> {
        let path = self
            .queue
            .root()
            .join(format!("q-{}", self.queue.id()))
            .join("rejected.jsonl");
        std::fs::read_to_string(path)
            .unwrap_or_default()
            .lines()
            .map(|line| {
                let record: Value = serde_json::from_str(line).unwrap();
                (
                    number(&record).unwrap(),
                    record["reason"].as_str().unwrap().to_owned(),
                )
            })
            .collect()
    }
}

pub fn append(queue: &DiskQueue, numbers: std::ops::Range<u64>) {
    for n in numbers {
        let mut line = Line::new();
        let record = format!(
            r#""timestamp":"2026-02-06T12:00:00Z","level":"info","message":"m","attributes":{{"n":{n}}}}}"#
        );
        line.body().extend_from_slice(record.as_bytes());
        let _ = queue.append(&mut line, Durability::PageCache);
    }
}

/// The numbers of a body's records; a loss record of the queue's own has none.
pub fn numbers(body: &Value) -> Vec<u64> {
    let records = body["logs"].as_array().unwrap();
    records.iter().filter_map(number).collect()
}

pub fn number(record: &Value) -> Option<u64> {
    record["attributes"]["n"].as_u64()
}

/// This status with nothing else, as anything between here and the relay may answer it.
pub fn status(status: u16) -> Answer {
    Answer::new(status, Vec::new()).with_retry_after(Duration::ZERO)
}

/// This status as a relay answers it.
pub fn refusal(code: u16) -> Answer {
    status(code).with_body(br#"{"error":"on purpose"}"#.to_vec())
}

pub fn receipt(body: &Value) -> Answer {
    let accepted = body["logs"].as_array().unwrap().len();
    status(200).with_body(
        json!({"accepted": accepted, "duplicates": 0, "rejected": []})
            .to_string()
            .into_bytes(),
    )
}
