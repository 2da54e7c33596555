//! `courier-relay`: see `courier-relay --help`.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)
)]

mod cli;
mod level;
mod queue;
mod sanitize;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::Cli::read().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("courier-relay: {error:#}");
            ExitCode::FAILURE
        }
    }
}
