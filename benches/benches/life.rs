//! What does it cost a program to have us around: its start, its memory, and its sleep while it has nothing to say?
//!
//! `cargo bench -p courier-benches --bench life`; with `-- --test` everything runs once and small, for CI.
//! Each figure is of a process of its own, by /proc (Linux). The program without us is the same one, which installs
//! nothing.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use courier_benches::is_test_run;
use tracing_courier::prelude::*;
use tracing_courier::queue::{DiskQueue, Durability, Line};

fn main() {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some("--child") {
        let (way, dir, url) = (args.next(), args.next(), args.next());
        let (way, dir, url) = (
            way.expect("a way"),
            dir.expect("a directory"),
            url.expect("a URL"),
        );
        return child(&way, Path::new(&dir), &url);
    }
    let watched = if is_test_run() { 1 } else { 20 };
    let pending: u64 = if is_test_run() { 8 << 20 } else { 1 << 30 };
    let url = format!("http://{}", serve());

    println!(
        "{:<52} {:>12} {:>12}",
        "start() and install(), milliseconds", "first", "median of rest"
    );
    starts("in a directory that is empty", &url, 10, |_| ());
    starts("in one that another run has left", &url, 10, |dir| {
        drop(run("start", dir, &url))
    });
    starts(
        &format!("with {} MiB pending", pending >> 20),
        &url,
        4,
        |dir| fill(dir, pending),
    );

    println!(
        "\n{:<52} {:>12} {:>12}",
        "resident memory, KiB", "all", "anonymous"
    );
    let rows: Vec<(&str, [u64; 2])> = [
        ("the program without us", "bare", url.as_str()),
        ("with us, before the first send", "idle", url.as_str()),
        ("after the first send over http", "sent", url.as_str()),
        (
            "after the first try over https (nobody answers)",
            "sent",
            "https://127.0.0.1:9",
        ),
    ]
    .into_iter()
    .map(|(row, way, url)| {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let said = run(way, dir.path(), url);
        (row, [said[0], said[1]])
    })
    .collect();
    let bare = rows[0].1;
    for (row, [all, anonymous]) in rows {
        println!(
            "{row:<52} {all:>12} {anonymous:>12}   over the program without us: {:>6}",
            all.saturating_sub(bare[0])
        );
    }

    println!();
    println!("wake-ups of all threads in {watched} s");
    for (row, way) in [
        ("the program without us", "sleep-bare"),
        ("with us, after the first send", "sleep"),
    ] {
        let dir = tempfile::tempdir().expect("a temporary directory");
        println!(
            "{row:<52} {:>12}",
            run_with(way, dir.path(), &url, watched)[0]
        );
    }
}

/// Times of so many starts, each in its own process. `prepare` is called before each.
fn starts(row: &str, url: &str, starts: usize, prepare: impl Fn(&Path)) {
    let mut times: Vec<u64> = Vec::new();
    let starts = if is_test_run() { 1 } else { starts };
    for _ in 0..starts {
        let dir = tempfile::tempdir().expect("a temporary directory");
        prepare(dir.path());
        times.push(run("start", dir.path(), url)[0]);
    }
    let first = times.remove(0);
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or(first);
    let millis = |micros: u64| micros as f64 / 1000.0;
    println!("{row:<52} {:>12.2} {:>12.2}", millis(first), millis(median));
}

/// Records of 300 bytes that a dead program has left.
fn fill(dir: &Path, bytes: u64) {
    let queue = DiskQueue::builder(dir)
        .max_bytes(2 * bytes)
        .open()
        .expect("the directory can be used");
    let mut line = Line::new();
    while queue.pending().bytes < bytes {
        for _ in 0..10_000 {
            line.clear();
            let mut body = line.body();
            body.extend_from_slice(br#""timestamp":"2026-11-27T00:00:00.000000000Z","level":"info","logger":"app","message":""#);
            body.extend_from_slice(&[b'x'; 170]);
            body.extend_from_slice(b"\"}");
            let _ = queue.append(&mut line, Durability::PageCache);
        }
    }
}

fn run(way: &str, dir: &Path, url: &str) -> Vec<u64> {
    run_with(way, dir, url, 0)
}

/// The numbers that a child prints.
fn run_with(way: &str, dir: &Path, url: &str, seconds: u64) -> Vec<u64> {
    let output = Command::new(std::env::current_exe().expect("it knows itself"))
        .args(["--child", way])
        .arg(dir)
        .arg(url)
        .env("WATCHED_SECONDS", seconds.to_string())
        .output()
        .expect("it runs");
    assert!(
        output.status.success(),
        "{way}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let said = String::from_utf8_lossy(&output.stdout);
    let numbers = said.lines().last().unwrap_or_default().split(' ');
    numbers.filter_map(|number| number.parse().ok()).collect()
}

fn child(way: &str, dir: &Path, url: &str) {
    if way == "bare" || way == "sleep-bare" {
        tracing::info!("nobody hears it");
        return if way == "bare" {
            say_memory()
        } else {
            say_wakeups()
        };
    }
    let started = Instant::now();
    let courier = Courier::builder("life", "1")
        .dir(dir)
        .relay(url)
        .max_bytes(4 << 30)
        .drop_deadline(Duration::from_millis(1))
        .start()
        .expect("it starts");
    courier.install().expect("nobody else has");
    let took = started.elapsed();
    match way {
        "start" => {
            println!("{}", took.as_micros());
            // What is pending stays for the next.
            std::process::exit(0);
        }
        "idle" => say_memory(),
        "sent" | "sleep" => {
            courier.flush(Duration::from_secs(10));
            if way == "sent" {
                say_memory()
            } else {
                say_wakeups()
            }
        }
        _ => unreachable!("{way}"),
    }
}

fn say_memory() {
    // The thread that looked a name up ends a second later.
    std::thread::sleep(Duration::from_millis(if is_test_run() { 0 } else { 1500 }));
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!(
        "{} {}",
        number(&status, "VmRSS:"),
        number(&status, "RssAnon:")
    );
}

fn say_wakeups() {
    let seconds = std::env::var("WATCHED_SECONDS")
        .expect("it is set")
        .parse()
        .expect("a number");
    // What the start has set in motion comes to rest.
    std::thread::sleep(Duration::from_secs(3));
    let before = wakeups();
    std::thread::sleep(Duration::from_secs(seconds));
    // Our own waking from that sleep is no wake-up of theirs.
    println!("{}", wakeups().saturating_sub(before + 1));
}

/// How often the threads of this process have given the processor up to wait.
fn wakeups() -> u64 {
    let tasks = fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    tasks
        .filter_map(|task| fs::read_to_string(task.path().join("status")).ok())
        .map(|status| number(&status, "voluntary_ctxt_switches:"))
        .sum()
}

fn number(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}

/// A relay that says yes to batches of one record, and closes.
fn serve() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        listener
            .incoming()
            .flatten()
            .for_each(|stream| drop(answer(stream)))
    });
    addr
}

fn answer(stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line)? > 2 {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap_or_default();
        }
        line.clear();
    }
    reader.read_exact(&mut vec![0; length])?;
    let receipt = r#"{"accepted":1,"duplicates":0,"rejected":[]}"#;
    let mut writer = stream;
    write!(
        writer,
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{receipt}",
        receipt.len()
    )
}
