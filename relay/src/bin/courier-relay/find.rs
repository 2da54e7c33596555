//! `courier-relay find`: who or what something is.

use std::process::ExitCode;

use clap::Args;

use crate::look::{Format, Look, as_it_is, terminal_zone};
use crate::run::Run;
use crate::settings::Settings;

/// Who or what this is: a user, an installation, a support code as it was read out, a run, a record, or words of a message
#[derive(Debug, Args)]
pub struct Find {
    /// What you know of it
    text: String,
    /// The zone of the times that are shown [default: TZ, else UTC]
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// How to show it
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    look: Look,
}

impl Run for Find {
    fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        let mut parameters = vec![
            ("text", self.text),
            ("format", self.format.name().to_owned()),
        ];
        parameters.extend(self.tz.or_else(terminal_zone).map(|tz| ("tz", tz)));
        let config = settings.read()?;
        Ok(self
            .look
            .ask(&config, "/admin/v1/find", parameters, as_it_is))
    }
}
