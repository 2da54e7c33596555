//! `courier-relay status`: how the running relay is.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use courier_relay::config::Config;

use crate::run::Run;
use crate::settings::Settings;

/// How the running relay is, on one screen: what waits, alarms, disk, keys; exits 2 when it can't be asked
#[derive(Debug, Args)]
pub struct Status {
    /// Where its admin listener is, for example http://127.0.0.1:8788 [default: as the data directory says]
    #[arg(long, value_name = "URL")]
    admin_url: Option<String>,
    /// How to show it
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

impl Run for Status {
    fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        Ok(self.show(&settings.read()?))
    }
}

impl Status {
    /// Shows it. Exits with 2 when the relay can't be asked, so that a script can tell that from a relay that is not well.
    #[tokio::main]
    async fn show(&self, config: &Config) -> ExitCode {
        let status = match courier_relay::command::status(config, self.admin_url.as_deref()).await {
            Ok(status) => status,
            Err(error) => {
                eprintln!("courier-relay: {:#}", anyhow::Error::from(error));
                return ExitCode::from(UNREACHABLE);
            }
        };
        let mut stdout = std::io::stdout();
        let has_colours = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let text = match self.format {
            Format::Text => status.screen(has_colours).to_string(),
            Format::Json => format!("{}\n", serde_json::to_string(&status).unwrap_or_default()),
        };
        // A reader that has gone is no failure.
        let _ = stdout.write_all(text.as_bytes());
        ExitCode::SUCCESS
    }
}

/// What `status` exits with when there is nobody to ask.
const UNREACHABLE: u8 = 2;
