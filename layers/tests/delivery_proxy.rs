//! A proxy that the environment names carries https to other machines, as curl would have it, and nothing else.
//!
//! One test in a file of its own: the environment is the process's.
#![cfg(feature = "http")]
#![allow(unsafe_code)]

mod scripted;
mod tls;
mod wire_server;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scripted::{PATIENCE, append};
use tls::Tls;
use tracing_courier::send::{BackendBuilder, WhyStopped};
use tracing_courier::{Backend, DiskQueue};
use wire_server::Server;

/// A proxy for `CONNECT` and SOCKS 5 that leads everybody to one port of this machine.
struct Proxy {
    port: u16,
    /// What it was asked for, and every byte that went through it.
    asked: Arc<Mutex<Vec<String>>>,
    carried: Arc<Mutex<Vec<u8>>>,
}

impl Proxy {
    fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (asked, carried) = (Arc::<Mutex<Vec<String>>>::default(), Arc::default());
        let proxy = Self {
            port,
            asked: Arc::clone(&asked),
            carried: Arc::clone(&carried),
        };
        std::thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let mut first = [0];
                client.read_exact(&mut first).unwrap();
                let line = match first[0] {
                    5 => socks(&mut client),
                    _ => connect(&mut client, first[0]),
                };
                asked.lock().unwrap().push(line);
                let target = TcpStream::connect(("127.0.0.1", target)).unwrap();
                carry(
                    client.try_clone().unwrap(),
                    target.try_clone().unwrap(),
                    &carried,
                );
                carry(target, client, &carried);
            }
        });
        proxy
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

fn connect(client: &mut TcpStream, first: u8) -> String {
    let (mut head, mut byte) = (vec![first], [0]);
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    client.write_all(b"HTTP/1.1 200 ok\r\n\r\n").unwrap();
    let head = String::from_utf8(head).unwrap();
    assert!(
        !head.to_ascii_lowercase().contains("authorization"),
        "{head}"
    );
    head.lines().next().unwrap().to_owned()
}

/// RFC 1928, without authentication.
fn socks(client: &mut TcpStream) -> String {
    let mut read = |bytes: usize| {
        let mut buffer = vec![0; bytes];
        client.read_exact(&mut buffer).unwrap();
        buffer
    };
    let methods = read(1)[0];
    read(methods.into());
    client.write_all(&[5, 0]).unwrap();
    let mut read = |bytes: usize| {
        let mut buffer = vec![0; bytes];
        client.read_exact(&mut buffer).unwrap();
        buffer
    };
    assert_eq!(read(4), [5, 1, 0, 3], "connect to a name");
    let length = read(1)[0];
    let name = String::from_utf8(read(length.into())).unwrap();
    let port = read(2);
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
    format!("SOCKS {name}:{}", u16::from_be_bytes([port[0], port[1]]))
}

fn carry(mut from: TcpStream, mut to: TcpStream, carried: &Arc<Mutex<Vec<u8>>>) {
    let carried = Arc::clone(carried);
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            carried.lock().unwrap().extend_from_slice(&buffer[..read]);
            let _ = to.write_all(&buffer[..read]);
        }
    });
}

fn set(name: &str, value: &str) {
    // SAFETY: no other thread of this test reads the environment: the senders of before have ended.
    unsafe { std::env::set_var(name, value) };
}

/// Sends three records; how many are still here after `deadline`.
fn pending(backend: BackendBuilder, deadline: Duration) -> u64 {
    let dir = tempfile::tempdir().unwrap();
    let queue = DiskQueue::open(dir.path()).unwrap();
    append(&queue, 0..3);
    let backend = backend.token("t-1").drop_deadline(Duration::from_millis(1));
    let backend = backend.start(&queue).unwrap();
    let report = backend.flush(deadline);
    let handle = Backend::clone(&backend);
    drop(backend);
    // The sender's thread has ended.
    while handle.flush(PATIENCE).why_stopped != WhyStopped::Stopped {}
    report.pending
}

#[test]
fn the_proxy_of_the_environment_carries_https_to_other_machines_and_nothing_else() {
    let short = Duration::from_millis(700);
    let tls = Tls::new();
    let (plain, relay) = (Server::start(vec![]), tls.serve());
    let port: u16 = relay.url().rsplit(':').next().unwrap().parse().unwrap();
    let proxy = Proxy::to(port);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        set(name, &format!("http://127.0.0.1:{}", proxy.port));
    }
    let loopback = || Backend::builder(relay.url()).root_certificates(&tls.root);
    let away = || {
        let url = format!("https://relay.example:{port}");
        Backend::builder(url).root_certificates(&tls.root)
    };

    // A relay on this machine is never asked through a proxy, with TLS or without.
    assert_eq!(pending(Backend::builder(plain.url()), PATIENCE), 0);
    assert_eq!(pending(loopback(), PATIENCE), 0);
    // Nor is one over plain http: the proxy would read records and token.
    let clear = Backend::builder("http://relay.invalid").allow_plain_http();
    assert_eq!(pending(clear, short), 3);
    assert_eq!(proxy.asked(), [""; 0]);

    // Another one is, by name, in a tunnel.
    assert_eq!(pending(away(), PATIENCE), 0);
    assert_eq!(
        proxy.asked(),
        [format!("CONNECT relay.example:{port} HTTP/1.1")]
    );
    for excepted in ["*", "relay.example", &format!("relay.example:{port}")] {
        set("NO_PROXY", excepted);
        assert_eq!(
            pending(away(), short),
            3,
            "{excepted}: nobody has that name"
        );
        assert_eq!(proxy.asked(), [""; 0], "{excepted}");
    }
    set("NO_PROXY", "relay.example:1, other.example");
    assert_eq!(pending(away().without_proxy(), short), 3);
    assert_eq!(proxy.asked(), [""; 0]);

    // By SOCKS too.
    set(
        "HTTPS_PROXY",
        &format!("socks5h://127.0.0.1:{}", proxy.port),
    );
    assert_eq!(pending(away(), PATIENCE), 0);
    assert_eq!(proxy.asked(), [format!("SOCKS relay.example:{port}")]);

    assert_eq!(plain.seen().len(), 1);
    assert_eq!(relay.seen().len(), 3);
    let carried = proxy.carried.lock().unwrap();
    let carried = String::from_utf8_lossy(&carried);
    assert!(
        !carried.contains("t-1") && !carried.contains("/api/v1"),
        "it saw bytes of TLS"
    );
}
