//! The levels from outside. A file of its own: the process's level hint is one for all tests in it.

use std::time::Duration;

use tracing::{Dispatch, debug, dispatcher, enabled, error, info, trace};
use tracing_courier::send::{Answer, Request, Transport};
use tracing_courier::{
    Backend, BreadcrumbLayer, Breadcrumbs, DiskQueue, DiskQueueLayer, Level, Levels, Rules,
    SanitizeExt, SanitizeLayer,
};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

struct Nowhere;

impl Transport for Nowhere {
    fn post(&mut self, _: &Request<'_>) -> Answer {
        Answer::default()
    }

    fn endpoint(&self) -> &str {
        "nowhere"
    }
}

struct Console;

impl<S: tracing::Subscriber> Layer<S> for Console {}

#[test]
fn the_whole_stack_asks_for_what_the_levels_say_and_follows_a_change() {
    let dir = tempfile::tempdir().unwrap();
    let levels = Levels::new("info").unwrap();
    let crumbs = Breadcrumbs::new();
    let queue = DiskQueue::open(dir.path()).unwrap();
    let backend = Backend::by(Nowhere)
        .drop_deadline(Duration::from_millis(1))
        .levels(&levels)
        .start(&queue)
        .unwrap();
    let stack: Dispatch = tracing_subscriber::registry()
        // It never agrees with the levels: so each event that one of them wants asks both.
        .with(Console.with_filter(LevelFilter::WARN))
        .with(BreadcrumbLayer::new(&crumbs).with_filter(levels.filter()))
        .with(
            DiskQueueLayer::new(&queue)
                .breadcrumbs(&crumbs)
                .with_filter(levels.filter()),
        )
        .with(backend.layer())
        .sanitized(SanitizeLayer::default())
        .into();
    dispatcher::with_default(&stack, || {
        assert_eq!(LevelFilter::current(), LevelFilter::INFO);
        let log = || {
            let before = queue.pending().records;
            trace!("trace");
            debug!("debug");
            info!("info");
            error!("error");
            trace!(target: "elsewhere", "trace");
            info!(target: "elsewhere", "info");
            (
                queue.pending().records - before,
                enabled!(tracing::Level::TRACE),
            )
        };
        assert_eq!(log(), (3, false));

        // Each of these is a record as well: `log_level_changed`.
        let set = |rules: Rules| {
            let before = queue.pending().records;
            levels.set(rules);
            assert_eq!(queue.pending().records - before, 1);
        };
        set(Rules::new(Level::Fatal).module("levels", Level::Trace));
        assert_eq!(LevelFilter::current(), LevelFilter::TRACE);
        assert_eq!(log(), (4, true));
        set(Rules::new(Level::Fatal));
        assert_eq!(log(), (1, false), "an error can't be silenced");
        set(Rules::new(Level::Trace));
        assert_eq!(log(), (6, true));
        set(Rules::new(Level::Info).module("level", Level::Trace));
        assert_eq!(log(), (3, false), "`level` is not `levels`");
    });
}
