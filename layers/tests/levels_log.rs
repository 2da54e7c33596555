//! The levels change on another thread, which has no subscriber, as the sender's has none; and the maximum of the `log`
//! crate follows. A file of its own: the global default and that number are one for the process.

use std::thread;

use tracing::{Dispatch, dispatcher};
use tracing_courier::{
    DiskQueue, DiskQueueLayer, Level, Levels, Rules, SanitizeExt, SanitizeLayer,
};
use tracing_log::log::{self, LevelFilter};
use tracing_subscriber::prelude::*;

#[test]
fn records_of_the_log_crate_follow_the_levels_and_its_maximum_never_falls_below_what_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let levels = Levels::new("info").unwrap();
    let queue = DiskQueue::open(dir.path()).unwrap();
    tracing_subscriber::registry()
        .with(DiskQueueLayer::new(&queue).with_filter(levels.filter()))
        .sanitized(SanitizeLayer::default())
        .init();
    assert_eq!(log::max_level(), LevelFilter::Info);
    let set = |rules: Rules| {
        let change = || {
            let _quiet = dispatcher::set_default(&Dispatch::none());
            levels.set(rules);
        };
        thread::scope(|scope| scope.spawn(change).join().unwrap());
    };
    let recorded = || {
        let before = queue.pending().records;
        log::trace!(target: "app::sync", "trace");
        log::debug!(target: "app::http", "debug");
        log::info!(target: "app", "info");
        log::error!(target: "app", "error");
        tracing::trace!(target: "app::sync", "trace");
        tracing::debug!(target: "app::http", "debug");
        tracing::info!(target: "app", "info");
        tracing::error!(target: "app", "error");
        queue.pending().records - before
    };
    assert_eq!(recorded(), 4);

    set(Rules::new(Level::Info).module("app::sync", Level::Trace));
    assert_eq!(log::max_level(), LevelFilter::Trace);
    assert_eq!(recorded(), 6);
    set(Rules::new(Level::Debug));
    assert_eq!(log::max_level(), LevelFilter::Debug);
    assert_eq!(recorded(), 6);

    set(Rules::new(Level::Fatal));
    assert_eq!(log::max_level(), LevelFilter::Info, "what it began with");
    assert_eq!(recorded(), 2, "an error can't be silenced");

    log::set_max_level(LevelFilter::Off);
    set(Rules::new(Level::Trace));
    assert_eq!(
        log::max_level(),
        LevelFilter::Off,
        "what the program set itself stays"
    );
}
