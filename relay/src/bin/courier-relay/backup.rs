//! `courier-relay backup`: copies the spool.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use courier_relay::config::Config;

use crate::run::Run;
use crate::settings::Settings;

/// Copies the spool to a file, beside a running relay or without one
#[derive(Debug, Args)]
pub struct Backup {
    /// The copy; it must not exist
    file: PathBuf,
}

impl Run for Backup {
    fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        backup(&settings.read()?, &self.file)
    }
}

#[tokio::main]
async fn backup(config: &Config, file: &Path) -> anyhow::Result<ExitCode> {
    courier_relay::command::backup(config, file).await?;
    Ok(ExitCode::SUCCESS)
}
