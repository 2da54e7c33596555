//! Eyes and ears: what was printed, what lay on disk, what went over the wire and what came back.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing_courier::send::{Answer, EndpointError, Http, Request, Transport};
use tracing_subscriber::fmt::MakeWriter;

/// Where the `fmt` layer writes.
#[derive(Clone, Default)]
pub struct Printed(Arc<Mutex<Vec<u8>>>);

impl Printed {
    pub fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl io::Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Printed {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// A network that is away at first, and what went over it then.
#[derive(Clone)]
pub struct Witness {
    url: String,
    back_at: Instant,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    requests: Vec<String>,
    answers: Vec<String>,
}

impl Witness {
    pub fn new(url: &str, away: Duration) -> Result<Self, EndpointError> {
        Http::new(url)?;
        Ok(Self {
            url: url.to_owned(),
            back_at: Instant::now() + away,
            seen: Arc::default(),
        })
    }

    pub fn transport(&self) -> Result<Watched, EndpointError> {
        Ok(Watched {
            http: Http::new(&self.url)?,
            witness: self.clone(),
        })
    }

    /// The bodies that went out.
    pub fn requests(&self) -> Vec<String> {
        self.seen().requests.clone()
    }

    /// What came back, a line each.
    pub fn answers(&self) -> Vec<String> {
        self.seen().answers.clone()
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The real transport, watched.
pub struct Watched {
    http: Http,
    witness: Witness,
}

impl Transport for Watched {
    fn prepare(&mut self) {
        self.http.prepare();
    }

    fn post(&mut self, request: &Request<'_>) -> Answer {
        if Instant::now() < self.witness.back_at {
            let error = "no network".to_owned();
            self.witness.seen().answers.push(error.clone());
            return Answer::none(error);
        }
        let answer = self.http.post(request);
        let mut seen = self.witness.seen();
        seen.requests
            .push(String::from_utf8_lossy(request.body).into_owned());
        seen.answers.push(match (answer.status, &answer.error) {
            (Some(status), _) => format!("{status} {}", String::from_utf8_lossy(&answer.body)),
            (None, error) => format!("no answer: {error:?}"),
        });
        answer
    }

    fn endpoint(&self) -> &str {
        self.http.endpoint()
    }
}

/// The queue's lines as `cat` would show them.
pub fn lines_on_disk(dir: &Path) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    for queue in fs::read_dir(dir)? {
        let queue = queue?.path();
        if !queue.is_dir() {
            continue;
        }
        let mut segments: Vec<_> = fs::read_dir(&queue)?
            .filter_map(|file| Some(file.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
            .collect();
        segments.sort();
        for segment in segments {
            lines.extend(fs::read_to_string(segment)?.lines().map(str::to_owned));
        }
    }
    Ok(lines)
}
