//! The command line.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use courier_relay::config::{
    Config, ConfigError, FileConfig, KeyConfig, RawConfig, Setting, duration,
};
use courier_relay::{Relay, Removal, SecretError, Telemetry, escape};
use secrecy::SecretString;

use crate::dev::{self, Dev, Shown};
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

#[derive(Clone, Debug, Args)]
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
    /// Runs a relay to develop against, not for production: says where it is, gives a token, shows what arrives
    ///
    /// Needs no settings and no root. Records are shown a line each, and kept as OTLP JSON in `records/` of the data
    /// directory, unless --otlp-file-dir says otherwise. The log shows what goes wrong and what is refused, unless --log says otherwise.
    Dev(Dev),
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
    /// How the running relay is, on one screen: what waits, alarms, disk, keys; exits 2 when it can't be asked
    Status(Status),
    /// Copies the spool to a file, beside a running relay or without one
    Backup {
        /// The copy; it must not exist
        file: PathBuf,
    },
    /// Prints completions for a shell, on stdout: `source <(courier-relay completions bash)`
    Completions {
        /// For which shell
        shell: Shell,
    },
    /// Takes in a queue directory that was carried here by hand, without a token; twice is once
    Import {
        /// A queue root or one q-<id> directory
        dir: PathBuf,
    },
}

#[derive(Debug, Args)]
struct Status {
    /// Where its admin listener is, for example http://127.0.0.1:8788 [default: as the data directory says]
    #[arg(long, value_name = "URL")]
    admin_url: Option<String>,
    /// How to show it
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum Dead {
    /// One JSON object a line, oldest first
    Ls,
    /// Removes them for good
    #[command(group = clap::ArgGroup::new("which").required(true))]
    Rm {
        /// Ids, as `ls` says
        #[arg(group = "which")]
        ids: Vec<i64>,
        /// All of them
        #[arg(long, group = "which")]
        all: bool,
        /// Those that were put aside longer ago, for example 30d
        #[arg(long, value_name = "AGE", group = "which")]
        older_than: Option<String>,
    },
    /// Puts them back on their way, all or those of the ids
    Replay {
        /// Ids, as `ls` says
        ids: Vec<i64>,
    },
}

impl Cli {
    /// Reads the command line.
    ///
    /// Each command takes the settings, so that they may stand anywhere in a line. Those that read none say nothing of
    /// them in their help.
    pub fn read() -> Self {
        let mut command = Self::command();
        // Hands the settings down; before that no command has them.
        command.build();
        let matches = READS
            .into_iter()
            .fold(command, |command, (name, reads)| {
                command.mut_subcommand(name, |command| with_settings(command, reads))
            })
            .get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    /// Does what was asked for.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            None | Some(Command::Serve) => serve(self.settings, None),
            Some(Command::Dev(dev)) => serve(self.settings, Some(dev)),
            Some(Command::Token { user, ttl }) => token(&self.settings.read()?, &user, &ttl),
            Some(Command::Check) => check(self.settings),
            Some(Command::Status(status)) => Ok(status.run(&self.settings.read()?)),
            Some(Command::Sanitize(sanitize)) => sanitize.run(),
            Some(Command::Queue(queue)) => Ok(queue.run()),
            Some(Command::Backup { file }) => backup(&self.settings.read()?, &file),
            Some(Command::Completions { shell }) => {
                // Made first: a reader that has gone is no reason to panic.
                let mut text = Vec::new();
                clap_complete::generate(shell, &mut Self::command(), "courier-relay", &mut text);
                let _ = std::io::Write::write_all(&mut std::io::stdout(), &text);
                Ok(ExitCode::SUCCESS)
            }
            Some(Command::Dead(dead)) => letters(&self.settings.read()?, dead),
            Some(Command::Level(level)) => level.run(&self.settings.read()?),
            Some(Command::Import { dir }) => import(&self.settings.read()?, &dir),
        }
    }
}

