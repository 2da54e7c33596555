//! An upstream that reads requests and keeps nothing, so that it costs next to nothing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// A running upstream.
pub struct Sink {
    pub endpoint: String,
    is_away: Arc<AtomicBool>,
}

impl Sink {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let is_away = Arc::new(AtomicBool::new(false));
        let away = Arc::clone(&is_away);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let away = Arc::clone(&away);
                // The other side may go at any time: that is no failure of the bench.
                thread::spawn(move || drop(answer(stream, &away)));
            }
        });
        Self { endpoint, is_away }
    }

    /// From now on it answers 503, or takes everything again.
    pub fn set_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::Relaxed);
    }
}

fn answer(mut stream: TcpStream, is_away: &AtomicBool) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(1 << 16, stream.try_clone()?);
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
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink())?;
        let status = if is_away.load(Ordering::Relaxed) {
            "503 Service Unavailable\r\nretry-after: 1"
        } else {
            "200 OK"
        };
        stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes())?;
    }
}
