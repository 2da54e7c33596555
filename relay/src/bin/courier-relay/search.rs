//! `courier-relay search`: the records that a query means.

use std::process::ExitCode;

use clap::{ArgAction, Args};

use crate::look::{Format, Look, as_it_is, rows, terminal_zone};
use crate::run::Run;
use crate::settings::Settings;

/// The records that a query means, the newest first, for example `search 'user:ada level:>=warning "upload failed"'`
///
/// What stands side by side must all hold; OR binds weaker, - negates, parentheses group. Keys: user, sender, install, code,
/// session, record, group, service, version, level, logger, event, kind, trace, has; @name:value is about an attribute; bare
/// words are full text over message and error. A value may be compared (>=500), begin with something (2.3*), or be quoted.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct Search {
    /// The query; without one, every record
    #[arg(default_value = "", allow_hyphen_values = true)]
    query: String,
    /// Print help
    // Not -h: a query may begin with `-has:error`.
    #[arg(long, action = ArgAction::Help)]
    help: (),
    /// Not before this: a time as of `timeline --at` [default: a day before --to]
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Before this [default: now]
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// The zone of these times, and of those that are shown [default: TZ, else UTC]
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// So many at most, up to 1000
    #[arg(long, value_name = "N", default_value = "100")]
    limit: usize,
    /// How to show it; json is one record a line
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    look: Look,
}

impl Run for Search {
    fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        let said = [
            ("q", Some(self.query)),
            ("from", self.from),
            ("to", self.to),
            ("tz", self.tz.or_else(terminal_zone)),
            ("limit", Some(self.limit.to_string())),
            ("format", Some(self.format.name().to_owned())),
        ];
        let said = said
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let print = match self.format {
            Format::Text => as_it_is,
            Format::Json => rows,
        };
        let config = settings.read()?;
        let path = "/admin/v1/records";
        Ok(self.look.ask(&config, path, said.collect(), print))
    }
}
