//! `courier-relay dead`: lists, replays and removes what the upstream refused.

use std::io::Write;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::{Args, Subcommand};
use courier_relay::command::dead::{self, Removal};
use courier_relay::config::{Config, duration};
use courier_relay::escape;

use crate::run::Run;
use crate::settings::Settings;

/// Records that the upstream refused for their content
#[derive(Debug, Args)]
pub struct Dead {
    #[command(subcommand)]
    action: Action,
}

impl Run for Dead {
    fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        run(&settings.read()?, self.action)
    }
}

#[derive(Debug, Subcommand)]
enum Action {
    /// One JSON object a line, oldest first
    Ls,
    /// Removes them for good
    #[command(group = clap::ArgGroup::new("which").required(true))]
    Rm {
        /// Ids, as `ls` says
        #[arg(group = "which")]
        ids: Vec<i64>,
        /// All of them
        #[arg(long, group = "which")]
        all: bool,
        /// Those that were put aside longer ago, for example 30d
        #[arg(long, value_name = "AGE", group = "which")]
        older_than: Option<String>,
        /// Why, for the audit
        #[arg(long, default_value = "", hide_default_value = true)]
        why: String,
    },
    /// Puts them back on their way, all or those of the ids
    Replay {
        /// Ids, as `ls` says
        ids: Vec<i64>,
        /// Why, for the audit
        #[arg(long, default_value = "", hide_default_value = true)]
        why: String,
    },
}

#[tokio::main]
async fn run(config: &Config, action: Action) -> anyhow::Result<ExitCode> {
    match action {
        Action::Ls => {
            let mut failed = None;
            dead::list(config, |record| {
                match serde_json::to_string(&record) {
                    // A reader that went away (`| head`) is no failure.
                    Ok(line) => drop(writeln!(std::io::stdout(), "{}", escape(&line))),
                    Err(error) => failed = Some(error),
                }
            })
            .await?;
            if let Some(error) = failed {
                return Err(error.into());
            }
            Ok(ExitCode::SUCCESS)
        }
        Action::Replay { ids, why } => {
            let replayed = dead::replay(config, ids, &why).await?;
            println!("{{\"replayed\":{replayed}}}");
            Ok(nothing_is_1(replayed))
        }
        Action::Rm {
            ids,
            all,
            older_than,
            why,
        } => {
            let age = |text: &String| {
                let age = duration(text).map(|age| age.as_secs());
                age.ok_or_else(|| anyhow!("--older-than `{text}`: use a duration such as 30d"))
            };
            let older_than_seconds = older_than.as_ref().map(age).transpose()?;
            let removal = Removal {
                ids,
                all,
                older_than_seconds,
            };
            let removed = dead::remove(config, removal, &why).await?;
            println!("{{\"removed\":{removed}}}");
            Ok(nothing_is_1(removed))
        }
    }
}

/// The exit code is 1 when there was nothing to do.
fn nothing_is_1(done: u64) -> ExitCode {
    ExitCode::from(u8::from(done == 0))
}