/// The same command; its help lists only what is its own, and the settings that it reads.
fn with_settings(command: clap::Command, reads: &'static [&'static str]) -> clap::Command {
    command
        .mut_args(|arg| {
            let is_foreign = arg.is_global_set() && !reads.contains(&arg.get_id().as_str());
            arg.hide(is_foreign)
        })
        .mut_subcommands(move |command| with_settings(command, reads))
}

impl Status {
    /// Shows it. Whoever asks a relay that is away gets 2, so that a script tells it from a relay that is not well.
    #[tokio::main]
    async fn run(&self, config: &Config) -> ExitCode {
        use std::io::IsTerminal;
        let status = match courier_relay::status(config, self.admin_url.as_deref()).await {
            Ok(status) => status,
            Err(error) => {
                eprintln!("courier-relay: {:#}", anyhow::Error::from(error));
                return ExitCode::from(UNREACHABLE);
            }
        };
        let mut stdout = std::io::stdout();
        let has_colours = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let text = match self.format {
            Format::Text => status.screen(has_colours).to_string(),
            Format::Json => format!("{}\n", serde_json::to_string(&status).unwrap_or_default()),
        };
        // A reader that has gone is no failure.
        let _ = stdout.write_all(text.as_bytes());
        ExitCode::SUCCESS
    }
}

impl Settings {
    fn read(self) -> anyhow::Result<Config> {
        Ok(self.raw()?.try_into()?)
    }

    /// The flag wins, then the environment, then the file.
    fn raw(self) -> anyhow::Result<RawConfig> {
        let file = self
            .config
            .as_deref()
            .map(RawConfig::read)
            .transpose()?
            .unwrap_or_default();
        let mut raw = self.raw.or(file);
        raw.logfire_endpoint = variable("LOGFIRE_ENDPOINT").map(Setting::from);
        raw.logfire_token = variable("LOGFIRE_TOKEN").map(SecretString::from);
        Ok(raw)
    }
}

