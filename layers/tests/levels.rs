//! The levels from outside. A file of its own: the process's level hint is one for all tests in it.

use std::time::Duration;

use tracing::{Dispatch, debug, dispatcher, error, info, trace};
use tracing_courier::send::{Answer, Request, Transport};
use tracing_courier::{
    Backend, BackendLayer, BreadcrumbLayer, Breadcrumbs, DiskQueue, DiskQueueLayer, Level, Levels,
    Rules, SanitizeExt, SanitizeLayer,
};
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
        .with(BreadcrumbLayer::new(&crumbs).with_filter(levels.filter()))
        .with(
            DiskQueueLayer::new(&queue)
                .breadcrumbs(&crumbs)
                .with_filter(levels.filter()),
        )
        .with(BackendLayer::new(&backend))
        .sanitized(SanitizeLayer::default())
        .into();
    dispatcher::with_default(&stack, || {
        assert_eq!(LevelFilter::current(), LevelFilter::INFO);
        let log = || {
            trace!("trace");
            debug!("debug");
            info!("info");
            error!("error");
        };
        log();
        assert_eq!(queue.pending().records, 2);

        levels.set(Rules::new(Level::Fatal).module("levels", Level::Trace));
        assert_eq!(LevelFilter::current(), LevelFilter::TRACE);
        log();
        assert_eq!(queue.pending().records, 6);

        levels.set(Rules::new(Level::Fatal));
        log();
        assert_eq!(queue.pending().records, 7, "an error can't be silenced");
    });
}
