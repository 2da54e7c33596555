//! A program that says every secret in every place.

use std::error::Error;
use std::fmt;

use serde_json::json;
use tracing::{error, info, info_span, warn};
use tracing_courier::json as nested;

use crate::secrets::Secret;

pub fn run(secrets: &[Secret]) {
    for secret in secrets {
        say(&secret.text);
    }
    info!("harmless end");
}

fn say(secret: &str) {
    let span = info_span!("harmless", at_start = secret, later = tracing::field::Empty);
    span.record("later", secret);
    let _in = span.enter();
    info!("message {secret} harmless");
    info!(text = secret, count = 3, "harmless");
    info!(display = %secret, debug = ?secret, list = ?[secret], "harmless");
    warn!(tree = ?nested(&json!({"harmless": [secret], secret: 1})), "harmless");
    info!(bytes = secret.as_bytes(), "harmless");
    let failed = Failed(
        secret.to_owned(),
        Some(Box::new(Failed(secret.to_owned(), None))),
    );
    error!(error = &failed as &dyn Error, "harmless");
    error!(error = %failed, "harmless");
    let _ = std::panic::catch_unwind(|| panic!("harmless {secret}"));
}

/// An error that says it twice: itself, and by its cause.
#[derive(Debug)]
struct Failed(String, Option<Box<Failed>>);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed with {}", self.0)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1
            .as_deref()
            .map(|cause| cause as &(dyn Error + 'static))
    }
}
