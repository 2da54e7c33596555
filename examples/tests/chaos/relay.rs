//! `courier-relay`, as an operator runs it: one data directory and one address over all its lives.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::built;
use crate::process::{Ended, Process, poll};

/// A relay in development mode that exports to one upstream. At first it does not run, and its address is free.
pub struct Relay {
    data_dir: PathBuf,
    upstream: String,
    addr: String,
    more: Vec<String>,
    process: Option<Process>,
}

impl Relay {
    /// Starts it on a free port.
    pub fn start(data_dir: &Path, upstream: &str) -> Self {
        Self::start_with(data_dir, upstream, &[])
    }

    /// The same, with these flags besides.
    pub fn start_with(data_dir: &Path, upstream: &str, more: &[&str]) -> Self {
        let mut relay = Self {
            data_dir: data_dir.to_owned(),
            upstream: upstream.to_owned(),
            addr: "127.0.0.1:0".to_owned(),
            more: more.iter().map(ToString::to_string).collect(),
            process: None,
        };
        relay.restart();
        relay
    }

    /// Starts it again, where it was.
    pub fn restart(&mut self) {
        // While it was away, somebody's connection may have been given its port for a moment.
        let (process, addr) = poll("the relay to listen", || {
            let process = Process::start(
                Command::new(built::courier_relay())
                    .args(["serve", "--listen", &self.addr])
                    .args(["--admin-listen", "127.0.0.1:0"])
                    .args(["--otlp-endpoint", &self.upstream])
                    .args(&self.more)
                    .arg("--data-dir")
                    .arg(&self.data_dir),
            );
            let line = process.first_line()?;
            let mut words = line.split(' ');
            assert_eq!(
                (words.next(), words.next()),
                (Some("listening"), Some("on"))
            );
            let addr = words.next().expect("an address").to_owned();
            Some((process, addr))
        });
        self.addr = addr;
        self.process = Some(process);
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let ended = self.process.take().expect("it runs").kill();
        assert_eq!(ended.signal, Some(9));
    }

    /// SIGTERM, and everything it said.
    pub fn terminate(&mut self) -> Ended {
        let ended = self.process.take().expect("it runs").terminate();
        assert_eq!(ended.code, Some(0), "{:#?}", ended.stderr);
        ended
    }

    /// Where it listens.
    pub fn addr(&self) -> &str {
        &self.addr
    }

    /// The base URL, for `--relay`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// `courier-relay level …`.
    pub fn level(&self, args: &[&str]) -> Ended {
        Process::start(
            Command::new(built::courier_relay())
                .arg("level")
                .args(args)
                .arg("--data-dir")
                .arg(&self.data_dir),
        )
        .wait()
    }

    /// A token for this user.
    pub fn token(&self, user: &str) -> String {
        let mut token = Process::start(
            Command::new(built::courier_relay())
                .args(["token", "--user", user, "--data-dir"])
                .arg(&self.data_dir),
        )
        .wait();
        assert_eq!(token.code, Some(0), "{:#?}", token.stderr);
        assert_eq!(token.stdout.len(), 1, "alone on stdout");
        token.stdout.remove(0)
    }
}
