//! Servers on loopback that fail their clients.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// What a server answers to its only request.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// This, byte by byte.
    Text(&'static str),
    /// A redirect to itself, to each request.
    RedirectToItself,
    /// Nothing, for half a second.
    Silence,
}

/// Starts a server on a free port of loopback and returns its URL. Its thread ends after 16 requests at the latest,
/// or with the program.
///
/// # Errors
/// There is no free port.
pub fn start(answer: Answer) -> std::io::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let url = format!("http://{}/", listener.local_addr()?);
    let location = url.clone();
    thread::spawn(move || {
        for stream in listener.incoming().take(16).flatten() {
            let _ = serve(stream, answer, &location);
        }
    });
    Ok(url)
}

/// An address of loopback on which nobody listens.
///
/// # Errors
/// There is no free port.
pub fn nobody() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

fn serve(mut stream: TcpStream, answer: Answer, url: &str) -> std::io::Result<()> {
    let mut head = BufReader::new(stream.try_clone()?).take(8_192);
    let mut line = String::new();
    while head.read_line(&mut line)? > 2 {
        line.clear();
    }
    match answer {
        Answer::Text(text) => stream.write_all(text.as_bytes()),
        Answer::RedirectToItself => write!(
            stream,
            "HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ),
        Answer::Silence => {
            thread::sleep(Duration::from_millis(500));
            Ok(())
        }
    }
}
