//! `courier-relay tail`: records as they come.

use std::process::ExitCode;

use clap::{ArgAction, Args};

use crate::look::{Format, Look, terminal_zone};
use crate::run::Run;
use crate::settings::Settings;

/// Records as they come, all or those that a query means, for example `tail 'user:ada level:>=warning'`
///
/// It goes on until it is stopped, also over a restart of the relay, and leaves out nothing that came meanwhile.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct Tail {
    /// The query, as of `search`; without one, every record
    #[arg(default_value = "", allow_hyphen_values = true)]
    query: String,
    /// Print help
    // Not -h: a query may begin with `-has:error`.
    #[arg(long, action = ArgAction::Help)]
    help: (),
    /// The zone of the times that are shown [default: TZ, else UTC]
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// How to show it; json is one record a line
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    look: Look,
}

impl Run for Tail {
    fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        let mut parameters = vec![("q", self.query), ("format", self.format.name().to_owned())];
        parameters.extend(self.tz.or_else(terminal_zone).map(|tz| ("tz", tz)));
        let config = settings.read()?;
        Ok(self.look.follow(&config, "/admin/v1/tail", parameters))
    }
}
