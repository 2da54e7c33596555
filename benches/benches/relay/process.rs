//! The relay as a process: the real binary, on a core of its own where that can be had.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// A running relay; killed when dropped.
pub struct Relay {
    child: Child,
    pub addr: String,
    admin: String,
    pub token: String,
}

impl Relay {
    /// Starts one with its data in `dir`, and waits until it listens.
    pub fn start(dir: &Path, upstream: &str) -> Self {
        let mut command = if has_taskset() {
            let mut command = Command::new("taskset");
            command.args(["-c", "0"]).arg(binary());
            command
        } else {
            Command::new(binary())
        };
        let mut child = command
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .args([
                "--otlp-endpoint",
                upstream,
                "--spool-max-bytes",
                "8GiB",
                // What the index costs is the question of `index.rs`.
                "--index",
                "off",
                "--data-dir",
            ])
            .arg(dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the relay starts");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("it is piped"))
            .read_line(&mut line)
            .expect("a line");
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["listening", "on", addr, "admin", admin] = words[..] else {
            panic!("the first line on stdout is {line:?}");
        };
        let token = Command::new(binary())
            .args(["token", "--user", "bench", "--data-dir"])
            .arg(dir)
            .output()
            .expect("a token");
        Self {
            child,
            addr: addr.to_owned(),
            admin: admin.to_owned(),
            token: String::from_utf8(token.stdout)
                .expect("text")
                .trim()
                .to_owned(),
        }
    }

    /// SIGKILL.
    pub fn kill(self) {
        drop(self);
    }

    /// One metric's value.
    pub fn metric(&self, name: &str) -> f64 {
        let mut stream = TcpStream::connect(&self.admin).expect("the admin listener");
        write!(
            stream,
            "GET /metrics HTTP/1.1\r\nhost: relay\r\nconnection: close\r\n\r\n"
        )
        .expect("it is sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("text");
        let line = text.lines().find(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(' '))
        });
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
            .unwrap_or_else(|| panic!("no {name}"))
    }

    /// Waits until the upstream has everything.
    pub fn wait_until_drained(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.metric("courier_spool_records") > 0.0 {
            assert!(Instant::now() < deadline, "it drains");
        }
    }

    /// CPU time of all its threads so far, those that have ended included.
    pub fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("it lives");
        let after = stat.rsplit(')').next().expect("a name in parentheses");
        let ticks: u64 = after
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse::<u64>().expect("ticks"))
            .sum();
        Duration::from_millis(ticks * 10)
    }

    /// Resident memory now.
    pub fn resident_mb(&self) -> f64 {
        self.status("VmRSS:")
    }

    /// Resident memory at most, so far.
    pub fn peak_mb(&self) -> f64 {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> f64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it lives");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib: f64 = line
            .and_then(|line| line.split_whitespace().next()?.parse().ok())
            .expect("a number");
        kib * 1024.0 / 1e6
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Megabytes of files in `dir`.
pub fn disk_mb(dir: &Path) -> f64 {
    let files = fs::read_dir(dir).expect("a directory").flatten();
    let bytes: u64 = files
        .filter_map(|file| Some(file.metadata().ok()?.len()))
        .sum();
    bytes as f64 / 1e6
}

/// Leaves the first core to the relay.
pub fn pin_self() {
    if has_taskset() && std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1) {
        let pid = std::process::id().to_string();
        // Without it the figures are a little worse, not wrong.
        let _ = Command::new("taskset")
            .args(["-a", "-p", "-c", "1", &pid])
            .stdout(Stdio::null())
            .status();
    }
}

fn has_taskset() -> bool {
    Path::new("/usr/bin/taskset").exists()
}

/// The relay beside this bench, built as the bench was, from the sources as they are now.
fn binary() -> PathBuf {
    static BINARY: LazyLock<PathBuf> = LazyLock::new(|| {
        let bench = std::env::current_exe().expect("a path");
        let target = bench
            .ancestors()
            .nth(2)
            .expect("target/release/deps/relay-…");
        let mut build = Command::new(env!("CARGO"));
        // With the features that this bench was built with, so that nothing is built twice.
        build.args(["build", "--quiet", "--workspace", "--bins", "--examples"]);
        if target.ends_with("release") {
            build.arg("--release");
        }
        assert!(
            build.status().is_ok_and(|built| built.success()),
            "the relay builds"
        );
        target.join("courier-relay")
    });
    BINARY.clone()
}
