//! Everything that people stack, in one stack with Courier, under the global default. A process of its own.

mod child;
mod printed;

use child::records;
use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, TracerProvider as _,
};
use opentelemetry_sdk::trace::SdkTracerProvider;
use printed::{Printed, fmt_layer};
use tracing::{debug, info, info_span, warn};
use tracing_courier::prelude::*;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Layer, reload};

/// The ids of the trace that the caller is in, by OpenTelemetry.
fn ids() -> Option<(u128, u64)> {
    let context = Context::current();
    let span = context.span().span_context().clone();
    let ids = || {
        let trace_id = u128::from_be_bytes(span.trace_id().to_bytes());
        (trace_id, u64::from_be_bytes(span.span_id().to_bytes()))
    };
    span.is_valid().then(ids)
}

#[test]
fn courier_is_one_layer_among_all_others() {
    let dir = tempfile::tempdir().unwrap();
    let courier = Courier::builder("stack", "1")
        .dir(dir.path())
        .levels("debug")
        .trace_ids(ids)
        .without_panic_hook()
        .start()
        .unwrap();
    let (console, boxed) = (Printed::default(), Printed::default());
    let (reloaded, handle) = reload::Layer::new(LevelFilter::WARN);
    let absent: Option<tracing_subscriber::layer::Identity> = None;
    let provider = SdkTracerProvider::builder().build();
    tracing_subscriber::registry()
        .with(EnvFilter::new("info,stack::noisy=off"))
        .with(fmt_layer(&console).with_filter(reloaded))
        .with(fmt_layer(&boxed).with_filter(LevelFilter::INFO).boxed())
        .with(absent)
        .with(Some(sentry_tracing::SpanLayer::new()))
        .with(tracing_opentelemetry::layer().with_tracer(provider.tracer("stack")))
        .with(courier.layer())
        .sanitized(courier.sanitizer())
        .init();

    // The program's own filter counts for everybody, and the bridge from `log` for us too.
    info!("plain");
    debug!("below the program's filter");
    info!(target: "stack::noisy", "switched off");
    tracing_log::log::warn!("from the log crate for ada@example.org");
    let logged = |message: &str| records(dir.path(), message).len();
    assert_eq!(logged("plain"), 1);
    assert_eq!(
        logged("below the program's filter") + logged("switched off"),
        0
    );
    assert_eq!(logged("from the log crate for [REDACTED:email]"), 1);

    // A filter that is swapped while the program runs is the console's alone.
    handle.reload(LevelFilter::INFO).unwrap();
    info!("after the reload");
    assert_eq!(logged("after the reload"), 1);
    assert!(console.text().contains("after the reload") && !console.text().contains("plain"));
    assert!(boxed.text().contains("plain"));

    // A remote parent that is set late, after records that name the span, still counts.
    let span = info_span!("request");
    info!(parent: &span, "before the parent is known");
    let trace_id = TraceId::from_hex("0af7651916cd43dd8448eb211c80319c").unwrap();
    let span_id = SpanId::from_hex("b7ad6b7169203331").unwrap();
    let remote = SpanContext::new(
        trace_id,
        span_id,
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    );
    span.set_parent(Context::new().with_remote_span_context(remote))
        .unwrap();
    let own = span.in_scope(|| {
        warn!("within the trace");
        Context::current().span().span_context().span_id()
    });
    let record = records(dir.path(), "within the trace").remove(0);
    assert_eq!(record["traceId"], trace_id.to_string());
    assert_eq!(record["spanId"], own.to_string());
    assert_eq!(record["spans"][0], "request");
    let before = records(dir.path(), "before the parent is known").remove(0);
    assert_eq!(before["traceId"], serde_json::Value::Null);
}
