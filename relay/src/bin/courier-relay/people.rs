//! `courier-relay people` and `courier-relay sessions`: who was heard of, and which runs somebody had.

use std::process::ExitCode;

use clap::Args;

use crate::look::{Format, Look, as_it_is, terminal_zone};
use crate::run::Run;
use crate::settings::Settings;

/// Who was heard of lately: users, when last, with which program on which installation
#[derive(Debug, Args)]
pub struct People {
    /// So many at most, up to 100
    #[arg(long, value_name = "N", default_value = "20")]
    limit: usize,
    /// The zone of the times that are shown [default: TZ, else UTC]
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// How to show it
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    look: Look,
}

impl Run for People {
    fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        let mut parameters = vec![
            ("limit", self.limit.to_string()),
            ("format", self.format.name().to_owned()),
        ];
        parameters.extend(self.tz.or_else(terminal_zone).map(|tz| ("tz", tz)));
        let config = settings.read()?;
        Ok(self
            .look
            .ask(&config, "/admin/v1/people", parameters, as_it_is))
    }
}

/// The runs of a program that somebody had, the latest first: from when to when, and how each ended
#[derive(Debug, Args)]
pub struct Sessions {
    /// Whoever was logged in, or whose token it was
    #[arg(long, required_unless_present = "install", conflicts_with = "install")]
    user: Option<String>,
    /// One installation
    #[arg(long)]
    install: Option<String>,
    /// So many at most, up to 50
    #[arg(long, value_name = "N", default_value = "10")]
    limit: usize,
    /// The zone of the times that are shown [default: TZ, else UTC]
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// How to show it
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    look: Look,
}

impl Run for Sessions {
    fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        let said = [
            ("user", self.user),
            ("install", self.install),
            ("limit", Some(self.limit.to_string())),
            ("tz", self.tz.or_else(terminal_zone)),
            ("format", Some(self.format.name().to_owned())),
        ];
        let said = said
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let config = settings.read()?;
        let path = "/admin/v1/sessions";
        Ok(self.look.ask(&config, path, said.collect(), as_it_is))
    }
}
