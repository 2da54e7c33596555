//! `courier-relay level`: sets the level of some programs from afar.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use courier_relay::command::level;
use courier_relay::config::{Config, duration};
use courier_relay::escape;
use courier_relay::levels::{Draft, Outcome, Rule, Whom};

use crate::run::Run;
use crate::settings::Settings;

/// Which programs log at which levels: rules that they hear of by themselves
#[derive(Debug, Args)]
pub struct Level {
    #[command(subcommand)]
    action: Action,
}

impl Run for Level {
    fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        self.action.run(&settings.read()?)
    }
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Sets a rule, for example `level set --user user-abc --module app::sync=trace --for 10m --why "ticket 4711" debug`
    #[command(disable_version_flag = true)]
    Set(Box<Set>),
    /// One JSON object a line: the rules in force, oldest first
    Ls {
        /// What was done to rules instead, the latest first
        #[arg(long)]
        audit: bool,
    },
    /// Removes rules by their numbers
    Rm {
        /// Numbers, as `ls` says
        #[arg(required = true)]
        ids: Vec<i64>,
        /// A note of who says so: the audit has it behind the name of the token that was used [default: who is logged in]
        #[arg(long)]
        author: Option<String>,
        /// Why, for the audit
        #[arg(long, default_value = "", hide_default_value = true)]
        why: String,
    },
}

/// A rule.
#[derive(Debug, Args)]
struct Set {
    #[command(flatten)]
    whom: WhomArgs,
    /// The version of that service only
    #[arg(long, requires = "service")]
    version: Option<String>,
    /// Another level for a module and what is below it: `app::sync=trace`; several times for several
    #[arg(long, value_name = "MODULE=LEVEL", value_parser = module)]
    module: Vec<(String, String)>,
    /// How long, for example 10m; at most 24h, but for everyone or a service
    #[arg(long = "for", value_name = "DURATION", value_parser = hold, allow_hyphen_values = true)]
    hold: Option<Duration>,
    /// When it ends, in RFC 3339
    #[arg(long, value_name = "TIME", conflicts_with = "hold")]
    until: Option<String>,
    /// Why: a ticket
    #[arg(long, default_value = "")]
    why: String,
    /// A note of who says so: the audit has it behind the name of the token that was used [default: who is logged in]
    #[arg(long)]
    author: Option<String>,
    /// trace, debug, info, warning, error or fatal
    level: String,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct WhomArgs {
    /// All programs
    #[arg(long)]
    everyone: bool,
    /// All programs of a service
    #[arg(long)]
    service: Option<String>,
    /// Everything that runs under this token subject
    #[arg(long)]
    user: Option<String>,
    /// One installation
    #[arg(long)]
    install: Option<String>,
    /// One run of a program
    #[arg(long)]
    session: Option<String>,
}

fn module(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((module, level)) => Ok((module.to_owned(), level.to_owned())),
        None => Err("use MODULE=LEVEL, for example app::sync=trace".to_owned()),
    }
}

fn hold(text: &str) -> Result<Duration, String> {
    duration(text).ok_or_else(|| "use a duration such as 30s, 10m or 24h".to_owned())
}

impl Action {
    #[tokio::main]
    async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        match self {
            Self::Set(set) => {
                let outcome = level::set(config, set.draft()).await?;
                println!("{}", escape(&serde_json::to_string(&outcome.rule)?));
                if let Some(warning) = warning(&outcome) {
                    eprintln!("courier-relay: {}", escape(&warning));
                }
            }
            Self::Ls { audit: false } => {
                for rule in level::list(config).await? {
                    println!("{}", escape(&serde_json::to_string(&rule)?));
                }
            }
            Self::Ls { audit: true } => {
                for deed in level::deeds(config).await? {
                    println!("{}", escape(&serde_json::to_string(&deed)?));
                }
            }
            Self::Rm { ids, author, why } => {
                let author = author.unwrap_or_else(logged_in);
                let mut is_missing = false;
                for id in ids {
                    if !level::remove(config, id, &author, &why).await? {
                        eprintln!("courier-relay: there is no rule {id}, or it has ended");
                        is_missing = true;
                    }
                }
                if is_missing {
                    return Ok(ExitCode::FAILURE);
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Set {
    fn draft(self) -> Draft {
        let WhomArgs {
            everyone: _,
            service,
            user,
            install,
            session,
        } = self.whom;
        let whom = match (service, self.version, user, install, session) {
            (Some(service), Some(version), ..) => Whom::Version { service, version },
            (Some(service), ..) => Whom::Service(service),
            (_, _, Some(user), ..) => Whom::User(user),
            (_, _, _, Some(install), _) => Whom::Install(install),
            (.., Some(session)) => Whom::Session(session),
            _ => Whom::Everyone,
        };
        Draft {
            whom,
            level: self.level,
            modules: self.module.into_iter().collect::<BTreeMap<_, _>>(),
            for_seconds: self.hold.map(|hold| hold.as_secs_f64()),
            expires_at: self.until,
            why: self.why,
            author: self.author.unwrap_or_else(logged_in),
        }
    }
}

/// What to tell an operator whose rule matches no program.
fn warning(outcome: &Outcome) -> Option<String> {
    let Rule { whom, .. } = &outcome.rule;
    match outcome.matching {
        None => Some(
            "no relay runs on this directory: whether anybody is meant can't be told".to_owned(),
        ),
        Some(0) if outcome.heard_of_late.is_empty() => Some(format!(
            "the rule is set, but nobody was heard of late that it is meant for ({whom})"
        )),
        Some(0) => Some(format!(
            "the rule is set, but nobody was heard of late that it is meant for ({whom}); there were: {}",
            outcome.heard_of_late.join(", ")
        )),
        Some(_) => None,
    }
}

fn logged_in() -> String {
    ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()))
        .unwrap_or_default()
}
