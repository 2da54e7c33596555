//! What every command is.

use std::process::ExitCode;

use clap::Args;

use crate::settings::Settings;

/// What a command does. Its arguments are the fields, its help is the doc comment of the type.
pub trait Run: Args {
    /// Does it, with the settings of the command line; the exit code is the process's.
    ///
    /// # Errors
    ///
    /// What `main` says on stderr before it exits with 1.
    fn run(self, settings: Settings) -> anyhow::Result<ExitCode>;
}
