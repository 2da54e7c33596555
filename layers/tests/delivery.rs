//! Delivery over a scripted transport: what goes out, and what each answer leads to.

mod scripted;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scripted::{PATIENCE, Scripted, Trial, append, numbers, receipt, refusal, status};
use serde_json::{Map, Value, json};
use tracing_courier::queue::Context;
use tracing_courier::send::{Connection, WhyStopped};
use tracing_courier::{Backend, DiskQueue};

#[test]
fn a_flush_sends_everything_in_order_and_in_batches_of_a_hundred() {
    let trial = Trial::new(250, |body, token| {
        assert_eq!(token, Some("t-1"));
        receipt(body)
    });
    let report = trial.flush();
    assert_eq!(report.why_stopped, WhyStopped::Drained);
    assert_eq!((report.delivered, report.pending), (250, 0));
    let sent = trial.sent();
    assert_eq!(
        sent.iter().map(Vec::len).collect::<Vec<_>>(),
        [100, 100, 50]
    );
    assert_eq!(sent.concat(), (0..250).collect::<Vec<_>>());

    let body = &trial.bodies.lock().unwrap()[0];
    assert_eq!(body["context"]["installId"], "i-1");
    assert_eq!(body["context"]["queue"], trial.queue.id().to_string());
    assert_eq!(body["resource"]["service.name"], "trial");
    assert!(body["sentAt"].as_str().unwrap().ends_with('Z'));
    assert!(
        body["logs"][0]["q"]
            .as_str()
            .unwrap()
            .starts_with("0000000000000000-")
    );
}

#[test]
fn an_outage_keeps_everything_and_doubles_nothing() {
    let mut refused = status(503);
    refused.error = Some("connection refused".to_owned());
    let mut answers = VecDeque::from([
        refused,
        status(503),
        status(429),
        status(500),
        // A captive portal: a 200 that no relay gave.
        status(200),
    ]);
    let mut accepted = Vec::new();
    let (taken, seen) = std::sync::mpsc::channel();
    let trial = Trial::new(150, move |body, _| match answers.pop_front() {
        Some(answer) => answer,
        None => {
            accepted.extend(numbers(body));
            taken.send(accepted.clone()).unwrap();
            receipt(body)
        }
    });
    assert_eq!(trial.flush().why_stopped, WhyStopped::Drained);
    assert_eq!(
        seen.try_iter().last().unwrap(),
        (0..150).collect::<Vec<_>>()
    );
    assert_eq!(trial.flush().delivered, 150);
}

#[test]
fn a_refused_token_pauses_until_there_is_a_new_one() {
    let trial = Trial::new(3, |body, token| match token {
        Some("t-2") => receipt(body),
        _ => status(401),
    });
    let report = trial.flush();
    assert_eq!(report.why_stopped, WhyStopped::PausedForToken);
    assert_eq!(report.pending, 3);
    assert_eq!(
        trial.backend.status().connection,
        Connection::PausedForToken
    );
    trial.flush();
    assert_eq!(trial.sent().len(), 1, "a paused sender asks nobody");

    trial.backend.set_token("t-2").unwrap();
    let report = trial.flush();
    assert_eq!(
        (report.why_stopped, report.pending),
        (WhyStopped::Drained, 0)
    );
}

#[test]
fn an_endpoint_that_is_no_relay_pauses_the_sender() {
    let trial = Trial::new(3, |_, _| refusal(404));
    let report = trial.flush();
    assert_eq!(
        (report.why_stopped, report.pending),
        (WhyStopped::PausedNotFound, 3)
    );
}

#[test]
fn what_something_in_between_answers_keeps_everything_and_is_named() {
    for code in [
        301, 302, 307, 308, 400, 403, 404, 405, 407, 413, 415, 421, 422, 451, 502, 511,
    ] {
        let page = status(code).with_body(b"<html>please log in</html>".to_vec());
        let mut answers = VecDeque::from([status(code), page]);
        let trial = Trial::new(3, move |body, _| {
            answers.pop_front().unwrap_or_else(|| receipt(body))
        });
        let report = trial.flush();
        assert_eq!(
            (report.why_stopped, report.delivered, report.rejected),
            (WhyStopped::Drained, 3, 0),
            "{code}"
        );
        assert_eq!(trial.sent(), [[0, 1, 2], [0, 1, 2], [0, 1, 2]], "{code}");
        let error = trial.backend.status().last_error.unwrap();
        let named = format!("something between here and the relay answers ({code})");
        assert!(error.starts_with(&named), "{error}");
    }
}

