//! `courier-relay check`: tries what `serve` would need, and says what it found.

use std::process::ExitCode;

use clap::Args;
use courier_relay::escape;

use crate::run::Run;
use crate::settings::{Settings, foreign_variables};

/// Reads the settings, tries keys, data directory and upstream, says what it found
#[derive(Debug, Args)]
pub struct Check {}

impl Run for Check {
    fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        check(settings)
    }
}

#[tokio::main]
async fn check(settings: Settings) -> anyhow::Result<ExitCode> {
    for name in foreign_variables()? {
        println!("note   {name} is no setting; it is ignored");
    }
    let config = settings.read()?;
    let findings = courier_relay::command::check(&config).await;
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
