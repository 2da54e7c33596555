//! `courier-relay audit`: who did what, to whom, when and why.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use courier_relay::command::audit::{Entry, Which, audit};
use courier_relay::config::Config;
use courier_relay::escape;

use crate::columns::columns;
use crate::look::{Format, refused};
use crate::run::Run;
use crate::settings::Settings;

/// Who looked at whose records, who exported and changed what, when and why: newest first; exits 1 when there is nothing
#[derive(Debug, Args)]
pub struct Audit {
    /// Only what was done with this token
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    /// Only what was about this, for example user:ada
    #[arg(long)]
    subject: Option<String>,
    /// At most so many
    #[arg(long, default_value = "100")]
    limit: u32,
    /// How to show it: json is one object a line
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Where the relay's admin listener is, for example http://127.0.0.1:8788 [default: as the data directory says]
    #[arg(long, value_name = "URL")]
    admin_url: Option<String>,
}

impl Run for Audit {
    fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        let shown = self.show(&settings.read()?);
        Ok(shown.unwrap_or_else(|error| refused(&error)))
    }
}

impl Audit {
    #[tokio::main]
    async fn show(self, config: &Config) -> anyhow::Result<ExitCode> {
        let which = Which {
            who: self.who,
            subject: self.subject,
            limit: self.limit,
        };
        let mut entries = Vec::new();
        let url = self.admin_url.as_deref();
        let shown = audit(config, url, &which, |entry| entries.push(entry)).await?;
        let mut text = String::new();
        match self.format {
            Format::Json => {
                for entry in &entries {
                    text.push_str(&escape(&serde_json::to_string(entry)?));
                    text.push('\n');
                }
            }
            Format::Text => text = columns(entries.into_iter().map(cells).collect()),
        }
        // A reader that has gone is no failure.
        let _ = std::io::stdout().write_all(text.as_bytes());
        Ok(ExitCode::from(u8::from(shown == 0)))
    }
}

fn cells(entry: Entry) -> [String; 6] {
    let Entry {
        at,
        who,
        action,
        subject,
        query,
        why,
        ..
    } = entry;
    [at, who, action, subject, query, why]
}
