//! An event allocates nothing on the caller's thread once the buffers are warm. A file of its own: the counting
//! allocator is one for the process.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tracing::{dispatcher, info, info_span};
use tracing_courier::prelude::*;
use tracing_subscriber::prelude::*;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Events in a round. The counter sees all threads, so the quietest of many short rounds is the caller's own.
const EVENTS: u32 = 20;

#[test]
fn an_event_allocates_nothing_once_the_buffers_are_warm() {
    let dir = tempfile::tempdir().unwrap();
    let courier = Courier::builder("allocations", "1")
        .dir(dir.path())
        .without_panic_hook()
        .start()
        .unwrap();
    let stack = tracing_subscriber::registry()
        .with(courier.layer())
        .sanitized(courier.sanitizer());
    let event = |n: u32| {
        let elapsed = f64::from(n) * 0.25;
        info!(
            n,
            elapsed,
            ok = true,
            method = "GET",
            path = "/api/v1/rooms",
            "request {n} answered with {}",
            200
        );
    };
    dispatcher::with_default(&stack.into(), || {
        let span = info_span!("request", id = 42_u64, user = "u-1");
        let _in = span.enter();
        (0..1_000).for_each(event);
        let quietest = (0..200)
            .map(|_| {
                let region = Region::new(ALLOCATOR);
                (0..EVENTS).for_each(event);
                let change = region.change();
                change.allocations + change.reallocations
            })
            .min();
        assert_eq!(quietest, Some(0));
    });
}
