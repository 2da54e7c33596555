//! The settings that every command takes, and where they are read from.

use std::path::PathBuf;

use clap::Args;
use courier_relay::config::{Config, ConfigError, RawConfig, Setting};
use secrecy::SecretString;

/// What the command line says of settings.
#[derive(Clone, Debug, Args)]
pub struct Settings {
    /// TOML file with settings: each flag with `_` for `-`
    #[arg(long, env = "COURIER_CONFIG", value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    raw: RawConfig,
}

impl Settings {
    /// The settings, checked.
    ///
    /// # Errors
    ///
    /// When one of them makes no sense, or the file can't be read.
    pub fn read(self) -> anyhow::Result<Config> {
        Ok(self.raw()?.try_into()?)
    }

    /// The settings as they are written: the flag wins, then the environment, then the file.
    ///
    /// # Errors
    ///
    /// When the file can't be read.
    pub fn raw(self) -> anyhow::Result<RawConfig> {
        let file = self
            .config
            .as_deref()
            .map(RawConfig::read)
            .transpose()?
            .unwrap_or_default();
        let mut raw = self.raw.or(file);
        raw.logfire_endpoint = variable("LOGFIRE_ENDPOINT").map(Setting::from);
        raw.logfire_token = variable("LOGFIRE_TOKEN").map(SecretString::from);
        Ok(raw)
    }
}

/// Variables that begin with `COURIER_` and are no setting.
pub fn foreign_variables() -> Result<Vec<String>, ConfigError> {
    RawConfig::check_variables(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
