//! `courier-relay index`: mends the index of a relay that does not run.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use courier_relay::command;
use courier_relay::config::Config;

use crate::look::{Format, refused};
use crate::run::Run;
use crate::settings::Settings;

/// The index that timeline, find and search look into
#[derive(Debug, Args)]
pub struct Index {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Makes its list of who is in which part again from the parts, while no relay runs; no part that can be read is removed
    ///
    /// A start does the same by itself where the list is damaged. Exits with 1 when a part can't be read, with 2 when a
    /// relay runs or there is no index.
    Rebuild {
        /// How to show what there is
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
}

impl Run for Index {
    fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        let Action::Rebuild { format } = self.action;
        let done = rebuild(&settings.read()?, format);
        Ok(done.unwrap_or_else(|error| refused(&error)))
    }
}

#[tokio::main]
async fn rebuild(config: &Config, format: Format) -> anyhow::Result<ExitCode> {
    let made = command::rebuild(config).await?;
    let text = match format {
        Format::Json => serde_json::to_string(&made)?,
        Format::Text => {
            let aside: Vec<_> = made.unreadable.iter().map(u64::to_string).collect();
            let aside = match aside.as_slice() {
                [] => String::new(),
                numbers => format!("; can't be read: part {}", numbers.join(", ")),
            };
            format!("records: {}, parts: {}{aside}", made.records, made.segments)
        }
    };
    // A reader that has gone is no failure.
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(ExitCode::from(u8::from(!made.unreadable.is_empty())))
}
