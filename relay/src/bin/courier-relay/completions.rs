//! `courier-relay completions`: what a shell needs to complete a command line.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use clap_complete::Shell;

use crate::cli::{self, Run};
use crate::settings::Settings;

/// Prints completions for a shell, on stdout: `source <(courier-relay completions bash)`
#[derive(Debug, Args)]
pub struct Completions {
    /// For which shell
    shell: Shell,
}

impl Run for Completions {
    fn run(self, _settings: Settings) -> anyhow::Result<ExitCode> {
        // Made first: a reader that has gone is no reason to panic.
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut cli::command(), "courier-relay", &mut text);
        let _ = std::io::stdout().write_all(&text);
        Ok(ExitCode::SUCCESS)
    }
}
