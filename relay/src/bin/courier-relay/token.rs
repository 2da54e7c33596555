//! `courier-relay token`: signs a token to develop with.

use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;
use courier_relay::DEVELOPMENT_SECRET;
use courier_relay::SecretError;
use courier_relay::config::{KeyConfig, duration};

use crate::run::Run;
use crate::settings::Settings;

/// Prints a development token, alone on stdout
#[derive(Debug, Args)]
pub struct Token {
    /// The token's `sub`
    #[arg(long)]
    user: String,
    /// How long it is good
    #[arg(long, default_value = "24h")]
    ttl: String,
}

impl Run for Token {
    fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        let config = settings.read()?;
        let Self { user, ttl } = self;
        let ttl = duration(&ttl)
            .ok_or_else(|| anyhow!("--ttl `{ttl}`: use a duration such as 10m or 24h"))?;
        if user.is_empty() {
            return Err(anyhow!("--user: a token needs a subject"));
        }
        let own = match config.tokens.key {
            KeyConfig::Development => Some(config.data_dir.join(DEVELOPMENT_SECRET)),
            _ => None,
        };
        let is_new = own.filter(|path| !path.exists());
        let secret = courier_relay::secret(&config)?.ok_or(SecretError::None)?;
        if let Some(path) = is_new.and_then(|path| std::path::absolute(path).ok()) {
            // Not wrong: the relay may begin in this directory later.
            eprintln!(
                "made a new secret, `{}`: a relay with another --data-dir will not take this token",
                path.display()
            );
        }
        println!("{}", secret.token(&user, ttl, &config.tokens)?);
        Ok(ExitCode::SUCCESS)
    }
}
