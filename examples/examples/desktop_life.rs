//! The life of a program on somebody's desk: started without a network, logged in later, logged out, crashed, started
//! again. The example plays it: it is the relay, and it runs itself as the program.
//!
//! ```sh
//! cargo run --example desktop_life
//! ```
//!
//! With `--play DIR URL` it is the program alone, and does what it is told on stdin, a word a line: `work`,
//! `login USER TOKEN`, `run ID`, `logout`, `off`, `on`, `crash`, `quit`. It prints its status after each.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Parser;
use courier_examples::receiver::Receiver;
use courier_relay::config::{Config, RawConfig};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use serde_json::json;
use tracing_courier::prelude::*;

/// A program's life, played.
#[derive(Parser)]
struct Args {
    /// Is the program: its directory, and the relay's URL.
    #[arg(long, num_args = 2, value_names = ["DIR", "URL"])]
    play: Option<Vec<String>>,
}

fn main() -> anyhow::Result<()> {
    match Args::parse().play.as_deref() {
        Some([dir, url]) => program(Path::new(dir), url),
        _ => tokio::runtime::Runtime::new()?.block_on(story()),
    }
}

// The program.

fn program(dir: &Path, url: &str) -> anyhow::Result<()> {
    let courier = Courier::builder("desktop-app", env!("CARGO_PKG_VERSION"))
        .dir(dir)
        .relay(url)
        .local_log(dir.join("logs"))
        .start()?;
    courier.install()?;
    say(&courier)?;
    for line in std::io::stdin().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["work"] => tracing::info!("at work"),
            ["login", user, token] => {
                courier.set_user(Some(user));
                if let Some(backend) = courier.backend() {
                    backend.set_token(token)?;
                }
                tracing::info!("logged in");
                courier.flush(Duration::from_secs(10));
            }
            ["run", id] => courier.set_context("active_run", json!({ "run_id": id })),
            ["logout"] => {
                tracing::info!("logging out");
                courier.clear_context("active_run");
                courier.set_user(None);
            }
            ["off"] => courier.set_enabled(false)?,
            ["on"] => courier.set_enabled(true)?,
            ["crash"] => std::process::abort(),
            ["quit"] => break,
            _ => anyhow::bail!("`{line}` is nothing that it can do"),
        }
        say(&courier)?;
    }
    Ok(())
}

/// What a settings screen would show.
fn say(courier: &Courier) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(&courier.status())?);
    std::io::stdout().flush()?;
    Ok(())
}

// The story.

