//! Tries everything that `serve` would refuse, as the user who asks, and says what it found.
//!
//! 1. Nothing is left behind: what has to be made to try it is taken away again;
//! 2. a running relay is not disturbed, and its own ports and directory are no fault;
//! 3. what `serve` would start with, but not do well, is said too: keys that can't be fetched, an upstream that refuses, caps
//!    that make no sense beside each other.

use std::fmt;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::config::{Config, KeyConfig};
use crate::data_dir::{DataDir, DataDirError};
use crate::disk::Space;
use crate::edge::Tls;
use crate::export::Upstream;
use crate::identity::{self, ADMIN_TOKEN, DEVELOPMENT_SECRET, Verifier, admin_token, secret};
use crate::levels::Levels;
use crate::serve::bind;
use crate::spool::{DATABASE, OpenError, is_held};
use crate::status::{SOON, Status, age};
use crate::text::chain;

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether the relay can run with it.
    pub is_fine: bool,
    /// What was tried, and what came of it.
    pub text: String,
}

impl Finding {
    fn fine(text: impl Into<String>) -> Self {
        Self {
            is_fine: true,
            text: text.into(),
        }
    }

    fn wrong(text: impl Into<String>) -> Self {
        Self {
            is_fine: false,
            text: text.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}  {}",
            if self.is_fine { "ok   " } else { "WRONG" },
            self.text
        )
    }
}

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
    findings.push(data_dir(config).await);
    findings.push(disk(config));
    findings.extend(files(config));
    findings.extend(caps(config));
    findings.push(upstream(config).await);
    findings
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

async fn data_dir(config: &Config) -> Finding {
    let dir = config.data_dir.display();
    if is_held(&config.data_dir) {
        return Finding::fine(format!("data directory `{dir}`: in use by a running relay"));
    }
    if !config.data_dir.join(DATABASE).exists() {
        return match try_to_write(&config.data_dir) {
            Ok(()) => Finding::fine(format!(
                "data directory `{dir}`: 0 records wait, and it can be written"
            )),
            Err(error) => Finding::wrong(format!("cannot use data directory `{dir}`: {error}")),
        };
    }
    match DataDir::open(config).await {
        Ok(data) => {
            let (depth, dead) = (data.spool.depth(), data.spool.dead_letters());
            let levels = match config.data_dir.join(LEVELS).exists() {
                true => Levels::open(&config.data_dir, config.level_refresh)
                    .await
                    .err(),
                false => None,
            };
            data.close().await;
            match levels {
                Some(error) => Finding::wrong(chain(&error)),
                None => Finding::fine(format!(
                    "data directory `{dir}`: {} records in {} bytes wait, {dead} dead letters",
                    depth.records, depth.bytes
                )),
            }
        }
        Err(DataDirError::Spool(OpenError::InUse { .. })) => {
            Finding::fine(format!("data directory `{dir}`: in use by a running relay"))
        }
        Err(error) => Finding::wrong(chain(&error)),
    }
}

fn disk(config: &Config) -> Finding {
    let there = config.data_dir.ancestors().find(|dir| dir.exists());
    let there = there.unwrap_or(Path::new("."));
    match Space::of(there, config.keep_free) {
        Ok(Space { free, floor, .. }) if free < floor => Finding::wrong(format!(
            "disk of the data directory: {free} bytes are free, less than --keep-free ({floor}): batches would be refused"
        )),
        Ok(Space { free, floor, .. }) if free - floor < config.spool_max_bytes => {
            Finding::fine(format!(
                "disk of the data directory: {free} bytes are free; note that --spool-max-bytes is more ({}), so the \
                 disk is full before the spool is",
                config.spool_max_bytes
            ))
        }
        Ok(Space { free, .. }) => {
            Finding::fine(format!("disk of the data directory: {free} bytes are free"))
        }
        Err(error) => Finding::fine(format!("disk of the data directory: not known ({error})")),
    }
}

fn files(config: &Config) -> Option<Finding> {
    let dir = &config.files.as_ref()?.dir;
    Some(match try_to_write(dir) {
        Ok(()) => Finding::fine(format!(
            "--otlp-file-dir `{}` can be written",
            dir.display()
        )),
        Err(error) => Finding::wrong(format!(
            "--otlp-file-dir: cannot write in `{}`: {error}",
            dir.display()
        )),
    })
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

async fn upstream(config: &Config) -> Finding {
    let Some(to) = &config.upstream else {
        return Finding::fine("no upstream: records are kept until --otlp-endpoint is set");
    };
    let endpoint = &to.endpoint;
    let upstream = match Upstream::new(to) {
        Ok(upstream) => upstream,
        Err(error) => return Finding::wrong(chain(&error)),
    };
    let answer = upstream.probe().await;
    let warning = Some(&answer.message).filter(|message| !message.is_empty());
    match answer.status {
        _ if answer.is_page => Finding::wrong(format!(
            "upstream {endpoint} answers with {}",
            answer.message
        )),
        Some(status @ 200..=299) if warning.is_some() => Finding::fine(format!(
            "upstream {endpoint} answers {status} and warns: {}",
            answer.message
        )),
        Some(status @ 200..=299) => Finding::fine(format!("upstream {endpoint} answers {status}")),
        Some(status @ (401 | 403)) => Finding::wrong(format!(
            "upstream {endpoint} answers {status}: check --otlp-token-file ({})",
            answer.message
        )),
        Some(status) => Finding::wrong(format!(
            "upstream {endpoint} answers {status} ({})",
            answer.message
        )),
        None => Finding::wrong(format!(
            "upstream {endpoint} does not answer: {}",
            answer.message
        )),
    }
}

/// Makes `dir` and a file in it, and takes away again whatever it made.
fn try_to_write(dir: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = dir
        .ancestors()
        .take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists())
        .collect();
    let mut made: Vec<&Path> = Vec::new();
    let mut tried = Ok(());
    for dir in missing.into_iter().rev() {
        tried = fs::create_dir(dir);
        if tried.is_err() {
            break;
        }
        made.push(dir);
    }
    let tried = tried.and_then(|()| {
        let probe: PathBuf = dir.join(format!(".courier-check-{}", std::process::id()));
        let written = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&probe)
            .and_then(|mut file| io::Write::write_all(&mut file, b"?"));
        let removed = fs::remove_file(&probe);
        written.and(removed)
    });
    for dir in made.into_iter().rev() {
        // Only what is empty goes.
        let _ = fs::remove_dir(dir);
    }
    tried
}

/// All bodies on their way in have so much memory.
const MOST_BODY_BYTES: usize = 32 << 20;

/// Where the rules for levels are kept, in the data directory.
const LEVELS: &str = "store.db";
