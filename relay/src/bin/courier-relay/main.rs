//! `courier-relay`: see `courier-relay --help`.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)
)]

mod admin_token;
mod audit;
mod backup;
mod check;
mod cli;
mod columns;
mod completions;
mod dead;
mod dev;
mod find;
mod forget;
mod import;
mod index;
mod level;
mod lines;
mod look;
mod people;
mod queue;
mod run;
mod sanitize;
mod search;
mod serve;
mod settings;
mod signal;
mod status;
mod tail;
mod timeline;
mod token;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("courier-relay: {}", lines::lines(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}
