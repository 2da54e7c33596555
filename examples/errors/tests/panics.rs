//! A panic's record says where the program was: the open spans, their fields, the user and the trace; in an axum handler
//! behind tower-http's trace layer, in a task of tokio, in rayon. A process of its own, since the hook is one for it.

use std::thread;

use axum::Router;
use axum::extract::{Path, Request};
use axum::routing::get;
use courier_error_trials::arrived::{Arrived, at_the_backend};
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde_json::Value;
use tower_http::trace::TraceLayer;
use tracing::{Instrument as _, Span, info_span, instrument};
use tracing_courier::prelude::*;
use tracing_courier::queue::inspect;
use tracing_subscriber::prelude::*;

/// The ids of the trace that the caller is in, by OpenTelemetry: what a program gives to `trace_ids`.
fn ids() -> Option<(u128, u64)> {
    let context = opentelemetry::Context::current();
    let span = context.span().span_context().clone();
    let ids = || {
        let trace = u128::from_be_bytes(span.trace_id().to_bytes());
        (trace, u64::from_be_bytes(span.span_id().to_bytes()))
    };
    span.is_valid().then(ids)
}

#[instrument(fields(kind = "lecture"))]
async fn room(Path(room): Path<u32>) -> String {
    tokio::task::yield_now().await;
    tracing::error!("in the handler");
    panic!("no room {room} for ada@example.org")
}

async fn handler() {
    let trace = TraceLayer::new_for_http().make_span_with(|request: &Request| {
        info_span!("request", method = %request.method(), path = request.uri().path(), token = "s3cr3t")
    });
    let app = Router::new().route("/rooms/{room}", get(room)).layer(trace);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/rooms/7", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    // The panic takes the connection with it.
    assert!(client.get(url).send().await.is_err());
    server.abort();
}

async fn task() {
    let task = async {
        tokio::task::yield_now().await;
        tracing::error!("in the task");
        panic!("in the task's body")
    };
    let task = tokio::spawn(task.instrument(info_span!("task", job = 12)));
    assert!(task.await.is_err());
}

fn rayon_join() {
    let span = info_span!("batch", size = 3);
    let joined = thread::spawn(move || {
        let in_span = || -> () {
            let _in = span.enter();
            tracing::error!("in a join");
            panic!("in the join's body")
        };
        rayon::join(in_span, || ())
    });
    assert!(joined.join().is_err());
}

fn rayon_scope() {
    let outer = info_span!("sweep", of = "rooms").entered();
    let span = Span::current();
    let scope = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        rayon::scope(|scope| {
            scope.spawn(|_| {
                span.in_scope(|| {
                    let inner = info_span!("one", room = 8);
                    inner.in_scope(|| {
                        tracing::error!("in a scope");
                        panic!("in the scope's body")
                    })
                })
            });
        });
    }));
    assert!(scope.is_err());
    drop(outer);
}

#[test]
fn a_panics_record_says_where_the_program_was() {
    let dir = tempfile::tempdir().unwrap();
    let courier = Courier::builder("panics", "1")
        .dir(dir.path())
        .user("user-ada")
        .trace_ids(ids)
        .start()
        .unwrap();
    let provider = SdkTracerProvider::builder().build();
    tracing_subscriber::registry()
        .with(tracing_opentelemetry::layer().with_tracer(provider.tracer("panics")))
        .with(courier.layer())
        .sanitized(courier.sanitizer())
        .init();
    let _ = rustls::crypto::ring::default_provider().install_default();

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(handler());
    runtime.block_on(task());
    rayon_join();
    rayon_scope();

    let mut records = Vec::new();
    for queue in inspect::queues(dir.path()).unwrap() {
        for stored in queue.records() {
            let record: Value = serde_json::from_slice(&stored.json).unwrap();
            records.push((record, stored.context.to_string()));
        }
    }
    let of = |level: &str| -> Vec<&(Value, String)> {
        records
            .iter()
            .filter(|(record, _)| record["level"] == level)
            .collect()
    };
    let (panics, before) = (of("fatal"), of("error"));
    /// Message, spans and some of their fields.
    type Case<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, &'a str)]);
    let table: [Case<'_>; 4] = [
        (
            "no room 7 for [REDACTED:email]",
            &["request", "room"],
            &[
                ("method", "GET"),
                ("path", "/rooms/7"),
                ("token", "[REDACTED]"),
                ("room", "7"),
                ("kind", "lecture"),
            ],
        ),
        ("in the task's body", &["task"], &[("job", "12")]),
        ("in the join's body", &["batch"], &[("size", "3")]),
        (
            "in the scope's body",
            &["sweep", "one"],
            &[("of", "rooms"), ("room", "8")],
        ),
    ];
    assert_eq!(panics.len(), table.len(), "{panics:#?}");
    for (at, (message, spans, fields)) in table.into_iter().enumerate() {
        let (panic, context) = panics[at];
        let (error, _) = before[at];
        assert_eq!(panic["message"], message);
        assert_eq!(panic["spans"], serde_json::json!(spans), "{message}");
        // As the error that was logged just before it, in the same span.
        assert_eq!(panic["spans"], error["spans"], "{message}");
        for id in ["traceId", "spanId"] {
            assert!(panic[id].is_string(), "{message}: {panic:#}");
            assert_eq!(panic[id], error[id], "{message}, {id}");
        }
        assert!(context.contains("\"userId\":\"user-ada\""), "{context}");
        let arrived: Arrived = at_the_backend(&serde_json::from_value(panic.clone()).unwrap());
        for (name, value) in fields {
            assert_eq!(
                arrived.attribute(name),
                Some(*value),
                "{message}: {arrived:#?}"
            );
        }
        assert!(arrived.stack().unwrap().contains("panics"), "{message}");
        assert_eq!(arrived.kind(), Some("panic"));
    }
    let prints: std::collections::HashSet<_> = panics
        .iter()
        .map(|(panic, _)| {
            at_the_backend(&serde_json::from_value(panic.clone()).unwrap())
                .fingerprint()
                .to_owned()
        })
        .collect();
    assert_eq!(prints.len(), panics.len(), "four bugs, four fingerprints");
}
