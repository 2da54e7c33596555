//! A remote parent that is set on a span after its first event: the gate must not have started the span meanwhile.

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, TracerProvider as _,
};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use tracing::{Dispatch, dispatcher, info, info_span};
use tracing_courier::{BreadcrumbLayer, Breadcrumbs, SanitizeExt, SanitizeLayer};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::prelude::*;

#[test]
fn a_remote_parent_that_is_set_after_the_first_event_is_the_spans_parent() {
    let remote = SpanContext::new(
        TraceId::from_bytes([7; 16]),
        SpanId::from_bytes([9; 8]),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    );
    let exported = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exported.clone())
        .build();
    let stack: Dispatch = tracing_subscriber::registry()
        .with(tracing_opentelemetry::layer().with_tracer(provider.tracer("remote_parent")))
        .with(BreadcrumbLayer::new(&Breadcrumbs::new()))
        .sanitized(SanitizeLayer::default())
        .into();
    dispatcher::with_default(&stack, || {
        let span = info_span!("request", user = "ada@example.org");
        info!(parent: &span, "the first event, for bob@example.org");
        let context = opentelemetry::Context::new().with_remote_span_context(remote.clone());
        span.set_parent(context).unwrap();
        span.in_scope(|| info!("the second"));
    });
    let spans = exported.get_finished_spans().unwrap();
    assert_eq!(spans.len(), 1);
    let span = &spans[0];
    assert_eq!(span.span_context.trace_id(), remote.trace_id());
    assert_eq!(span.parent_span_id, remote.span_id());
    assert_eq!(span.events.len(), 2);
    let shown = format!("{span:?}");
    assert!(!shown.contains("@example.org"), "{shown}");
    assert!(shown.contains("[REDACTED:email]"), "{shown}");
}
