//! Tries everything that `serve` would refuse, as the user who asks, and says what it found.
//!
//! 1. Nothing is left behind: what has to be made to try it is taken away again;
//! 2. a running relay is not disturbed, and its own ports and directory are no fault;
//! 3. what `serve` would start with, but not do well, is said too: keys that can't be fetched, an upstream that refuses, caps
//!    that make no sense beside each other.

mod finding;
mod places;
mod upstream;

use std::net::SocketAddr;
use std::time::SystemTime;

pub use finding::Finding;

use crate::config::{Config, KeyConfig, SpoolKind};
use crate::edge::Tls;
use crate::find::read_people;
use crate::identity::{self, ADMIN_TOKEN, DEVELOPMENT_SECRET, Verifier, admin_token, secret};
use crate::index;
use crate::serve::bind;
use crate::spool::{self, is_held};
use crate::status::{SOON, Status, age};
use crate::text::chain;

/// Tries certificate, ports, keys, data directory, output directory, caps and upstream (with an empty export).
pub async fn check(config: &Config) -> Vec<Finding> {
    let mut findings = vec![Finding::fine("settings make sense")];
    // Who runs on the directory, if anybody does: its ports are taken, and that is no fault.
    let running = if is_held(&config.data_dir) {
        super::status(config, None).await.ok()
    } else {
        None
    };
    findings.extend(certificate(config));
    findings.push(port("listen", config.listen, running.as_ref()).await);
    findings.push(port("admin-listen", config.admin_listen, running.as_ref()).await);
    findings.push(keys(config).await);
    findings.extend(admin(config));
    findings.push(places::data_dir(config).await);
    findings.push(places::disk(config));
    findings.extend(places::files(config));
    findings.extend(caps(config));
    findings.push(index(config));
    findings.extend(people(config));
    findings.push(upstream::upstream(config).await);
    findings
}

fn index(config: &Config) -> Finding {
    let dir = config.data_dir.join(index::DIR);
    // An earlier version ran here, or one with --index off.
    let is_new = !dir.exists() && config.data_dir.join(spool::DATABASE).exists();
    Finding::fine(match (&config.index, config.spool) {
        (Some(index), _) => format!(
            "{}what is accepted is kept for {} d, up to {} MiB, in `{}`; --index off leaves it out",
            if is_new {
                "new: from the next start on "
            } else {
                ""
            },
            index.keep.as_secs() / 86_400,
            index.max_bytes >> 20,
            dir.display()
        ),
        (None, SpoolKind::None) => {
            "nothing is kept to be looked up: with --spool none there is no index".to_owned()
        }
        (None, SpoolKind::Sqlite) => "nothing is kept to be looked up: --index is off".to_owned(),
    })
}

fn people(config: &Config) -> Option<Finding> {
    let file = config.people.as_deref()?;
    Some(match read_people(file) {
        Ok(people) => Finding::fine(format!(
            "people file `{}`: {} people, for find",
            file.display(),
            people.len()
        )),
        Err(error) => Finding::wrong(chain(&error)),
    })
}

fn certificate(config: &Config) -> Option<Finding> {
    let files = config.tls.clone()?;
    Some(match Tls::read(files.clone()) {
        Ok(tls) => {
            let (file, left) = (
                files.certificate.display(),
                tls.seconds_left(SystemTime::now()),
            );
            if left <= 0.0 {
                Finding::wrong(format!(
                    "certificate `{file}` has expired: clients that check it don't connect; renew it and its key"
                ))
            } else if left < SOON.as_secs_f64() {
                let left = age(left);
                Finding::fine(format!(
                    "certificate `{file}` and its key; note that it expires in {left}"
                ))
            } else {
                Finding::fine(format!("certificate `{file}` and its key"))
            }
        }
        Err(error) => Finding::wrong(chain(&error)),
    })
}

async fn port(flag: &'static str, address: SocketAddr, running: Option<&Status>) -> Finding {
    let is_running = running.is_some_and(|status| {
        let said = match flag {
            "listen" => &status.listening.ingest,
            _ => &status.listening.admin,
        };
        *said == address.to_string()
    });
    if is_running {
        return Finding::fine(format!("--{flag} {address}: the running relay's"));
    }
    match bind(flag, address).await {
        Ok(_) => Finding::fine(format!("--{flag} {address} is free")),
        Err(error) => Finding::wrong(chain(&error)),
    }
}

async fn keys(config: &Config) -> Finding {
    let is_development = matches!(config.tokens.key, KeyConfig::Development);
    if is_development && !config.data_dir.join(DEVELOPMENT_SECRET).exists() {
        return Finding::fine(
            "development mode, loopback only: a secret will be made in the data directory",
        );
    }
    let tried = secret(config).and_then(|secret| Verifier::new(&config.tokens, secret.as_ref()));
    match (tried, &config.tokens.key) {
        (Err(error), _) => Finding::wrong(chain(&error)),
        (Ok(_), KeyConfig::Development) => {
            Finding::fine("development mode: tokens by `courier-relay token`, loopback only")
        }
        (Ok(_), KeyConfig::Secret(_)) => Finding::fine("tokens are checked with an HS256 secret"),
        (Ok(_), KeyConfig::PublicKey(_)) => Finding::fine("tokens are checked with a public key"),
        (Ok(_), KeyConfig::Jwks(url)) => match identity::fetch(url).await {
            Ok(keys) => Finding::fine(format!("--jwks-url: {keys} keys are published")),
            Err(reason) => Finding::wrong(format!("--jwks-url: {reason}")),
        },
    }
}

fn admin(config: &Config) -> Option<Finding> {
    if config.admin_token.is_none() && !config.data_dir.join(ADMIN_TOKEN).exists() {
        return None;
    }
    admin_token(config)
        .err()
        .map(|error| Finding::wrong(chain(&error)))
}

/// Caps that the relay would start with, and be of little use.
fn caps(config: &Config) -> Vec<Finding> {
    let mut wrong = Vec::new();
    let body = u64::try_from(config.max_body_bytes).unwrap_or(u64::MAX);
    if config.spool_max_bytes < body {
        wrong.push(Finding::wrong(format!(
            "--spool-max-bytes ({}) is less than --max-body-bytes ({body}): one batch would fill it",
            config.spool_max_bytes
        )));
    }
    if config.max_body_bytes > MOST_BODY_BYTES {
        wrong.push(Finding::wrong(format!(
            "--max-body-bytes ({body}): more than {MOST_BODY_BYTES} is more than all bodies together may take of the \
             memory, so that one client holds up all others"
        )));
    }
    wrong
}

/// All bodies on their way in have so much memory.
const MOST_BODY_BYTES: usize = 32 << 20;
