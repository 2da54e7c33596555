//! `courier-relay admin-token`: makes, lists and removes named tokens of the admin API.

use std::process::ExitCode;

use anyhow::anyhow;
use clap::{Args, Subcommand};
use courier_relay::command::admin_token::{self, NamedToken, Role};
use courier_relay::config::Config;
use courier_relay::escape;
use secrecy::ExposeSecret;

use crate::columns::columns;
use crate::look::{Format, refused};
use crate::run::Run;
use crate::settings::Settings;

/// Named tokens of the admin API: prints a new one, alone on stdout and only this once, or lists or removes them
#[derive(Debug, Args)]
#[command(subcommand_negates_reqs = true)]
pub struct AdminToken {
    /// Whose it is to be: the audit names it so; letters, digits and . _ @ + -
    #[arg(long, required = true)]
    name: Option<String>,
    /// What it may: read (look, export), operate (also levels, dead letters, import), admin (also the audit, forget, tokens)
    #[arg(long, required = true)]
    role: Option<String>,
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists them, oldest first, those that were removed too
    Ls {
        /// How to show them: json is one object a line
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
        /// Where the relay's admin listener is, for example http://127.0.0.1:8788 [default: as the data directory says]
        #[arg(long, value_name = "URL")]
        admin_url: Option<String>,
    },
    /// Removes tokens: from then on they are refused
    Rm {
        /// Their names
        #[arg(required = true)]
        names: Vec<String>,
        #[command(flatten)]
        common: Common,
    },
}

/// What a change takes.
#[derive(Debug, Args)]
struct Common {
    /// Why, for the audit
    #[arg(long, default_value = "", hide_default_value = true)]
    why: String,
    /// Where the relay's admin listener is, for example http://127.0.0.1:8788 [default: as the data directory says]
    #[arg(long, value_name = "URL")]
    admin_url: Option<String>,
}

impl Run for AdminToken {
    fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        let done = self.act(&settings.read()?);
        Ok(done.unwrap_or_else(|error| refused(&error)))
    }
}

impl AdminToken {
    #[tokio::main]
    async fn act(self, config: &Config) -> anyhow::Result<ExitCode> {
        match (self.action, self.name, self.role) {
            (None, Some(name), Some(role)) => {
                let role: Role = role.parse()?;
                let Common { why, admin_url } = self.common;
                let url = admin_url.as_deref();
                let token = admin_token::make(config, url, &name, role, &why).await?;
                println!("{}", token.expose_secret());
                Ok(ExitCode::SUCCESS)
            }
            (Some(Action::Ls { format, admin_url }), None, None) => {
                let tokens = admin_token::list(config, admin_url.as_deref()).await?;
                show(&tokens, format)
            }
            (Some(Action::Rm { names, common }), None, None) => {
                let mut code = ExitCode::SUCCESS;
                for name in names {
                    let url = common.admin_url.as_deref();
                    if !admin_token::remove(config, url, &name, &common.why).await? {
                        eprintln!(
                            "courier-relay: there is no token named `{}`, or it was removed",
                            escape(&name)
                        );
                        code = ExitCode::FAILURE;
                    }
                }
                Ok(code)
            }
            _ => Err(anyhow!(
                "--name and --role make a token: give them without `ls` or `rm`"
            )),
        }
    }
}

fn show(tokens: &[NamedToken], format: Format) -> anyhow::Result<ExitCode> {
    match format {
        Format::Json => {
            for token in tokens {
                println!("{}", escape(&serde_json::to_string(token)?));
            }
        }
        Format::Text => {
            let head = ["NAME", "ROLE", "CREATED", "LAST USED", "REMOVED"].map(str::to_owned);
            let rows = tokens.iter().map(|token| {
                let or = |time: &Option<String>| time.clone().unwrap_or_else(|| "-".to_owned());
                [
                    token.name.clone(),
                    token.role.to_string(),
                    token.created.clone(),
                    or(&token.last_used),
                    or(&token.revoked),
                ]
            });
            print!("{}", columns(std::iter::once(head).chain(rows).collect()));
        }
    }
    Ok(ExitCode::SUCCESS)
}
