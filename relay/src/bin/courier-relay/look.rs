//! What the commands share that look something up: how they ask, print and end.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use courier_relay::command;
use courier_relay::config::Config;

use crate::lines::lines;

/// Whom to ask, why, and how to show it.
#[derive(Debug, Args)]
pub struct Look {
    /// Where the relay's admin listener is, for example http://127.0.0.1:8788 [default: as the data directory says]
    #[arg(long, value_name = "URL")]
    admin_url: Option<String>,
    /// Why you look: a ticket; the relay's audit has it
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
}

/// How to show something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For scripts
    Json,
}

impl Format {
    /// As the relay's API calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// Says on stderr why nothing was done; the exit code for that, so that a script can tell it from nothing found.
pub fn refused(error: &anyhow::Error) -> ExitCode {
    eprintln!("courier-relay: {}", lines(&format!("{error:#}")));
    ExitCode::from(UNREACHABLE)
}

impl Look {
    /// Asks `path`, prints what comes, and says by the exit code whether there was anything: 0, 1 for nothing, 2 when
    /// nobody could be asked or the relay said no.
    #[tokio::main]
    pub async fn ask(
        &self,
        config: &Config,
        path: &str,
        mut parameters: Vec<(&'static str, String)>,
        print: fn(&[u8]) -> Vec<u8>,
    ) -> ExitCode {
        let mut stdout = std::io::stdout();
        if stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none() {
            parameters.push(("colour", "1".to_owned()));
        }
        let (url, why) = (self.admin_url.as_deref(), self.why.as_deref());
        match command::look(config, url, path, &parameters, why).await {
            Ok(looked) => {
                // A reader that has gone is no failure.
                let _ = stdout.write_all(&print(&looked.body));
                ExitCode::from(u8::from(!looked.is_found))
            }
            Err(error) => refused(&error.into()),
        }
    }
}

impl Look {
    /// Prints what comes, until nobody reads it; 2 when nobody could be asked or the relay said no.
    #[tokio::main]
    pub async fn follow(
        &self,
        config: &Config,
        path: &str,
        mut parameters: Vec<(&'static str, String)>,
    ) -> ExitCode {
        let mut stdout = std::io::stdout();
        if stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none() {
            parameters.push(("colour", "1".to_owned()));
        }
        let (url, why) = (self.admin_url.as_deref(), self.why.as_deref());
        let see = |data: &str| {
            let lines = as_it_is(data.as_bytes());
            let written = stdout.write_all(&lines).and_then(|()| stdout.flush());
            written.is_ok()
        };
        let gone = |why: &str| eprintln!("courier-relay: {}; trying again", lines(why));
        match command::follow(config, url, path, &parameters, why, see, gone).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let error = format!("{:#}", anyhow::Error::from(error));
                eprintln!("courier-relay: {}", lines(&error));
                ExitCode::from(UNREACHABLE)
            }
        }
    }
}

/// As it came, with a line end behind it. The relay has made text fit to be shown; JSON is made so here.
pub fn as_it_is(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(body);
    let mut text = match text.starts_with(['{', '[']) {
        true => courier_relay::escape(&text).into_owned(),
        false => text.into_owned(),
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text.into_bytes()
}

/// The rows of an answer in JSON, one a line.
pub fn rows(body: &[u8]) -> Vec<u8> {
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let mut text = String::new();
    let rows = answer.get("rows").and_then(|rows| rows.as_array());
    for row in rows.into_iter().flatten() {
        text.push_str(&courier_relay::escape(&row.to_string()));
        text.push('\n');
    }
    text.into_bytes()
}

/// The zone of this terminal: what `TZ` says. Without it times are in UTC, which the answer says.
pub fn terminal_zone() -> Option<String> {
    let zone = std::env::var("TZ").ok()?;
    let zone = zone.trim_start_matches(':');
    (!zone.is_empty()).then(|| zone.to_owned())
}

const UNREACHABLE: u8 = 2;
