//! `courier-relay timeline`: what happened there.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::look::{Look, as_it_is, terminal_zone};
use crate::run::Run;
use crate::settings::Settings;

/// What happened there: one person, device or run, around a time, for example `timeline --user ada --at 14:02 --tz Kolkata`
///
/// Without --at it shows the last run of the program. Every level is shown, in the order in which it happened, with the
/// records that are missing. Exits with 0 when there is something, with 1 when there is nothing, with 2 when the relay
/// can't be asked.
#[derive(Debug, Args)]
pub struct Timeline {
    #[command(flatten)]
    of: Of,
    /// When: 14:02 (the latest one past), yesterday 14:02, mon 9am, 10 min ago, 2026-11-30T14:02+05:30
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// So long to each side of it
    #[arg(long, value_name = "DURATION", default_value = "10m")]
    around: String,
    /// The zone of these times, the caller's for example: Asia/Kolkata, Kolkata, +05:30, UTC, or device for what the device
    /// says of itself [default: TZ, else UTC]
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// How to show it: md for a ticket
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    look: Look,
}

/// Whose.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Of {
    /// Whoever was logged in, or whose token it was
    #[arg(long)]
    user: Option<String>,
    /// One installation
    #[arg(long)]
    install: Option<String>,
    /// One run of a program
    #[arg(long)]
    session: Option<String>,
    /// What happened around one record, in its run
    #[arg(long)]
    record: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Md,
    Json,
}

impl Run for Timeline {
    fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        let config = settings.read()?;
        let format = match self.format {
            Format::Text => "text",
            Format::Md => "md",
            Format::Json => "json",
        };
        let Of {
            user,
            install,
            session,
            record,
        } = self.of;
        let said = [
            ("user", user),
            ("install", install),
            ("session", session),
            ("record", record),
            ("at", self.at),
            ("around", Some(self.around)),
            ("tz", self.tz.or_else(terminal_zone)),
            ("format", Some(format.to_owned())),
        ];
        let parameters = said
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let path = "/admin/v1/timeline";
        Ok(self.look.ask(&config, path, parameters.collect(), as_it_is))
    }
}
