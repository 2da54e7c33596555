//! `courier-relay serve`, and `courier-relay` alone: runs the relay.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use courier_relay::config::{FileConfig, KeyConfig};
use courier_relay::{Relay, Telemetry};

use crate::dev::{Dev, LOOK_AGAIN, Shown};
use crate::run::Run;
use crate::settings::{Settings, foreign_variables};
use crate::signal::{Said, Signal};

/// Runs the relay (the default)
#[derive(Debug, Args)]
pub struct Serve {}

impl Run for Serve {
    fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        run(settings, None)
    }
}

impl Run for Dev {
    fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        run(settings, Some(self))
    }
}

/// Runs a relay until a signal stops it; for `dev`, with a screen for a person.
#[tokio::main]
pub async fn run(settings: Settings, dev: Option<Dev>) -> anyhow::Result<ExitCode> {
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
            () = tokio::time::sleep(LOOK_AGAIN), if shown.is_some() => {
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

/// Says on stdout where a relay listens, and in development mode in the log how to get a token.
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