#[test]
fn a_backend_that_is_no_relay_is_believed_by_its_status() {
    let settings = |backend: tracing_courier::send::BackendBuilder| backend.accept_any_2xx();
    let trial = Trial::with(3, |_, _| status(404), settings);
    assert_eq!(trial.flush().why_stopped, WhyStopped::PausedNotFound);
    let trial = Trial::with(1, |_, _| status(400), settings);
    assert_eq!(trial.flush().rejected, 1);
}

#[test]
fn a_poisoned_record_is_found_by_halving_and_put_aside_alone() {
    for (name, code) in [("not JSON", 400), ("too large", 413), ("not this one", 422)] {
        let trial = Trial::new(100, move |body, _| {
            if numbers(body).contains(&37) {
                refusal(code)
            } else {
                receipt(body)
            }
        });
        trial.flush();
        // The queue says the loss in-band, by a record of its own.
        let report = trial.flush();
        assert_eq!(
            (report.delivered, report.rejected, report.pending),
            (100, 1, 0),
            "{name}"
        );
        assert_eq!(
            trial.put_aside(),
            [(37, format!("the relay answered {code}"))],
            "{name}"
        );
        let sent = trial.sent();
        assert!(sent.len() <= 24, "{name}: {} requests", sent.len());
        for pair in sent.windows(2) {
            assert!(
                pair[0].first() <= pair[1].first(),
                "{name}: not ascending: {pair:?}"
            );
        }
    }
}

#[test]
fn what_a_receipt_lists_as_rejected_is_put_aside_with_its_reason() {
    let trial = Trial::new(5, |body, _| {
        match numbers(body).len() {
        5 => status(200).with_body(
            json!({"accepted": 3, "duplicates": 1, "rejected": [{"index": 2, "reason": "no message"}]}).to_string(),
        ),
        _ => receipt(body),
    }
    });
    let report = trial.flush();
    assert_eq!((report.delivered, report.rejected), (4, 1));
    assert_eq!(
        report.lost_by_reason.get(&tracing_courier::Loss::Rejected),
        Some(&1)
    );
    assert_eq!(trial.put_aside(), [(2, "no message".to_owned())]);

    trial.flush();
    let bodies = trial.bodies.lock().unwrap();
    let loss = &bodies.last().unwrap()["logs"][0];
    assert_eq!(loss["message"], "records lost");
    assert_eq!(loss["attributes"]["loss.reason"], "rejected");
    assert_eq!(loss["attributes"]["loss.first_seq"], 2);
}

#[test]
fn a_batch_never_mixes_two_contexts() {
    let dir = tempfile::tempdir().unwrap();
    let queue = DiskQueue::open(dir.path()).unwrap();
    let user = |id: &str| {
        let context = json!({"userId": id}).as_object().unwrap().clone();
        Context::new(context, Map::new())
    };
    queue.set_context(&user("ada"));
    append(&queue, 0..3);
    queue.set_context(&user("bob"));
    append(&queue, 3..5);
    let bodies: Arc<Mutex<Vec<Value>>> = Arc::default();
    let backend = Backend::by(Scripted::new(|body, _| receipt(body), Arc::clone(&bodies)))
        .start(&queue)
        .unwrap();
    backend.flush(PATIENCE);
    let seen: Vec<(String, Vec<u64>)> = bodies
        .lock()
        .unwrap()
        .iter()
        .map(|body| {
            let user = body["context"]["userId"].as_str().unwrap();
            (user.to_owned(), numbers(body))
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("ada".to_owned(), vec![0, 1, 2]),
            ("bob".to_owned(), vec![3, 4])
        ]
    );
}

#[test]
fn a_nudge_sends_without_a_flush() {
    let (taken, seen) = std::sync::mpsc::channel();
    let trial = Trial::new(2, move |body, _| {
        taken.send(numbers(body)).unwrap();
        receipt(body)
    });
    trial.backend.nudge();
    assert_eq!(seen.recv_timeout(PATIENCE).unwrap(), [0, 1]);
}