/// The program as a process of its own.
struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Running {
    fn start(dir: &Path, url: &str) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--play")
            .args([dir.as_os_str(), url.as_ref()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let lines = BufReader::new(child.stdout.take().context("it is piped")?).lines();
        let mut running = Self { child, lines };
        running.status("starts")?;
        Ok(running)
    }

    fn tell(&mut self, word: &str) -> anyhow::Result<serde_json::Value> {
        let stdin = self.child.stdin.as_mut().context("it is piped")?;
        writeln!(stdin, "{word}")?;
        self.status(word.split(' ').next().unwrap_or_default())
    }

    fn status(&mut self, what: &str) -> anyhow::Result<serde_json::Value> {
        let line = self.lines.next().context("it has ended")??;
        let status: serde_json::Value = serde_json::from_str(&line)?;
        println!(
            "  {what:<7} {} pending, {} delivered, {}",
            status["pending_records"], status["delivered"], status["connection"]["state"],
        );
        Ok(status)
    }

    /// Tells it to end, this way or that.
    fn end(mut self, word: &str) -> anyhow::Result<std::process::ExitStatus> {
        let stdin = self.child.stdin.as_mut().context("it is piped")?;
        writeln!(stdin, "{word}")?;
        let status = self.child.wait()?;
        println!("  {word:<7} {status}");
        Ok(status)
    }
}

async fn story() -> anyhow::Result<()> {
    let dir = tempfile::tempdir().context("no temporary directory")?;
    let program: PathBuf = dir.path().join("program");
    let backend = Receiver::start().await?;
    // A port for the relay, which is not there yet.
    let addr = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let url = format!("http://{addr}");

    println!("Started without a network, before anybody has logged in:");
    let mut first = Running::start(&program, &url)?;
    first.tell("work")?;
    first.tell("work")?;

    println!("The network comes, and somebody logs in:");
    let config = Config::try_from(RawConfig {
        otlp_endpoint: Some(backend.url().into()),
        listen: Some(addr.into()),
        ..RawConfig::embedded(&dir.path().join("relay"))
    })?;
    let relay = courier_relay::start(config).await?;
    let status = first.tell(&format!(
        "login user-abc {}",
        relay.development_token("user-abc")?
    ))?;
    ensure!(
        status["pending_records"] == 0,
        "not everything was delivered: {status}"
    );
    first.tell("run r-7")?;
    first.tell("work")?;

    println!("The user wants nothing sent, and changes their mind:");
    first.tell("off")?;
    first.tell("work")?;
    first.tell("on")?;

    println!("Logged out, and then a crash:");
    first.tell("logout")?;
    first.tell("work")?;
    let status = first.end("crash")?;
    ensure!(!status.success(), "it crashed: {status}");

    println!("The next start finds it, and the next login brings everything home:");
    let mut second = Running::start(&program, &url)?;
    second.tell(&format!(
        "login user-abc {}",
        relay.development_token("user-abc")?
    ))?;
    ensure!(second.end("quit")?.success(), "it ended as it should");

    let arrived = arrived(&backend).await?;
    println!("What arrived:");
    for record in &arrived {
        println!("  {}", described(record));
    }
    check(&arrived)?;
    relay.stop().await;
    Ok(())
}

/// The records at the backend, once the second session's end is among them.
async fn arrived(backend: &Receiver) -> anyhow::Result<Vec<LogRecord>> {
    for _ in 0..400 {
        let records: Vec<LogRecord> = backend
            .requests()
            .iter()
            .flat_map(|request| &request.resource_logs)
            .flat_map(|logs| &logs.scope_logs)
            .flat_map(|scope| scope.log_records.clone())
            .collect();
        if records
            .iter()
            .any(|record| message(record) == "session_end")
        {
            return Ok(records);
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    anyhow::bail!("the backend did not get everything within 10 s")
}

fn check(records: &[LogRecord]) -> anyhow::Result<()> {
    let said: Vec<(&str, Option<&str>)> = records
        .iter()
        .map(|record| (message(record), text(record, "user.id")))
        .collect();
    let expected = [
        ("session_start", None),
        ("at work", None),
        ("at work", None),
        ("logged in", Some("user-abc")),
        ("at work", Some("user-abc")),
        ("at work", Some("user-abc")),
        ("logging out", Some("user-abc")),
        ("at work", None),
        ("session_start", None),
        ("session_unclean_exit", None),
        ("logged in", Some("user-abc")),
        ("session_end", Some("user-abc")),
    ];
    ensure!(said == expected, "{said:#?}");
    let in_the_run = records
        .iter()
        .filter(|record| attribute(record, "active_run").is_some());
    ensure!(
        in_the_run.count() == 3,
        "two at work and the logout were in the run"
    );
    println!("All of it, in order, each under the user and the run that it was made under.");
    Ok(())
}

fn described(record: &LogRecord) -> String {
    let user = text(record, "user.id").unwrap_or("nobody");
    let run = attribute(record, "active_run").map_or("", |_| ", in the run");
    let session = text(record, "session.id").unwrap_or_default();
    let session = session.get(..8).unwrap_or(session);
    format!("session {session} {:<21} {user}{run}", message(record))
}

fn message(record: &LogRecord) -> &str {
    match record.body.as_ref().and_then(|body| body.value.as_ref()) {
        Some(Value::StringValue(text)) => text,
        _ => "",
    }
}

fn attribute<'r>(record: &'r LogRecord, key: &str) -> Option<&'r Value> {
    record
        .attributes
        .iter()
        .find(|pair| pair.key == key)?
        .value
        .as_ref()?
        .value
        .as_ref()
}

fn text<'r>(record: &'r LogRecord, key: &str) -> Option<&'r str> {
    match attribute(record, key)? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}
