//! Levels that change from afar in a program as it is: one subscriber, the global default. A process of its own.

mod child;

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use child::records;
use tracing::{info, trace};
use tracing_courier::prelude::*;
use tracing_courier::send::{Answer, Get, Request, Transport};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

/// Raises the level to TRACE, once it is told to. Records stay on disk.
struct Raises(Receiver<()>);

impl Transport for Raises {
    fn post(&mut self, _: &Request<'_>) -> Answer {
        Answer::default()
    }

    fn get(&mut self, _: &Get<'_>) -> Answer {
        let _ = self.0.recv();
        let rules = r#"{"min_level":"trace","modules":{},"expires_at":null,"refresh_seconds":600}"#;
        Answer::new(200, rules.as_bytes().to_vec())
            .with_content_type("application/json".to_owned())
            .with_etag("\"1\"".to_owned())
    }

    fn endpoint(&self) -> &str {
        "scripted"
    }
}

fn work() {
    info!("at info");
    trace!("at trace");
}

#[test]
fn a_level_that_is_raised_from_afar_silences_nothing_that_was_heard_before() {
    let dir = tempfile::tempdir().unwrap();
    let (go, gone) = channel();
    let courier = Courier::builder("levels", "1")
        .dir(dir.path())
        .transport(Raises(gone))
        .drop_deadline(Duration::from_millis(1))
        .without_panic_hook()
        .start()
        .unwrap();
    tracing_subscriber::registry()
        .with(courier.layer())
        .sanitized(courier.sanitizer())
        .init();
    work();
    go.send(()).unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while records(dir.path(), "log_level_changed").is_empty() {
        assert!(
            Instant::now() < until,
            "the levels are asked for at the start"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(LevelFilter::current(), LevelFilter::TRACE);
    work();
    assert_eq!(records(dir.path(), "at info").len(), 2);
    assert_eq!(records(dir.path(), "at trace").len(), 1);
    drop(go);
}
