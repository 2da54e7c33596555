//! `courier-relay import`: takes in queues that were carried here.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use courier_relay::config::Config;
use courier_relay::escape;

use crate::run::Run;
use crate::settings::Settings;

/// Takes in a queue directory that was carried here by hand, without a token; twice is once
#[derive(Debug, Args)]
pub struct Import {
    /// A queue root or one q-<id> directory
    dir: PathBuf,
    /// Why, for the audit
    #[arg(long, default_value = "", hide_default_value = true)]
    why: String,
}

impl Run for Import {
    fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        import(&settings.read()?, &self.dir, &self.why)
    }
}

#[tokio::main]
async fn import(config: &Config, dir: &Path, why: &str) -> anyhow::Result<ExitCode> {
    let imported = courier_relay::command::import(config, dir, why).await?;
    println!("{}", escape(&serde_json::to_string(&imported)?));
    Ok(ExitCode::SUCCESS)
}
