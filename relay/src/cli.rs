//! The command line.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use clap::{Args, Parser, Subcommand};
use courier_relay::SecretError;
use courier_relay::config::{Config, KeyConfig, RawConfig, Setting, duration};
use secrecy::SecretString;

use crate::level::Level;
use crate::queue::Queue;
use crate::sanitize::Sanitize;

/// Takes batches of log records, keeps them safe, exports them as OTLP.
#[derive(Debug, Parser)]
#[command(
    name = "courier-relay",
    version,
    args_conflicts_with_subcommands = false
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Args)]
struct Settings {
    /// TOML file with settings: each flag with `_` for `-`
    #[arg(long, env = "COURIER_CONFIG", value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    raw: RawConfig,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the relay (the default)
    Serve,
    /// Prints a development token, alone on stdout
    Token {
        /// The token's `sub`
        #[arg(long)]
        user: String,
        /// How long it is good
        #[arg(long, default_value = "24h")]
        ttl: String,
    },
    /// Reads the settings, tries keys, data directory and upstream, says what it found
    Check,
    /// Takes secrets out of records, one JSON object a line, from stdin to stdout
    Sanitize(Sanitize),
    /// Looks at a device's queue directory, without changing it
    #[command(subcommand)]
    Queue(Queue),
    /// Records that the upstream refused for their content
    #[command(subcommand)]
    Dead(Dead),
    /// Which programs log at which levels: rules that they hear of by themselves
    #[command(subcommand)]
    Level(Level),
    /// Takes in a queue directory that was carried here by hand, without a token; twice is once
    Import {
        /// A queue root or one q-<id> directory
        dir: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum Dead {
    /// One JSON object a line, oldest first
    Ls,
    /// Puts them back on their way, all or those of the ids
    Replay {
        /// Ids, as `ls` says
        ids: Vec<i64>,
    },
}

impl Cli {
    /// Does what was asked for.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            None | Some(Command::Serve) => serve(self.settings.read()?),
            Some(Command::Token { user, ttl }) => token(&self.settings.read()?, &user, &ttl),
            Some(Command::Check) => check(&self.settings.read()?),
            Some(Command::Sanitize(sanitize)) => sanitize.run(),
            Some(Command::Queue(queue)) => Ok(queue.run()),
            Some(Command::Dead(dead)) => letters(&self.settings.read()?, dead),
            Some(Command::Level(level)) => level.run(&self.settings.read()?),
            Some(Command::Import { dir }) => import(&self.settings.read()?, &dir),
        }
    }
}

impl Settings {
    /// The flag wins, then the environment, then the file.
    fn read(self) -> anyhow::Result<Config> {
        let file = self
            .config
            .as_deref()
            .map(RawConfig::read)
            .transpose()?
            .unwrap_or_default();
        let mut raw = self.raw.or(file);
        raw.logfire_endpoint = variable("LOGFIRE_ENDPOINT").map(Setting::from);
        raw.logfire_token = variable("LOGFIRE_TOKEN").map(SecretString::from);
        Ok(raw.try_into()?)
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[tokio::main]
async fn serve(config: Config) -> anyhow::Result<ExitCode> {
    tracing_subscriber::fmt()
        .json()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("COURIER_LOG")
                .unwrap_or_else(|_| DEFAULT_LOG.into()),
        )
        .init();
    raise_open_files();
    // Before anything is said to listen, so that a signal right after that is not lost.
    let mut signal = Signal::listen()?;
    let is_development = matches!(config.tokens.key, KeyConfig::Development);
    let data_dir = config.data_dir.clone();
    let relay = courier_relay::start(config).await?;
    {
        use std::io::Write;
        let mut stdout = std::io::stdout().lock();
        // Whoever closed stdout does not want to know; that is no reason to stop.
        let _ = writeln!(
            stdout,
            "listening on {} admin {}",
            relay.addr(),
            relay.admin_addr()
        );
        let _ = stdout.flush();
    }
    if is_development {
        tracing::warn!(
            "development mode: tokens are signed with a secret in the data directory; get one with \
             `courier-relay token --user you --data-dir {}`",
            data_dir.display()
        );
    }
    while signal.received().await == Said::Reload {
        relay.reload_certificate();
    }
    tracing::info!("stopping");
    relay.stop().await;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Every connection is an open file: as many as the system lets us have. Less is no reason not to start.
#[cfg(unix)]
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    );
}

#[cfg(not(unix))]
fn raise_open_files() {}

/// What a signal asks for.
#[derive(PartialEq, Eq)]
enum Said {
    #[cfg_attr(not(unix), allow(dead_code, reason = "there is no SIGHUP"))]
    Reload,
    Stop,
}

#[cfg(unix)]
struct Signal {
    hangup: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signal {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn received(&mut self) -> Said {
        tokio::select! {
            _ = self.hangup.recv() => Said::Reload,
            _ = self.terminate.recv() => Said::Stop,
            _ = self.interrupt.recv() => Said::Stop,
        }
    }
}

#[cfg(not(unix))]
struct Signal;

#[cfg(not(unix))]
impl Signal {
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn received(&mut self) -> Said {
        let _ = tokio::signal::ctrl_c().await;
        Said::Stop
    }
}

#[tokio::main]
async fn check(config: &Config) -> anyhow::Result<ExitCode> {
    let findings = courier_relay::check(config).await;
    for finding in &findings {
        println!("{finding}");
    }
    let is_fine = findings.iter().all(|finding| finding.is_fine);
    Ok(if is_fine {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[tokio::main]
async fn letters(config: &Config, dead: Dead) -> anyhow::Result<ExitCode> {
    match dead {
        Dead::Ls => {
            for record in courier_relay::dead_letters(config).await? {
                println!("{}", serde_json::to_string(&record)?);
            }
        }
        Dead::Replay { ids } => println!(
            "{{\"replayed\":{}}}",
            courier_relay::replay(config, ids).await?
        ),
    }
    Ok(ExitCode::SUCCESS)
}

#[tokio::main]
async fn import(config: &Config, dir: &Path) -> anyhow::Result<ExitCode> {
    let imported = courier_relay::import(config, dir).await?;
    println!("{}", serde_json::to_string(&imported)?);
    Ok(ExitCode::SUCCESS)
}

fn token(config: &Config, user: &str, ttl: &str) -> anyhow::Result<ExitCode> {
    let ttl =
        duration(ttl).ok_or_else(|| anyhow!("--ttl `{ttl}`: use a duration such as 10m or 24h"))?;
    if user.is_empty() {
        return Err(anyhow!("--user: a token needs a subject"));
    }
    let secret = courier_relay::secret(config)?.ok_or(SecretError::None)?;
    println!("{}", secret.token(user, ttl, &config.tokens)?);
    Ok(ExitCode::SUCCESS)
}

/// What goes to stderr unless `COURIER_LOG` says otherwise: every request with its id, and whatever matters beside them.
const DEFAULT_LOG: &str = "info,courier_relay::ingest=debug";
