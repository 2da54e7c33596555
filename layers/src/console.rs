//! What the program shows on its own screen, beside what Courier records.
//!
//! 1. On stderr, so that what a command-line tool prints on stdout stays its own;
//! 2. INFO and above, or what `RUST_LOG` says: `RUST_LOG=warn,app::sync=trace`. The screen alone follows it; what is
//!    recorded follows [`CourierBuilder::levels`](crate::CourierBuilder::levels);
//! 3. without colours where stderr is no terminal.

use std::io::{self, IsTerminal as _};

use tracing_core::{LevelFilter, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use crate::courier::Courier;
use crate::gate::SanitizeExt as _;
use crate::stderr;

/// The program has a subscriber already. Add `courier.layer()` to the stack that is there, and end that stack with
/// `.sanitized(courier.sanitizer())`.
#[derive(thiserror::Error)]
#[error(
    "the program has a subscriber already ({source}): add `courier.layer()` to that stack, and end it with \
     `.sanitized(courier.sanitizer())`"
)]
pub struct InstallError {
    source: TryInitError,
}
courier_sanitize::debug_is_display!(InstallError);

impl Courier {
    /// Makes it the program's subscriber, together with [`console`].
    ///
    /// # Errors
    /// The program has a subscriber already.
    pub fn install(&self) -> Result<(), InstallError> {
        tracing_subscriber::registry()
            .with(console())
            .with(self.layer())
            .sanitized(self.sanitizer())
            .try_init()
            .map_err(|source| InstallError { source })
    }
}

/// The `fmt` layer that [`Courier::install`] uses, for a stack of your own: on stderr, what `RUST_LOG` says, else INFO
/// and above.
///
/// ```no_run
/// use tracing_courier::{console, prelude::*};
/// use tracing_subscriber::prelude::*;
///
/// # fn example(courier: &Courier) {
/// tracing_subscriber::registry()
///     .with(console())
///     .with(courier.layer())
///     .sanitized(courier.sanitizer())
///     .init();
/// # }
/// ```
///
/// For another look, the same by hand, with [`rust_log`]:
///
/// ```no_run
/// use tracing_courier::{prelude::*, rust_log};
/// use tracing_subscriber::{fmt, prelude::*};
///
/// # fn example(courier: &Courier) {
/// tracing_subscriber::registry()
///     .with(fmt::layer().compact().with_writer(std::io::stderr).with_filter(rust_log()))
///     .with(courier.layer())
///     .sanitized(courier.sanitizer())
///     .init();
/// # }
/// ```
pub fn console<S>() -> impl Layer<S> + Send + Sync + 'static
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let mut layer = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    if !io::stderr().is_terminal() {
        layer = layer.with_ansi(false);
    }
    layer.with_filter(rust_log())
}

/// What the variable `RUST_LOG` says, else INFO and above: levels for all and for modules, such as
/// `warn,app::sync=trace`. What [`console`] filters by.
///
/// Spans and fields (`[span{field}]=debug`) are not understood: for those, use `EnvFilter` of `tracing-subscriber`. Of
/// a text that can't be read nothing counts, and a line on stderr says so.
#[must_use]
pub fn rust_log() -> Targets {
    match std::env::var(VARIABLE) {
        Ok(text) if !text.trim().is_empty() => parse(&text).unwrap_or_else(|why| {
            stderr::say(&format!(
                "{VARIABLE} is left out: {why}; write it as `warn,app::sync=trace`"
            ));
            default()
        }),
        _ => default(),
    }
}

fn parse(text: &str) -> Result<Targets, String> {
    if text.contains(['[', '{']) {
        return Err("spans and fields are not understood here".to_owned());
    }
    // An empty part would be a target that begins every other one.
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let parsed = parts.join(",").parse::<Targets>();
    parsed.map_err(|error| error.to_string())
}

fn default() -> Targets {
    Targets::new().with_default(LevelFilter::INFO)
}

const VARIABLE: &str = "RUST_LOG";
