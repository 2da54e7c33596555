//! What does the end of a program cost, with a relay and without one?
//!
//! `cargo bench -p courier-benches --bench exit`; with `-- --test` everything runs once, for CI. A word behind `--`
//! picks the rows that have it in their name.
//!
//! Each figure is of processes of their own: from the moment before the guard is dropped to the end of the process, as
//! its parent sees it. At once: a program that starts, logs ten records and ends. Later: the same after half a second,
//! in which the sender has had its connection, or its failure. The last row needs `unshare`, `ip` and the right to use
//! them: a namespace whose one interface swallows every packet, as a firewall that drops does.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use courier_benches::{is_test_run, is_wanted};
use flate2::read::GzDecoder;
use serde_json::Value;
use tracing_courier::Backend;
use tracing_courier::prelude::*;
use tracing_subscriber::prelude::*;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, how, dir, url, sleep] = &args[..]
        && flag == "--child"
    {
        return child(
            how,
            Path::new(dir),
            url,
            sleep.parse().expect("milliseconds"),
        );
    }
    let is_home = |delay| format!("http://{}", serve(200, Duration::from_millis(delay)));
    let refused = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        format!("http://{}", listener.local_addr().expect("its address"))
    };
    let rows = [
        ("the relay answers at once", is_home(0), Network::Shared),
        (
            "the relay answers after 50 ms",
            is_home(50),
            Network::Shared,
        ),
        ("the relay is down: refused", refused, Network::Shared),
        (
            "the name is unknown",
            "https://relay.invalid".to_owned(),
            Network::Shared,
        ),
        (
            "the token is wrong: 401",
            format!("http://{}", serve(401, Duration::ZERO)),
            Network::Shared,
        ),
        (
            "something in between says 503",
            format!("http://{}", serve(503, Duration::ZERO)),
            Network::Shared,
        ),
        (
            "the network swallows every packet",
            "http://10.9.0.2:8787".to_owned(),
            Network::Swallows,
        ),
    ];
    println!("milliseconds, median and highest of {} each\n", runs());
    println!("| | drop, at once | drop, later | `exit_later`, at once | `exit_later`, later |");
    println!("|---|---|---|---|---|");
    for (name, url, network) in rows {
        if !is_wanted(name) {
            continue;
        }
        if network == Network::Swallows && !can_make_a_namespace() {
            println!("| {name} | skipped: no `unshare` and `ip`, or not the right to use them |");
            continue;
        }
        let cells = [("wait", 0), ("wait", 500), ("later", 0), ("later", 500)]
            .map(|(how, sleep)| figures(how, &url, sleep, network));
        println!("| {name} | {} |", cells.join(" | "));
    }
}

fn runs() -> usize {
    if is_test_run() { 1 } else { 15 }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Network {
    Shared,
    Swallows,
}

/// Median and highest. The runs share a directory, as those of a tool do.
fn figures(how: &str, url: &str, sleep: u32, network: Network) -> String {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut times: Vec<Duration> = (0..runs())
        .map(|_| run(how, dir.path(), url, sleep, network))
        .collect();
    times.sort_unstable();
    let millis = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
    let (median, highest) = (times.get(times.len() / 2), times.last());
    format!("{:.1} ({:.1})", millis(median), millis(highest))
}

fn run(how: &str, dir: &Path, url: &str, sleep: u32, network: Network) -> Duration {
    let itself = std::env::current_exe().expect("it knows itself");
    let mut command = match network {
        Network::Shared => Command::new(itself),
        Network::Swallows => {
            let mut command = in_namespace("exec \"$@\"");
            command.arg(itself);
            command
        }
    };
    let mut child = command
        .args(["--child", how])
        .arg(dir)
        .arg(url)
        .arg(sleep.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("it says when");
    let start = Instant::now();
    let status = child.wait().expect("it ends");
    assert!(status.success() && line == "now\n", "{how} to {url}");
    start.elapsed()
}

fn child(how: &str, dir: &Path, url: &str, sleep: u64) {
    let builder = Courier::builder("exit", "1")
        .dir(dir)
        .backend(Backend::builder(url).token("a.b.c").allow_plain_http());
    let builder = match how {
        "later" => builder.exit_later(),
        _ => builder,
    };
    let courier = builder.start().expect("it starts");
    tracing_subscriber::registry()
        .with(courier.layer())
        .sanitized(courier.sanitizer())
        .init();
    for n in 0..10 {
        tracing::info!(n, "record");
    }
    if sleep > 0 {
        // An error is sent at once.
        tracing::error!("wakes the sender");
        std::thread::sleep(Duration::from_millis(sleep));
        tracing::info!("the last record");
    }
    println!("now");
    drop(courier);
}

fn can_make_a_namespace() -> bool {
    let tried = in_namespace("true").stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success())
}

/// A shell in a namespace of its own, whose packets go nowhere.
fn in_namespace(then: &str) -> Command {
    let mut command = Command::new("unshare");
    // A cable whose other end nobody listens at; who is there is said by hand, or asking for it would fail.
    let set_up = "ip link set lo up && ip link add out0 type veth peer name gone0 \
                  && ip addr add 10.9.0.1/24 dev out0 && ip link set gone0 up && ip link set out0 up \
                  && ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev out0";
    command.args(["-n", "sh", "-c", &format!("{set_up} && {then}"), "sh"]);
    command
}

/// A relay that answers each request with this status, after a while.
fn serve(status: u16, delay: Duration) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream, status, delay));
        }
    });
    addr
}

fn answer(stream: TcpStream, status: u16, delay: Duration) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut writer = stream.try_clone().ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line == "\r\n" {
                break;
            }
            head += &line;
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        std::thread::sleep(delay);
        let (status, body) = match status {
            200 if head.starts_with("POST") => (200, receipt(&body)?),
            200 => (404, "{\"error\":\"no such thing\"}".to_owned()),
            status => (status, "{\"error\":\"no\"}".to_owned()),
        };
        let length = body.len();
        let text = format!("HTTP/1.1 {status} -\r\ncontent-length: {length}\r\n\r\n{body}");
        writer.write_all(text.as_bytes()).ok()?;
    }
}

fn receipt(body: &[u8]) -> Option<String> {
    let mut text = String::new();
    GzDecoder::new(body).read_to_string(&mut text).ok()?;
    let batch: Value = serde_json::from_str(&text).ok()?;
    let accepted = batch["logs"].as_array()?.len();
    Some(format!(
        "{{\"accepted\":{accepted},\"duplicates\":0,\"rejected\":[]}}"
    ))
}
