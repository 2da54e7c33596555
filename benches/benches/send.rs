//! How fast does a backlog come home, what does that cost in memory, and how many requests does a storm of errors make?
//! And before all that: how long does a start take, and what does a program cost that is idle?
//!
//! `cargo bench -p courier-benches --bench send`; with `-- --test` everything runs once and small, for CI.
//! The server is a process of its own: it inflates each body, counts the records in it and answers with a receipt.
//! "One core" is the CPU time of the sender's thread: what the wall clock says depends on where the server runs.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use courier_benches::is_test_run;
use flate2::bufread::MultiGzDecoder;
use tracing_courier::queue::{DiskQueue, Durability, Fsync, Line};
use tracing_courier::send::{Compression, WhyStopped};
use tracing_courier::{Backend, Courier, SanitizeExt as _};
use tracing_subscriber::prelude::*;

/// Nobody waits for it.
const PATIENCE: Duration = Duration::from_secs(200);

/// Each in a process of its own, so that none finds the memory of another.
const ROWS: [(&str, usize, Compression); 3] = [
    ("gzip, 100 records a batch", 100, Compression::Gzip),
    ("gzip, 1,000 records a batch", 1000, Compression::Gzip),
    ("not compressed, 100 a batch", 100, Compression::None),
];

fn main() {
    let scale = if is_test_run() { 100 } else { 1 };
    let records = 1_000_000 / scale;
    let mut args = std::env::args().skip_while(|arg| !arg.starts_with("--as-"));
    match (args.next().as_deref(), args.next()) {
        (Some("--as-server"), _) => return serve(),
        (Some("--as-row"), Some(row)) => {
            let &(what, batch, compression) =
                ROWS.iter().find(|(what, ..)| *what == row).expect("a row");
            return drain(what, records, batch, compression);
        }
        (Some("--as-idle"), Some(kind)) => return idle(&kind, args.next()),
        (Some("--as-start"), Some(root)) => return start(&root),
        _ => {}
    }
    starts(if is_test_run() { 10 << 20 } else { 1 << 30 });
    idles();
    println!(
        "{:<31} {:>9} {:>9} {:>12} {:>12} {:>10}",
        "drained to a server on loopback", "requests", "wall", "records/s", "one core", "memory"
    );
    for (what, ..) in ROWS {
        let mut row = Command::new(std::env::current_exe().expect("this program"));
        if is_test_run() {
            row.arg("--test");
        }
        let status = row.args(["--as-row", what]).status().expect("it starts");
        assert!(status.success(), "{what}");
    }
    println!();
    storm(100_000 / scale);
}

/// Prints how long a start takes, with nothing and with much pending; the best of five processes each.
fn starts(pending_bytes: u64) {
    for bytes in [0, pending_bytes] {
        let root = tempfile::tempdir().expect("a temporary directory");
        if bytes > 0 {
            let queue = open(root.path());
            let mut line = Line::new();
            for n in 0.. {
                line.clear();
                line.body().extend_from_slice(body(n).as_bytes());
                let _ = queue.append(&mut line, Durability::PageCache);
                if n % 1000 == 0 && queue.pending().bytes >= bytes {
                    break;
                }
            }
        }
        let took = (0..5).map(|_| {
            let root = root.path().to_str().expect("text");
            said(&["--as-start", root])
                .trim()
                .parse::<f64>()
                .expect("a figure")
        });
        let best = took.fold(f64::INFINITY, f64::min);
        println!(
            "start and install with {} MiB pending: {best:.2} ms",
            bytes >> 20
        );
    }
}

/// One start, in milliseconds.
fn start(root: &str) {
    let before = Instant::now();
    let courier = Courier::builder("bench", "1")
        .dir(root)
        .max_bytes(2 << 30)
        // Nobody listens there, and nothing is sent so soon.
        .relay("http://127.0.0.1:9")
        .start()
        .expect("it starts");
    courier.install().expect("it is the first");
    let took = before.elapsed();
    println!("{}", took.as_secs_f64() * 1e3);
    // Without a last flush: this is about the start.
    std::process::exit(0);
}

