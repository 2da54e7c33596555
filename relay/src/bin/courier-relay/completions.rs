//! `courier-relay completions`: what a shell needs to complete a command line.

use std::io::Write;

use clap::Args;
use clap_complete::Shell;

/// Prints completions for a shell, on stdout: `source <(courier-relay completions bash)`
#[derive(Debug, Args)]
pub struct Completions {
    /// For which shell
    shell: Shell,
}

impl Completions {
    /// Prints them for this command line.
    pub fn print(self, command: &mut clap::Command) {
        // Made first: a reader that has gone is no reason to panic.
        let mut text = Vec::new();
        clap_complete::generate(self.shell, command, "courier-relay", &mut text);
        let _ = std::io::stdout().write_all(&text);
    }
}
