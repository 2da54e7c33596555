//! Settings that contradict each other, or mean nothing, are errors that say so.
#![cfg(feature = "http")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tracing_courier::send::{Answer, Backend, Get, Http, Request, Transport};
use tracing_courier::{Courier, CourierBuilder};

/// Takes nothing.
struct Nowhere;

impl Transport for Nowhere {
    fn post(&mut self, _: &Request<'_>) -> Answer {
        Answer::default()
    }

    fn get(&mut self, _: &Get<'_>) -> Answer {
        Answer::default()
    }

    fn endpoint(&self) -> &str {
        "nowhere"
    }
}

/// What `start` says of these settings.
fn said(settings: impl FnOnce(CourierBuilder) -> CourierBuilder) -> String {
    let dir = tempfile::tempdir().unwrap();
    let builder = Courier::builder("app", "1")
        .dir(dir.path())
        .without_panic_hook();
    let error = settings(builder).start().unwrap_err();
    assert!(std::fs::read_dir(dir.path()).unwrap().next().is_none());
    error.to_string()
}

#[test]
fn two_senders_are_an_error_that_names_both() {
    const URL: &str = "https://relay.example";
    let tail = ", and there is one sender: leave one out";
    assert_eq!(
        said(|it| it.relay(URL).transport(Nowhere)),
        format!("`.relay(..)` and `.transport(..)` were both called{tail}")
    );
    assert_eq!(
        said(|it| it.backend(Backend::builder(URL)).relay(URL)),
        format!("`.backend(..)` and `.relay(..)` were both called{tail}")
    );
    assert_eq!(
        said(|it| it.relay(URL).relay("https://other.example")),
        format!("`.relay(..)` and `.relay(..)` were both called{tail}")
    );
}

#[test]
fn a_setting_of_the_sender_without_one_is_an_error_that_names_it() {
    let said = [
        said(|it| it.token("t-1")),
        said(|it| it.flush_every(Duration::from_secs(1))),
        said(|it| it.drop_deadline(Duration::from_secs(1))),
    ];
    for (said, setting) in said.iter().zip(["token", "flush_every", "drop_deadline"]) {
        assert_eq!(
            *said,
            format!(
                "`.{setting}(..)` is for a sender, and there is none: call `.relay(..)` with the relay's URL, or leave it out"
            )
        );
    }
}

/// Takes nothing, and keeps what it was given, as text.
struct Shows(Arc<Mutex<String>>);

impl Transport for Shows {
    fn post(&mut self, request: &Request<'_>) -> Answer {
        *self.0.lock().unwrap() += &format!("{request:?}");
        let records = String::from_utf8_lossy(request.body)
            .matches("\"q\":")
            .count();
        Answer::new(
            200,
            format!(r#"{{"accepted":{records},"duplicates":0,"rejected":[]}}"#),
        )
        .with_levels_etag("1")
    }

    fn get(&mut self, request: &Get<'_>) -> Answer {
        *self.0.lock().unwrap() += &format!("{request:?}");
        Answer::none("nowhere")
    }

    fn endpoint(&self) -> &str {
        "nowhere"
    }
}

#[test]
fn no_debug_text_shows_a_token_or_a_user() {
    let dir = tempfile::tempdir().unwrap();
    let requests: Arc<Mutex<String>> = Arc::default();
    let backend = Backend::by(Shows(Arc::clone(&requests))).token("t-hunter2");
    let mut shown = format!("{backend:?}");
    let builder = Courier::builder("app", "1")
        .dir(dir.path())
        .backend(backend)
        .token("t-hunter2")
        .user("user-hunter2")
        .without_panic_hook();
    shown += &format!("{builder:?}");
    let courier = builder.start().unwrap();
    courier.flush(Duration::from_secs(20));
    // It asks for its levels, as the answer said that there are others.
    let asked = || requests.lock().unwrap().contains("Get");
    let patience = Instant::now() + Duration::from_secs(20);
    while !asked() && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(5));
    }
    shown += &format!(
        "{courier:?}{:?}{:?}",
        courier.backend(),
        courier.sanitizer()
    );
    shown += &requests.lock().unwrap();
    for name in ["CourierBuilder", "BackendBuilder", "Request", "Get"] {
        assert!(shown.contains(name), "{name}: {shown}");
    }
    assert!(!shown.contains("hunter2"), "{shown}");
    let http = Http::new("https://ann:hunter2@relay.example").map(|http| format!("{http:?}"));
    assert!(!format!("{http:?}").contains("hunter2"), "{http:?}");
}
