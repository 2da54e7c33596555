//! A `Debug` that logs (tokio-rs/tracing#2704). Under the global default, which has no guard against re-entrance as
//! `set_default` has; so in a process of its own.

mod printed;

use std::cell::Cell;
use std::fmt;

use printed::{Printed, fmt_layer};
use tracing::{Level, debug, info, trace};
use tracing_courier::{SanitizeExt, SanitizeLayer};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

#[test]
fn a_value_that_logs_while_it_is_rendered_disturbs_neither_record() {
    struct Chatty;
    impl fmt::Debug for Chatty {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            trace!("quiet, below every filter");
            debug!(secret = "s-1", "from within");
            f.write_str("chatty")
        }
    }
    let info = Printed::default();
    let debug = Printed::default();
    let stack = tracing_subscriber::registry()
        .with(fmt_layer(&info).with_filter(LevelFilter::INFO))
        .with(fmt_layer(&debug).with_filter(Targets::new().with_target("reentrant", Level::DEBUG)))
        .sanitized(SanitizeLayer::default());
    stack.init();
    info!(value = ?Chatty, "outer");
    assert_eq!(info.text(), " INFO reentrant: outer value=chatty\n");
    assert_eq!(
        debug.text(),
        "DEBUG reentrant: from within secret=[REDACTED]\n INFO reentrant: outer value=chatty\n"
    );
    a_value_that_logs_itself_ends();
}

/// Within the same process, under the same default.
fn a_value_that_logs_itself_ends() {
    struct Mirror(Cell<u32>);
    impl fmt::Debug for Mirror {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.set(self.0.get() + 1);
            if self.0.get() < 1_000 {
                info!(value = ?self, "in the mirror");
            }
            f.write_str("mirror")
        }
    }
    let mirror = Mirror(Cell::new(0));
    info!(value = ?mirror, "outermost");
    assert!(mirror.0.get() < 100, "{} deep", mirror.0.get());
}
