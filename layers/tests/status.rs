//! Status and switches, as a program's settings screen has them.

mod child;

use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use child::{all_records, records};
use serde_json::{Value, json};
use tracing::{Dispatch, dispatcher, info};
use tracing_courier::prelude::*;
use tracing_courier::send::{Answer, Connection, Request, Transport, WhyStopped};
use tracing_courier::{CourierBuilder, Guard, SWITCHES_FILE};
use tracing_subscriber::prelude::*;

/// Long enough for a slow machine; no test waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Answers with this status, and with a receipt where that is 200.
#[derive(Clone, Default)]
struct Scripted(Arc<Mutex<u16>>);

impl Scripted {
    fn answers(status: u16) -> Self {
        Self(Arc::new(Mutex::new(status)))
    }

    fn answers_from_now_on(&self, status: u16) {
        *self.0.lock().unwrap() = status;
    }
}

impl Transport for Scripted {
    fn post(&mut self, request: &Request<'_>) -> Answer {
        let body: Value = serde_json::from_slice(request.body).unwrap();
        let sent = body["logs"].as_array().unwrap().len();
        let receipt = json!({"accepted": sent, "duplicates": 0, "rejected": []});
        Answer::new(*self.0.lock().unwrap(), receipt.to_string().into_bytes())
    }

    fn endpoint(&self) -> &str {
        "scripted"
    }
}

fn builder(dir: &Path) -> CourierBuilder {
    Courier::builder("status", "1")
        .dir(dir)
        .without_panic_hook()
}

fn start(dir: &Path, transport: &Scripted) -> Guard<Courier> {
    builder(dir)
        .transport(transport.clone())
        .drop_deadline(Duration::from_millis(1))
        .start()
        .unwrap()
}

fn stack(courier: &Courier) -> Dispatch {
    tracing_subscriber::registry()
        .with(courier.layer())
        .sanitized(courier.sanitizer())
        .into()
}

#[test]
fn it_says_everything_that_a_settings_screen_shows() {
    let dir = tempfile::tempdir().unwrap();
    let transport = Scripted::answers(200);
    let courier = start(dir.path(), &transport);
    let mut watch = courier.watch();
    courier.flush(PATIENCE);
    // The flush is back a moment before the sender rests.
    while courier.status().connection != Connection::Idle {
        watch.next(PATIENCE).expect("it rests");
    }
    let status = serde_json::to_value(courier.status()).unwrap();
    assert!(status["last_success"].is_string(), "{status}");
    assert_eq!(
        status,
        json!({
            "enabled": true, "recording": true, "endpoint": "scripted", "locked": false,
            "connection": {"state": "idle"},
            "last_success": status["last_success"], "last_error": null, "last_error_at": null,
            "delivered": 1, "rejected": 0, "panics": 0, "panic_hook_replaced": false,
            "pending_records": 0, "pending_bytes": 0, "lost_by_reason": {}, "levels": status["levels"],
        })
    );
    transport.answers_from_now_on(401);
    dispatcher::with_default(&stack(&courier), || info!("to be refused"));
    assert_eq!(
        courier.flush(PATIENCE).why_stopped,
        WhyStopped::PausedForToken
    );
    let status = courier.status();
    assert_eq!(status.connection, Connection::PausedForToken);
    assert!(status.last_error.is_some() && status.last_error_at.is_some());
    assert_eq!(status.pending_records, 1);
    assert!(status.pending_bytes > 0);
}

#[test]
fn without_a_relay_there_is_a_status_too() {
    let dir = tempfile::tempdir().unwrap();
    let courier = builder(dir.path()).start().unwrap();
    let status = courier.status();
    assert_eq!(
        (status.endpoint, status.connection),
        (None, Connection::NoRelay)
    );
    assert_eq!(status.pending_records, 1, "session_start");
}

