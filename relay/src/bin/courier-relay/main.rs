//! `courier-relay`: see `courier-relay --help`.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)
)]

mod backup;
mod check;
mod cli;
mod completions;
mod dead;
mod dev;
mod find;
mod forget;
mod import;
mod level;
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
mod timeline;
mod token;

use std::process::ExitCode;

/// An error may repeat text from outside, so it is escaped; line ends stay, since a parser's error has several lines.
fn lines(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(courier_relay::escape).collect();
    lines.join("\n")
}

fn main() -> ExitCode {
    match cli::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("courier-relay: {}", lines(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}
