//! A network on which requests arrive and answers get lost.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Between a program and a relay. The threads of its connections end with them.
pub struct Lossy {
    addr: String,
    lost: Arc<AtomicUsize>,
}

impl Lossy {
    /// Passes everything to `addr`, and loses the first so many answers: the connection ends instead.
    pub fn start(addr: &str, answers: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let own = listener.local_addr().expect("an address").to_string();
        let lost = Arc::new(AtomicUsize::new(0));
        let (to, count) = (addr.to_owned(), Arc::clone(&lost));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (to, count) = (to.clone(), Arc::clone(&count));
                std::thread::spawn(move || pass(&client, &to, &count, answers));
            }
        });
        Self { addr: own, lost }
    }

    /// The base URL, for `--relay`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// How many answers were lost so far.
    pub fn lost(&self) -> usize {
        self.lost.load(Ordering::SeqCst)
    }
}

fn pass(client: &TcpStream, to: &str, lost: &AtomicUsize, answers: usize) {
    let Ok(relay) = TcpStream::connect(to) else {
        return;
    };
    std::thread::scope(|scope| {
        scope.spawn(|| copy(client, &relay, || true));
        // An answer of the relay comes in one piece: it is short.
        copy(&relay, client, || {
            lost.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |so_far| {
                (so_far < answers).then_some(so_far + 1)
            })
            .is_err()
        });
    });
}

/// Copies until the end, or until `may_pass` says no.
fn copy(mut from: &TcpStream, mut to: &TcpStream, mut may_pass: impl FnMut() -> bool) {
    let mut bytes = [0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if !may_pass() || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    // Both ways: then the other direction ends too.
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