/// Variables that begin with `COURIER_` and are no setting.
fn foreign_variables() -> Result<Vec<String>, ConfigError> {
    RawConfig::check_variables(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[tokio::main]
async fn serve(settings: Settings, dev: Option<Dev>) -> anyhow::Result<ExitCode> {
    let foreign = foreign_variables()?;
    let read = || match dev {
        Some(_) => Dev::config(settings.clone().raw()?),
        None => settings.clone().read(),
    };
    let config = read()?;
    let telemetry = Telemetry::install(&config)?;
    for name in foreign {
        tracing::warn!(name, "this variable is no setting; it is ignored");
    }
    raise_open_files();
    // Before anything is said to listen, so that a signal right after that is not lost.
    let mut signal = Signal::listen()?;
    let is_development = matches!(config.tokens.key, KeyConfig::Development);
    let data_dir = config.data_dir.clone();
    let records = config.files.as_ref().map(FileConfig::growing);
    let relay = courier_relay::start(config).await?;
    let mut shown = None;
    match (&dev, records) {
        (Some(dev), Some(records)) => {
            shown = Some(Shown::from_end_of(records.clone()));
            dev.greet(&relay, &records)?;
        }
        _ => greet(&relay, is_development.then_some(&data_dir)),
    }
    loop {
        tokio::select! {
            said = signal.received() => match said {
                Said::Stop => break,
                Said::Reload => {
                    relay.reload_certificate();
                    telemetry.reload(read().as_ref().map_err(|error| format!("{error:#}")));
                }
            },
            () = tokio::time::sleep(dev::LOOK_AGAIN), if shown.is_some() => {
                shown.iter_mut().for_each(Shown::print);
            }
        }
    }
    tracing::info!("stopping");
    relay.stop().await;
    shown.iter_mut().for_each(Shown::print);
    telemetry.finish().await;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Says where a relay listens, for whoever waits for it; and in development mode how to get a token.
fn greet(relay: &Relay, development: Option<&PathBuf>) {
    let mut stdout = std::io::stdout().lock();
    // Whoever closed stdout does not want to know; that is no reason to stop.
    let _ = writeln!(
        stdout,
        "listening on {} admin {}",
        relay.addr(),
        relay.admin_addr()
    );
    let _ = stdout.flush();
    if let Some(data_dir) = development {
        tracing::warn!(
            "development mode: tokens are signed with a secret in the data directory; get one with \
             `courier-relay token --user you --data-dir {}`",
            data_dir.display()
        );
    }
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
async fn check(settings: Settings) -> anyhow::Result<ExitCode> {
    for name in foreign_variables()? {
        println!("note   {name} is no setting; it is ignored");
    }
    let config = settings.read()?;
    let findings = courier_relay::check(&config).await;
    for finding in &findings {
        println!("{}", escape(&finding.to_string()));
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
            let mut failed = None;
            courier_relay::dead_letters(config, |record| {
                match serde_json::to_string(&record) {
                    // A reader that went away (`| head`) is no failure.
                    Ok(line) => drop(writeln!(std::io::stdout(), "{}", escape(&line))),
                    Err(error) => failed = Some(error),
                }
            })
            .await?;
            if let Some(error) = failed {
                return Err(error.into());
            }
            Ok(ExitCode::SUCCESS)
        }
        Dead::Replay { ids } => {
            let replayed = courier_relay::replay(config, ids).await?;
            println!("{{\"replayed\":{replayed}}}");
            Ok(nothing_is_1(replayed))
        }
        Dead::Rm {
            ids,
            all,
            older_than,
        } => {
            let age = |text: &String| {
                let age = duration(text).map(|age| age.as_secs());
                age.ok_or_else(|| anyhow!("--older-than `{text}`: use a duration such as 30d"))
            };
            let older_than_seconds = older_than.as_ref().map(age).transpose()?;
            let removal = Removal {
                ids,
                all,
                older_than_seconds,
            };
            let removed = courier_relay::remove(config, removal).await?;
            println!("{{\"removed\":{removed}}}");
            Ok(nothing_is_1(removed))
        }
    }
}

/// Whoever asked for something to be done, and there was nothing, hears of it.
fn nothing_is_1(done: u64) -> ExitCode {
    ExitCode::from(u8::from(done == 0))
}

#[tokio::main]
async fn backup(config: &Config, file: &Path) -> anyhow::Result<ExitCode> {
    courier_relay::backup(config, file).await?;
    Ok(ExitCode::SUCCESS)
}

#[tokio::main]
async fn import(config: &Config, dir: &Path) -> anyhow::Result<ExitCode> {
    let imported = courier_relay::import(config, dir).await?;
    println!("{}", escape(&serde_json::to_string(&imported)?));
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

/// What `status` exits with when there is nobody to ask.
const UNREACHABLE: u8 = 2;

/// The settings that each command reads; those that are not here read all.
const READS: [(&str, &[&str]); 10] = [
    (
        "dev",
        &[
            "config",
            "data_dir",
            "listen",
            "admin_listen",
            "otlp_file_dir",
            "log",
        ],
    ),
    ("sanitize", &[]),
    ("queue", &[]),
    ("completions", &[]),
    (
        "token",
        &[
            "config",
            "data_dir",
            "jwt_secret_file",
            "jwt_issuer",
            "jwt_audience",
        ],
    ),
    ("dead", OF_DATA),
    ("level", OF_DATA),
    ("status", OF_DATA),
    ("backup", &["config", "data_dir"]),
    (
        "import",
        &[
            "config",
            "data_dir",
            "admin_token_file",
            "sanitize",
            "spool_max_bytes",
            "keep_free",
            "max_records",
        ],
    ),
];

/// What a command reads that asks the running relay, or works in its data directory.
const OF_DATA: &[&str] = &["config", "data_dir", "admin_token_file"];