/// Prints what an idle program is resident with.
fn idles() {
    let server = Server::start();
    let url = server.url();
    let kib = |args: &[&str]| said(args).trim().parse::<u64>().expect("a figure");
    let without = kib(&["--as-idle", "without"]);
    for kind in ["installed", "after a send"] {
        let with = kib(&["--as-idle", kind, &url]);
        println!(
            "idle, {kind}: +{:.1} MiB over the same program without ({:.1} MiB)",
            with.saturating_sub(without) as f64 / 1024.0,
            without as f64 / 1024.0
        );
    }
    println!();
}

/// One idle program, in KiB.
fn idle(kind: &str, url: Option<String>) {
    let root = tempfile::tempdir().expect("a temporary directory");
    let courier = url.map(|url| {
        let courier = Courier::builder("bench", "1")
            .dir(root.path())
            .relay(url)
            .start()
            .expect("it starts");
        courier.install().expect("it is the first");
        courier
    });
    if let Some(courier) = courier.as_ref().filter(|_| kind == "after a send") {
        tracing::debug!("not recorded");
        assert_eq!(courier.flush(PATIENCE).why_stopped, WhyStopped::Drained);
    }
    println!("{}", resident("VmRSS:"));
}

/// What this program says as another process.
fn said(args: &[&str]) -> String {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(args)
        .stderr(Stdio::inherit())
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{args:?}");
    String::from_utf8(output.stdout).expect("text")
}

fn open(root: &std::path::Path) -> DiskQueue {
    DiskQueue::builder(root)
        .max_bytes(2 << 30)
        .fsync(Fsync::Never)
        .open()
        .expect("a queue")
}

/// Drains a queue of records of about 300 bytes, and prints what it took.
fn drain(what: &str, records: usize, batch: usize, compression: Compression) {
    let root = tempfile::tempdir().expect("a temporary directory");
    let queue = open(root.path());
    let mut line = Line::new();
    for n in 0..records {
        line.clear();
        line.body().extend_from_slice(body(n).as_bytes());
        let _ = queue.append(&mut line, Durability::PageCache);
    }
    let server = Server::start();
    forget_peak();
    let idle = resident("VmRSS:");
    let backend = Backend::builder(server.url())
        .compression(compression)
        .batch_records(batch)
        .start(&queue)
        .expect("a sender");
    let start = Instant::now();
    let report = backend.flush(PATIENCE);
    let wall = start.elapsed();
    let cpu = sender_cpu();
    let peak = resident("VmHWM:");
    assert_eq!(report.why_stopped, WhyStopped::Drained);
    assert_eq!(report.delivered, records as u64);
    let (requests, received) = server.counted();
    assert_eq!(received, records);
    let per_second = |time: Duration| {
        let rate = records as f64 / time.as_secs_f64().max(f64::MIN_POSITIVE);
        format!("{rate:.0}")
    };
    println!(
        "{what:<31} {requests:>9} {:>9} {:>12} {:>12} {:>10}",
        format!("{:.2} s", wall.as_secs_f64()),
        per_second(wall),
        per_second(cpu),
        format!("+{:.1} MiB", peak.saturating_sub(idle) as f64 / 1024.0),
    );
}

/// Logs for a second, once infos and once errors, and prints how many requests that made.
fn storm(records: usize) {
    let info = stormed("info", records);
    let error = stormed("error", records);
    println!(
        "{records} infos: {info} requests; {records} errors, each of which wakes the sender: {error} requests"
    );
    // A test run is too short to tell a rule from the moment at which a batch ended.
    assert!(
        is_test_run() || error <= info,
        "a storm of errors makes more requests"
    );
}

fn stormed(level: &str, records: usize) -> usize {
    let server = Server::start();
    let root = tempfile::tempdir().expect("a temporary directory");
    let courier = Courier::builder("bench", "1")
        .dir(root.path())
        .max_bytes(1 << 30)
        .relay(server.url())
        .without_panic_hook()
        .start()
        .expect("a sender");
    let stack = tracing_subscriber::registry()
        .with(courier.layer())
        .sanitized(courier.sanitizer());
    let start = Instant::now();
    tracing::dispatcher::with_default(&stack.into(), || {
        for n in 0..records {
            // Spread over a second, as far as the logging itself is not slower.
            let due = Duration::from_secs_f64(n as f64 / records as f64);
            if n % 100 == 0 {
                std::thread::sleep(due.saturating_sub(start.elapsed()));
            }
            match level {
                "info" => tracing::info!(n, "upload failed"),
                _ => tracing::error!(n, "upload failed"),
            }
        }
    });
    let took = start.elapsed();
    let report = courier.flush(PATIENCE);
    assert_eq!(report.why_stopped, WhyStopped::Drained);
    let (requests, received) = server.counted();
    assert_eq!(received, records + 1, "and the start of the session");
    println!("  {records} {level}s logged in {:.2} s", took.as_secs_f64());
    requests
}

