//! What the log says of an upstream that was asked.

use super::retry::{Answer, Next, next};
use super::upstream::Upstream;
use crate::metrics::Exports;

/// Asks the upstream with an empty request, so that what is wrong is said before records wait.
pub async fn probe(upstream: &Upstream, exports: &Exports) {
    let answer = upstream.probe().await;
    match next(&answer, 0) {
        Next::Done => {
            tracing::info!(status = answer.status, "the upstream answers");
            warned(exports, &answer);
        }
        Next::AlarmAndRetryIn(_) => {
            exports.alarm.set(1);
            tracing::error!(
                status = answer.status,
                said = answer.message,
                "the upstream refuses an empty request; records will be kept. Check --otlp-endpoint and its token"
            );
        }
        Next::RetryIn(_) => tracing::warn!(
            status = answer.status,
            said = answer.message,
            "the upstream is away; records are kept until it is there"
        ),
        // Some find a request with nothing in it wrong; that says that they are there.
        Next::Bisect => tracing::info!(
            status = answer.status,
            said = answer.message,
            "the upstream answers, though it does not like an empty request"
        ),
    }
}

/// Says what the upstream has to say about what it took.
pub fn warned(exports: &Exports, answer: &Answer) {
    if answer.refused > 0 {
        tracing::warn!(
            refused = answer.refused,
            said = answer.message,
            "the upstream took a part"
        );
    } else if !answer.message.is_empty() {
        exports.warnings.inc();
        tracing::warn!(said = answer.message, "the upstream warns");
    }
}