#[test]
fn whoever_watches_sees_each_change_and_is_not_woken_without_one() {
    let dir = tempfile::tempdir().unwrap();
    let transport = Scripted::answers(503);
    let courier = start(dir.path(), &transport);
    let mut watch = courier.watch();
    // The sender asks for levels first.
    while watch.next(Duration::from_millis(200)).is_some() {}
    let (say, said) = mpsc::channel();
    courier.on_change(move |status| say.send(status.clone()).unwrap());
    dispatcher::with_default(&stack(&courier), || {
        for _ in 0..100 {
            info!("a record is no change");
        }
    });
    assert_eq!(watch.next(Duration::from_millis(50)), None);
    assert!(said.try_recv().is_err());

    assert_eq!(
        courier.flush(Duration::from_millis(200)).why_stopped,
        WhyStopped::Deadline
    );
    let is_backing_off = |status: &tracing_courier::Status| {
        matches!(status.connection, Connection::BackingOff { .. }) && status.last_error.is_some()
    };
    while !is_backing_off(watch.next(PATIENCE).expect("it backs off")) {}
    while !is_backing_off(&said.recv_timeout(PATIENCE).expect("it backs off")) {}

    courier.set_enabled(false).unwrap();
    while watch.next(PATIENCE).expect("it is off").enabled {}
    while said.recv_timeout(PATIENCE).expect("it is off").enabled {}
    drop(courier);
    let _ = watch.next(PATIENCE);
    assert_eq!(
        watch.next(PATIENCE),
        None,
        "nobody is left to change anything"
    );
    while said.recv_timeout(PATIENCE).is_ok() {}
}

#[test]
fn sending_that_is_switched_off_stays_off_over_a_restart_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let transport = Scripted::answers(200);
    {
        let courier = start(dir.path(), &transport);
        courier.set_enabled(false).unwrap();
        assert!(dir.path().join(SWITCHES_FILE).exists());
        dispatcher::with_default(&stack(&courier), || info!("while it is off"));
        let report = courier.flush(PATIENCE);
        assert_eq!(
            (report.why_stopped, report.delivered),
            (WhyStopped::Disabled, 0)
        );
        assert_eq!(courier.status().connection, Connection::Disabled);
    }
    let courier = start(dir.path(), &transport);
    assert!(!courier.status().enabled);
    assert_eq!(courier.flush(PATIENCE).why_stopped, WhyStopped::Disabled);
    assert_eq!(records(dir.path(), "while it is off").len(), 1);
    courier.set_enabled(true).unwrap();
    // The first one's queue is free once its sender's thread has let go of it.
    let until = Instant::now() + PATIENCE;
    let report = loop {
        let report = courier.flush(PATIENCE);
        if report.delivered >= 4 || Instant::now() > until {
            break report;
        }
        std::thread::yield_now();
    };
    assert_eq!(
        (report.why_stopped, report.pending),
        (WhyStopped::Drained, 0)
    );
    assert_eq!(
        report.delivered, 4,
        "two starts, an end, and what was logged"
    );
    assert!(start(dir.path(), &transport).status().enabled);
}

#[test]
fn without_recording_nothing_is_written_until_it_is_switched_on() {
    let dir = tempfile::tempdir().unwrap();
    {
        // With a sender: it writes records of its own, such as of levels that change.
        let courier = start(dir.path(), &Scripted::answers(503));
        let stack = stack(&courier);
        dispatcher::with_default(&stack, || {
            info!("before");
            courier.set_recording(false).unwrap();
            assert!(!tracing::enabled!(tracing::Level::ERROR), "no cost either");
            info!("while it is off");
            tracing::error!("an error while it is off");
            courier.levels().set("trace".parse().unwrap());
        });
    }
    let messages = |dir: &Path| -> Vec<String> {
        let message = |record: &Value| record["message"].as_str().unwrap().to_owned();
        all_records(dir).iter().map(message).collect()
    };
    assert_eq!(messages(dir.path()), ["session_start", "before"]);

    let courier = builder(dir.path()).start().unwrap();
    assert!(!courier.status().recording);
    let stack = stack(&courier);
    dispatcher::with_default(&stack, || {
        info!("still off");
        courier.set_recording(true).unwrap();
        info!("on again");
    });
    drop(courier);
    assert_eq!(
        messages(dir.path()),
        [
            "session_start",
            "before",
            "session_start",
            "on again",
            "session_end"
        ]
    );
}

#[test]
fn the_librarys_own_records_carry_the_runs_context_too() {
    let dir = tempfile::tempdir().unwrap();
    let courier = start(dir.path(), &Scripted::answers(503));
    courier.set_context("active_run", "r-7");
    courier.levels().set("trace".parse().unwrap());
    drop(courier);
    let records = all_records(dir.path());
    let changed = records
        .iter()
        .find(|record| record["message"] == "log_level_changed")
        .unwrap();
    assert_eq!(changed["attributes"]["active_run"], "r-7");
}
