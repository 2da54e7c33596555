//! A server over plain sockets that does as it is told, once for each request, and then answers as a relay does.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// What to do with one request.
#[derive(Clone, Debug)]
pub enum Act {
    /// A relay's receipt.
    Receipt,
    /// This status, with nothing else.
    Status(u16),
    /// This status, as a relay refuses.
    Refuse(u16),
    /// This status, with a page.
    Page(u16),
    /// This status, with this `Retry-After`.
    RetryAfter(u16, String),
    /// This status, with this `Location`.
    Redirect(u16, String),
    /// 200 with this body.
    Body(&'static str),
    /// This status, and a body of 100 MB.
    Endless(u16),
    /// 200, and a byte of the body every 50 ms.
    Slow,
    /// Takes the records, then resets the connection in the middle of its receipt.
    ResetInAnswer,
    /// Resets the connection in place of an answer.
    Reset,
}

/// A connection, with or without TLS.
pub trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

/// What came in, and what was done with it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub at: Instant,
    /// Request line and headers.
    pub head: String,
    pub act: Act,
    /// The body as it was sent.
    pub sent: Vec<u8>,
}

impl Seen {
    /// A header's value; empty if there is none.
    pub fn header(&self, name: &str) -> String {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let mut values = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        values
            .next()
            .map_or(String::new(), |(_, value)| value.trim().to_owned())
    }

    /// The body, inflated.
    pub fn body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        match self.header("content-encoding").as_str() {
            "gzip" => {
                let mut gzip = flate2::read::GzDecoder::new(&self.sent[..]);
                gzip.read_to_end(&mut body).expect("gzip");
            }
            _ => body.clone_from(&self.sent),
        }
        body
    }

    /// The records.
    pub fn records(&self) -> Vec<Value> {
        let body: Value = serde_json::from_slice(&self.body()).expect("a body is JSON");
        body["logs"].as_array().expect("logs").clone()
    }

    /// The queue that the records were written to.
    pub fn queue(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body()).expect("a body is JSON");
        body["context"]["queue"]
            .as_str()
            .expect("its id")
            .to_owned()
    }

    /// The numbers of the records.
    pub fn numbers(&self) -> Vec<u64> {
        let records = self.records();
        let numbers = records
            .iter()
            .filter_map(|record| record["attributes"]["n"].as_u64());
        numbers.collect()
    }
}

/// Says what to do with a request.
type Script = Box<dyn FnMut(&Seen) -> Act + Send>;

struct State {
    script: Script,
    seen: Vec<Seen>,
    open: Vec<TcpStream>,
    written: usize,
}

pub struct Server {
    url: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    /// Does these, one for each request, and answers as a relay does after them.
    pub fn start(acts: Vec<Act>) -> Self {
        let mut acts = VecDeque::from(acts);
        Self::start_by(move |_| acts.pop_front().unwrap_or(Act::Receipt))
    }

    /// Does what this says.
    pub fn start_by(script: impl FnMut(&Seen) -> Act + Send + 'static) -> Self {
        let plain = |stream| Ok(Box::new(stream) as Box<dyn Stream>);
        Self::start_with("http://127.0.0.1", plain, script)
    }

    /// With connections wrapped into something else.
    pub fn start_with(
        base: &str,
        wrap: impl Fn(TcpStream) -> io::Result<Box<dyn Stream>> + Send + 'static,
        script: impl FnMut(&Seen) -> Act + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(Mutex::new(State {
            script: Box::new(script),
            seen: Vec::new(),
            open: Vec::new(),
            written: 0,
        }));
        std::thread::spawn({
            let state = Arc::clone(&state);
            move || {
                for stream in listener.incoming().flatten() {
                    let open = stream.try_clone().expect("a handle");
                    state.lock().unwrap().open.push(open);
                    if let Ok(stream) = wrap(stream) {
                        let state = Arc::clone(&state);
                        std::thread::spawn(move || serve(stream, &state));
                    }
                }
            }
        });
        Self {
            url: format!("{base}:{port}"),
            state,
        }
    }

    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().seen.clone()
    }

    /// Bytes of endless answers that went out.
    pub fn written(&self) -> usize {
        self.state.lock().unwrap().written
    }

    /// As a relay does that restarts.
    pub fn close_connections(&self) {
        for stream in std::mem::take(&mut self.state.lock().unwrap().open) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// One request after the other, until the connection ends.
fn serve(stream: Box<dyn Stream>, state: &Mutex<State>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            stream.read_line(&mut head).ok().filter(|&read| read > 0)?;
        }
        let mut seen = Seen {
            at: Instant::now(),
            head,
            act: Act::Receipt,
            sent: Vec::new(),
        };
        let length = seen.header("content-length").parse().unwrap_or(0);
        seen.sent.resize(length, 0);
        stream.read_exact(&mut seen.sent).ok()?;
        // Questions about levels are another server's business.
        if seen.head.starts_with("GET ") {
            whole(stream.get_mut(), 404, "", "")?;
            continue;
        }
        let act = (state.lock().unwrap().script)(&seen);
        seen.act = act.clone();
        let records = match act {
            Act::Receipt | Act::ResetInAnswer => seen.records().len(),
            _ => 0,
        };
        state.lock().unwrap().seen.push(seen);
        answer(stream.get_mut(), &act, records, state)?;
    }
}

fn answer(stream: &mut dyn Stream, act: &Act, records: usize, state: &Mutex<State>) -> Option<()> {
    let receipt = format!(r#"{{"accepted":{records},"duplicates":0,"rejected":[]}}"#);
    match act {
        Act::Receipt => whole(stream, 200, "", &receipt),
        Act::Status(status) => whole(stream, *status, "", ""),
        Act::Refuse(status) => whole(
            stream,
            *status,
            "content-type: application/json\r\n",
            r#"{"error":"on purpose"}"#,
        ),
        Act::Page(status) => whole(
            stream,
            *status,
            "content-type: text/html\r\n",
            "<html>please log in</html>",
        ),
        Act::RetryAfter(status, after) => {
            whole(stream, *status, &format!("retry-after: {after}\r\n"), "")
        }
        Act::Redirect(status, target) => {
            whole(stream, *status, &format!("location: {target}\r\n"), "")
        }
        Act::Body(body) => whole(stream, 200, "content-type: text/html\r\n", body),
        Act::Endless(status) => {
            head(stream, *status, "", 100_000_000)?;
            for _ in 0..1000 {
                stream.write_all(&[b'x'; 100_000]).ok()?;
                state.lock().unwrap().written += 100_000;
            }
            Some(())
        }
        Act::Slow => {
            head(stream, 200, "", 1000)?;
            loop {
                stream.write_all(b"x").ok()?;
                stream.flush().ok()?;
                // What it is told to do; nobody waits for it.
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        Act::ResetInAnswer => {
            head(stream, 200, "", receipt.len())?;
            let half = receipt.len() / 2;
            stream.write_all(&receipt.as_bytes()[..half]).ok()?;
            stream.flush().ok()?;
            None
        }
        Act::Reset => None,
    }
}

fn head(stream: &mut dyn Stream, status: u16, headers: &str, length: usize) -> Option<()> {
    let head = format!("HTTP/1.1 {status} x\r\n{headers}content-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()
}

fn whole(stream: &mut dyn Stream, status: u16, headers: &str, body: &str) -> Option<()> {
    head(stream, status, headers, body.len())?;
    stream.write_all(body.as_bytes()).ok()?;
    stream.flush().ok()
}
