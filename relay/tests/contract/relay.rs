//! A relay in a process of its own, as an operator would run it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;

/// A running relay; killed when dropped.
pub struct Relay {
    child: Child,
    pub dir: PathBuf,
    pub addr: String,
    pub admin: String,
    pub token: String,
    pub client: Client,
}

/// The binary with nothing from the environment that could change what it does.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_courier-relay"));
    for (name, _) in std::env::vars() {
        if name.starts_with("COURIER_") || name.starts_with("LOGFIRE_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs `test` on a relay with a spool and on one without: what a client sees is the same.
pub async fn with_and_without_spool(more: &[&str], test: impl AsyncFn(Relay)) {
    for spool in ["sqlite", "none"] {
        eprintln!("--spool {spool}");
        let upstream = crate::upstream::Upstream::start([], crate::upstream::Say::Ok);
        let dir = tempfile::tempdir().expect("a directory");
        let mut flags = vec!["--spool", spool, "--otlp-endpoint", &upstream.endpoint];
        flags.extend(more);
        test(Relay::start(dir.path(), &flags)).await;
    }
}

/// A development token for `user` of the relay in `dir`.
pub fn token(dir: &Path, user: &str) -> String {
    let output = command()
        .args(["token", "--user", user, "--data-dir"])
        .arg(dir)
        .output()
        .expect("it runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let stdout = String::from_utf8(output.stdout).expect("a token is text");
    let token = stdout.strip_suffix('\n').expect("it ends its line");
    assert!(
        !token.contains(char::is_whitespace),
        "alone on stdout: {stdout:?}"
    );
    token.to_owned()
}

impl Relay {
    /// Starts a relay on free ports with its data in `dir`, in development mode unless `more` says otherwise.
    pub fn start(dir: &Path, more: &[&str]) -> Self {
        Self::start_in(dir, more, &[])
    }

    /// The same with these in its environment.
    pub fn start_in(dir: &Path, more: &[&str], env: &[(&str, &str)]) -> Self {
        let mut child = command()
            .envs(env.iter().copied())
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--admin-listen",
                "127.0.0.1:0",
                "--data-dir",
            ])
            .arg(dir)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(File::create(dir.join("relay.log")).map_or_else(|_| Stdio::null(), Stdio::from))
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("it is piped"))
            .read_line(&mut line)
            .expect("a line");
        let words: Vec<&str> = line.trim_end().split(' ').collect();
        let ["listening", "on", addr, "admin", admin] = words[..] else {
            panic!("the first line on stdout is {line:?}");
        };
        let (addr, admin) = (addr.to_owned(), admin.to_owned());
        let token = if more.iter().any(|flag| flag.starts_with("--jw")) {
            String::new()
        } else {
            token(dir, "user-abc")
        };
        let client = Client::builder()
            .tls_backend_preconfigured(no_tls())
            .no_proxy()
            .build()
            .expect("a client");
        Self {
            child,
            dir: dir.to_owned(),
            addr,
            admin,
            token,
            client,
        }
    }

    /// A request to the ingest listener, with the token.
    pub fn post(&self, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.client
            .post(format!("http://{}/api/v1/logs", self.addr))
            .bearer_auth(&self.token)
            .header("content-type", "application/json; charset=utf-8")
            .body(body)
    }

    /// Sends a batch that has to be answered with 200; its receipt.
    pub async fn accept(&self, body: impl Into<reqwest::Body>) -> Value {
        let response = self.post(body).send().await.expect("an answer");
        let status = response.status();
        let text = response.text().await.expect("a body");
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).expect("a receipt")
    }

    /// The answer of the admin listener.
    pub async fn admin(&self, path: &str) -> Response {
        self.client
            .get(format!("http://{}{path}", self.admin))
            .send()
            .await
            .expect("an answer")
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("relay.log")).unwrap_or_default()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal: `TERM`, `HUP`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([format!("-{name}"), self.pid().to_string()])
            .status();
        assert!(status.expect("kill runs").success());
    }

    /// One metric's value.
    pub async fn metric(&self, name: &str) -> f64 {
        let text = self.admin("/metrics").await.text().await.expect("text");
        let line = text.lines().find(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(' '))
        });
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
            .unwrap_or_else(|| panic!("{name} in {text}"))
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it is gone");
    }

    /// SIGTERM, and what it exits with.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.child.wait().expect("it is gone")
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The tests speak plain HTTP only.
pub fn no_tls() -> rustls::ClientConfig {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}
