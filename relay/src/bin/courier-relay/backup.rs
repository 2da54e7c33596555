//! `courier-relay backup`: copies the spool.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use courier_relay::config::Config;

use crate::run::Run;
use crate::settings::Settings;

/// Copies the spool to a file, or all that is kept to a directory, beside a running relay or without one
#[derive(Debug, Args)]
pub struct Backup {
    /// The copy; it must not exist
    file: PathBuf,
    /// Copies the index, the rules and who was erased too: the copy is a data directory
    #[arg(long)]
    all: bool,
}

impl Run for Backup {
    fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        backup(&settings.read()?, &self.file, self.all)
    }
}

#[tokio::main]
async fn backup(config: &Config, file: &Path, all: bool) -> anyhow::Result<ExitCode> {
    if all {
        courier_relay::command::backup_all(config, file).await?;
    } else {
        courier_relay::command::backup(config, file).await?;
    }
    Ok(ExitCode::SUCCESS)
}
