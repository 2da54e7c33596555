//! `valuable` values, which `tracing` knows under `--cfg tracing_unstable` only:
//! `RUSTFLAGS="--cfg tracing_unstable" cargo test -p tracing-courier --test valuable`.
#![cfg(tracing_unstable)]

mod printed;

use printed::{Printed, fmt_layer};
use tracing::{dispatcher, info};
use tracing_courier::{SanitizeExt, SanitizeLayer};
use tracing_subscriber::prelude::*;
use valuable::Valuable;

#[derive(Valuable)]
struct Login {
    user: &'static str,
    password: &'static str,
    tries: u32,
}

#[test]
fn a_structured_value_is_cleaned_field_by_field() {
    let printed = Printed::default();
    let stack = tracing_subscriber::registry()
        .with(fmt_layer(&printed))
        .sanitized(SanitizeLayer::default());
    let login = Login {
        user: "ada@example.org",
        password: "hunter2",
        tries: 3,
    };
    dispatcher::with_default(&stack.into(), || {
        info!(login = login.as_value(), token = login.as_value(), "in");
    });
    let text = printed.text();
    assert!(
        !text.contains("hunter2") && !text.contains("ada@"),
        "{text}"
    );
    assert!(
        text.contains("[REDACTED:email]")
            && text.contains("tries: 3")
            && text.contains("token=[REDACTED]"),
        "{text}"
    );
}