/// About 300 bytes on disk, as a record of five fields is.
fn body(n: usize) -> String {
    format!(
        "\"timestamp\":\"2026-02-06T12:00:00.{n:09}Z\",\"level\":\"info\",\"logger\":\"app::sync\",\
         \"message\":\"uploaded one more file\",\"attributes\":{{\"n\":{n:>7},\"bytes\":{},\"took_ms\":12.5,\
         \"path\":\"report.pdf\",\"ok\":true}},\"spans\":[\"request\"],\"location\":{{\"file\":\"src/sync.rs\",\"line\":41}}}}",
        n.wrapping_mul(2_654_435_761) % 1_000_000
    )
}

/// CPU time of the sender's thread, which still runs.
fn sender_cpu() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux");
    let nanos: u64 = tasks
        .filter_map(|task| {
            let task = task.ok()?.path();
            let name = fs::read_to_string(task.join("comm")).ok()?;
            let stat = fs::read_to_string(task.join("schedstat")).ok()?;
            (name.trim() == "courier-send").then(|| stat.split(' ').next()?.parse().ok())?
        })
        .max()
        .unwrap_or_default();
    Duration::from_nanos(nanos)
}

/// A figure of `/proc/self/status`, in KiB.
fn resident(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kib.expect("a figure")
}

/// From here on `VmHWM` is the peak.
fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").expect("Linux");
}

/// A process that answers as a relay does, and counts.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start() -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut child = Command::new(program)
            .arg("--as-server")
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped"))
            .read_line(&mut line)
            .expect("its port");
        let port = line.trim().parse().expect("a port");
        Self { child, port }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Requests and records so far.
    fn counted(&self) -> (usize, usize) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.write_all(b"count\r\n\r\n").expect("it reads");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("it answers");
        let (requests, records) = text.split_once(' ').expect("two figures");
        (
            requests.parse().expect("a figure"),
            records.parse().expect("a figure"),
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves one connection after the other.
fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("{}", listener.local_addr().expect("an address").port());
    let counts = std::sync::Arc::new(std::sync::Mutex::new((0, 0)));
    for stream in listener.incoming().flatten() {
        let counts = std::sync::Arc::clone(&counts);
        std::thread::spawn(move || answer_all(stream, &counts));
    }
}

fn answer_all(stream: TcpStream, counts: &std::sync::Mutex<(usize, usize)>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::with_capacity(64 * 1024, stream);
    let (mut body, mut inflated) = (Vec::new(), Vec::new());
    loop {
        let (mut length, mut is_gzip, mut line) = (0, false, String::new());
        reader.read_line(&mut line).ok().filter(|&read| read > 0)?;
        if line.starts_with("count") {
            let (requests, records) = *counts.lock().ok()?;
            return write!(reader.get_mut(), "{requests} {records}").ok();
        }
        while line.trim() != "" {
            line.clear();
            reader.read_line(&mut line).ok()?;
            let header = line.to_ascii_lowercase();
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            is_gzip |= header.starts_with("content-encoding: gzip");
        }
        body.resize(length, 0);
        reader.read_exact(&mut body).ok()?;
        inflated.clear();
        if is_gzip {
            MultiGzDecoder::new(&body[..])
                .read_to_end(&mut inflated)
                .ok()?;
        } else {
            inflated.extend_from_slice(&body);
        }
        // Every record begins so, and nothing else in these bodies does.
        let records = inflated.windows(6).filter(|at| *at == b"{\"q\":\"").count();
        {
            let mut counts = counts.lock().ok()?;
            *counts = (counts.0 + 1, counts.1 + records);
        }
        let receipt = format!("{{\"accepted\":{records},\"duplicates\":0,\"rejected\":[]}}");
        write!(
            reader.get_mut(),
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{receipt}",
            receipt.len()
        )
        .ok()?;
    }
}