#[test]
fn a_flush_asked_for_while_one_runs_covers_what_was_logged_before_it() {
    let (started, on_start) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let mut is_first = true;
    let trial = Trial::new(1, move |body, _| {
        if std::mem::take(&mut is_first) {
            started.send(()).unwrap();
            released.recv().unwrap();
        }
        receipt(body)
    });
    std::thread::scope(|scope| {
        let first = scope.spawn(|| trial.flush());
        on_start.recv_timeout(PATIENCE).unwrap();
        append(&trial.queue, 1..4);
        let second = scope.spawn(|| trial.flush());
        release.send(()).unwrap();
        assert_eq!(second.join().unwrap().why_stopped, WhyStopped::Drained);
        first.join().unwrap();
    });
    assert_eq!(trial.sent().concat(), [0, 1, 2, 3]);
}

#[test]
fn a_flush_returns_at_its_deadline_and_the_sender_goes_on() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let trial = Trial::new(1, move |body, _| {
        released.recv().unwrap();
        receipt(body)
    });
    let report = trial.backend.flush(Duration::from_millis(50));
    assert_eq!(
        (report.why_stopped, report.pending),
        (WhyStopped::Deadline, 1)
    );
    release.send(()).unwrap();
    assert_eq!(trial.flush().pending, 0);
}

#[test]
fn a_transport_that_panics_is_counted_and_the_sender_goes_on() {
    let mut is_first = true;
    let trial = Trial::new(3, move |body, _| {
        if std::mem::take(&mut is_first) {
            panic!("on purpose");
        }
        receipt(body)
    });
    let report = trial.flush();
    assert_eq!(
        (report.why_stopped, report.pending),
        (WhyStopped::Drained, 0)
    );
    let status = trial.backend.status();
    assert_eq!(status.panics, 1);
    assert_eq!(status.last_error.as_deref(), Some("a panic while sending"));
}

#[test]
fn settings_that_make_no_sense_are_refused_before_anything_starts() {
    let dir = tempfile::tempdir().unwrap();
    let queue = DiskQueue::open(dir.path()).unwrap();
    for (builder, message) in [
        (
            Backend::builder("relay.example"),
            "relay URL `relay.example`: relative URL without a base; write it as `https://relay.example`",
        ),
        (
            Backend::builder("https://relay.example").token("t-1\n"),
            "the token holds a character that no HTTP header can carry (a line break at its end?)",
        ),
        (
            Backend::builder("https://relay.example").flush_every(Duration::ZERO),
            "flush_every must be more than zero",
        ),
        (
            Backend::builder("https://relay.example").drop_deadline(Duration::ZERO),
            "drop_deadline must be more than zero",
        ),
        (
            Backend::builder("https://relay.example").request_timeout(Duration::ZERO),
            "request_timeout must be more than zero",
        ),
        (
            Backend::builder("https://relay.example").batch_records(0),
            "batch_records must be more than zero",
        ),
        (
            Backend::builder("https://relay.example").batch_records(1001),
            "batch_records is 1001: a relay takes 1000 at most",
        ),
        (
            Backend::builder("https://relay.example").batch_bytes(1 << 20),
            "batch_bytes is 1048576: a relay takes 983040 at most",
        ),
        (
            Backend::builder("http://relay.example"),
            "relay URL `http://relay.example`: http leaves records and token in the clear; use https, or call \
             `.allow_plain_http()` if the network is your own",
        ),
        (
            Backend::builder("https://relay.example").root_certificates("no PEM"),
            "root certificates: no `CERTIFICATE` block in the PEM",
        ),
        (
            Backend::builder("https://relay.example").root_certificates(
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            ),
            "root certificates: invalid peer certificate: BadEncoding",
        ),
        (
            Backend::builder("https://relay.example").client_certificate("no PEM", "no PEM"),
            "client certificate: no `CERTIFICATE` block in the PEM",
        ),
    ] {
        assert_eq!(builder.start(&queue).unwrap_err().to_string(), message);
    }
}
