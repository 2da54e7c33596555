//! `courier-relay dev`: a relay to try a program against, on this machine, in one command.
//!
//! It is `serve` with development's tokens, its files of records switched on, and a screen for a person: the address, a
//! token for a device, where the records are kept, and then each record as it arrives. Not for production: it speaks
//! plain HTTP, listens on this machine only, and gives a token to everyone who reads its screen.

mod shown;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, absolute};

use anyhow::bail;
use clap::Args;
use courier_relay::Relay;
use courier_relay::config::{Config, DEFAULT_DATA_DIR, KeyConfig, RawConfig, Setting};

pub use shown::{LOOK_AGAIN, Shown};

/// Runs a relay to develop against, not for production: says where it is, gives a token, shows what arrives
///
/// Needs no settings and no root. Records are shown a line each, and kept as OTLP JSON in `records/` of the data
/// directory, unless --otlp-file-dir says otherwise. The log shows what goes wrong and what is refused, unless --log says otherwise.
#[derive(Clone, Debug, Args)]
pub struct Dev {
    /// Whom the printed token names (`sub`)
    #[arg(long, default_value = "dev")]
    user: String,
}

impl Dev {
    /// What was set, and where it is silent, what a developer needs.
    pub fn config(raw: RawConfig) -> anyhow::Result<Config> {
        let data_dir = raw.data_dir.as_ref().map(Setting::as_str);
        let records = Path::new(data_dir.unwrap_or(DEFAULT_DATA_DIR)).join(RECORDS);
        let config = Config::try_from(raw.or(RawConfig {
            otlp_file_dir: Some(Setting::from(records.display())),
            log: Some(Setting::from(LOG)),
            ..RawConfig::default()
        }))?;
        // Without a key of somebody else's, only loopback is let through.
        let flag = match config.tokens.key {
            KeyConfig::Development => return Ok(config),
            KeyConfig::Secret(_) => "--jwt-secret-file",
            KeyConfig::PublicKey(_) => "--jwt-public-key-file",
            KeyConfig::Jwks(_) => "--jwks-url",
        };
        bail!("{flag}: `dev` signs its tokens itself; use `courier-relay serve`");
    }

    /// Says what a developer has to know of this relay; `records` is the file that grows.
    pub fn greet(&self, relay: &Relay, records: &Path) -> anyhow::Result<()> {
        let address: SocketAddr = relay.addr();
        let token = relay.development_token(&self.user)?;
        let records = absolute(records)?;
        let mut stdout = io::stdout().lock();
        // Whoever closed stdout does not want to know; that is no reason to stop.
        let _ = writeln!(
            stdout,
            "a relay to develop against, not for production; Ctrl-C ends it, the token is good for a day\n\
             address  http://{address}\n\
             token    {token}\n\
             records  {}",
            records.display()
        );
        let _ = stdout.flush();
        Ok(())
    }
}

/// The directory of the records within the data directory.
const RECORDS: &str = "records";

/// What the log shows beside the records: what goes wrong, and what is refused.
const LOG: &str = "warn,courier_relay::ingest=info";
