//! Records of a program that uses tracing-opentelemetry name the trace and span that OpenTelemetry exports.
#![cfg(feature = "opentelemetry_0_33")]

mod child;

use child::records;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use tracing::{Dispatch, dispatcher, info, info_span};
use tracing_courier::opentelemetry_0_33::trace_ids;
use tracing_courier::prelude::*;
use tracing_subscriber::prelude::*;

#[test]
fn a_record_has_the_ids_of_the_span_that_opentelemetry_exports() {
    let dir = tempfile::tempdir().unwrap();
    let exported = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exported.clone())
        .build();
    let courier = Courier::builder("traced", "1")
        .dir(dir.path())
        .trace_ids(trace_ids)
        .without_panic_hook()
        .start()
        .unwrap();
    let stack: Dispatch = tracing_subscriber::registry()
        .with(tracing_opentelemetry::layer().with_tracer(provider.tracer("traced")))
        .with(courier.layer())
        .sanitized(courier.sanitizer())
        .into();
    dispatcher::with_default(&stack, || {
        info!("outside");
        info_span!("request").in_scope(|| info!("inside"));
    });

    let spans = exported.get_finished_spans().unwrap();
    let span = &spans[0].span_context;
    let inside = &records(dir.path(), "inside")[0];
    assert_eq!(inside["traceId"], span.trace_id().to_string());
    assert_eq!(inside["spanId"], span.span_id().to_string());
    let outside = &records(dir.path(), "outside")[0];
    assert_eq!(outside.get("traceId"), None, "{outside}");
}
