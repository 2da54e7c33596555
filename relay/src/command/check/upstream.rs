//! Whether the upstream takes an empty export.

use super::finding::Finding;
use crate::config::Config;
use crate::export::Upstream;
use crate::text::chain;

pub async fn upstream(config: &Config) -> Finding {
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
