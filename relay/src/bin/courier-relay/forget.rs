//! `courier-relay forget`: erases a person.

use std::process::ExitCode;

use clap::Args;
use courier_relay::command::forget::{self, Request};
use courier_relay::config::Config;
use courier_relay::escape;

use crate::run::Run;
use crate::settings::Settings;

/// Erases a person from the index, waiting records and dead letters, and keeps out what a device sends again
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("whom").required(true))]
pub struct Forget {
    /// A user: what records claim, and whose token they came with
    #[arg(long, group = "whom", value_name = "ID")]
    user: Option<String>,
    /// An installation of a program
    #[arg(long, group = "whom", value_name = "ID")]
    install: Option<String>,
    /// Whose token records came with, whoever they are about
    #[arg(long, group = "whom", value_name = "ID")]
    sender: Option<String>,
    /// Why, for the audit, for example "request of 3 May, ticket 4711"
    #[arg(long)]
    why: String,
    /// text, or json
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    format: String,
}

impl Run for Forget {
    fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        let is_json = self.format == "json";
        let request = Request {
            user: self.user,
            install: self.install,
            sender: self.sender,
            why: self.why,
        };
        run(&settings.read()?, &request, is_json)
    }
}

#[tokio::main]
async fn run(config: &Config, request: &Request, is_json: bool) -> anyhow::Result<ExitCode> {
    let forgotten = forget::forget(config, request).await?;
    if is_json {
        println!("{}", escape(&serde_json::to_string(&forgotten)?));
    } else {
        print!("{forgotten}");
    }
    Ok(ExitCode::from(u8::from(forgotten.is_nothing())))
}
