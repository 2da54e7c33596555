//! Tries everything that a relay needs, and says what it found.

use std::fmt;

use crate::config::{Config, KeyConfig};
use crate::error::chain;
use crate::export::Upstream;
use crate::hold::{Hold, HoldError};
use crate::identity::Verifier;
use crate::serve::secret;
use crate::spool::OpenError;

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

/// Tries keys, data directory, spool and upstream (with an empty export). A running relay is not disturbed.
pub async fn check(config: &Config) -> Vec<Finding> {
    let mut findings = vec![Finding::fine("settings make sense"), keys(config)];
    let dir = config.data_dir.display();
    match Hold::open(config).await {
        Ok(hold) => {
            let (depth, dead) = (hold.spool.depth(), hold.spool.dead_letters());
            findings.push(Finding::fine(format!(
                "data directory `{dir}`: {} records in {} bytes wait, {dead} dead letters",
                depth.records, depth.bytes
            )));
            hold.close().await;
        }
        Err(HoldError::Spool(OpenError::InUse { .. })) => {
            findings.push(Finding::fine(format!(
                "data directory `{dir}`: in use by a running relay"
            )));
        }
        Err(error) => findings.push(Finding::wrong(chain(&error))),
    }
    findings.push(upstream(config).await);
    findings
}

fn keys(config: &Config) -> Finding {
    let tried = secret(config).and_then(|secret| Verifier::new(&config.tokens, secret.as_ref()));
    match (tried, &config.tokens.key) {
        (Err(error), _) => Finding::wrong(chain(&error)),
        (Ok(_), KeyConfig::Development) => {
            Finding::fine("development mode: tokens by `courier-relay token`, loopback only")
        }
        (Ok(_), KeyConfig::Secret(_)) => Finding::fine("tokens are checked with an HS256 secret"),
        (Ok(_), KeyConfig::PublicKey(_)) => Finding::fine("tokens are checked with a public key"),
        (Ok(_), KeyConfig::Jwks(_)) => Finding::fine("tokens are checked with published keys"),
    }
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
