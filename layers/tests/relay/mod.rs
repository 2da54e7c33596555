//! A server that takes whatever is sent, gives a receipt for each batch, and keeps the records; to anything else it says
//! hello.
#![allow(dead_code, reason = "no test needs all of it")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use flate2::read::GzDecoder;
use serde_json::{Value, json};

/// The records that were sent, each with the `context` of its batch.
#[derive(Clone, Default)]
pub struct Server(pub Arc<Mutex<Vec<Value>>>);

impl Server {
    /// Starts it, and says on which port of this machine.
    pub fn start() -> (u16, Self) {
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

    /// The records so far; they are forgotten.
    pub fn take(&self) -> Vec<Value> {
        std::mem::take(&mut *self.0.lock().unwrap())
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
            let answer = match headers.get("content-encoding").map(String::as_str) {
                Some("gzip") => self.receive(&body),
                _ => "hello".to_owned(),
            };
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
                answer.len()
            );
            writer
                .write_all(format!("{head}{answer}").as_bytes())
                .ok()?;
        }
    }

    fn receive(&self, body: &[u8]) -> String {
        let mut text = String::new();
        GzDecoder::new(body).read_to_string(&mut text).unwrap();
        let mut batch: Value = serde_json::from_str(&text).unwrap();
        let Value::Array(mut records) = batch["logs"].take() else {
            unreachable!("a batch has logs");
        };
        let receipt = json!({"accepted": records.len(), "duplicates": 0, "rejected": []});
        for record in &mut records {
            record["context"] = batch["context"].clone();
        }
        self.0.lock().unwrap().extend(records);
        receipt.to_string()
    }
}
