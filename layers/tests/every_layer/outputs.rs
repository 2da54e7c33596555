//! The stack: stock layers, other vendors' layers, ours. And what each has put out in the end.

use std::path::Path;
use std::sync::Arc;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use sentry_core::test::TestTransport;
use sentry_core::{Client, ClientOptions, Hub};
use tracing_courier::{
    BreadcrumbLayer, Breadcrumbs, DiskQueue, DiskQueueLayer, PanicHook, SanitizeExt, SanitizeLayer,
    Sanitizer,
};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

use crate::Outputs;
use crate::printed::{Printed, fmt_layer};

/// Runs the program under the whole stack, behind a gate or without one.
pub fn collect(gated: bool, dir: &Path, program: impl FnOnce()) -> Outputs {
    let (text, json, filtered) = (Printed::default(), Printed::default(), Printed::default());
    let spans = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(spans.clone())
        .build();
    let sentry = TestTransport::new();
    let options = ClientOptions::new()
        .dsn("https://public@sentry.invalid/1")
        .traces_sample_rate(1.0)
        .transport(Arc::clone(&sentry));
    Hub::main().bind_client(Some(Arc::new(Client::from(options))));

    let queue = DiskQueue::builder(dir).max_bytes(64 << 20).open().unwrap();
    let crumbs = Breadcrumbs::new();
    std::panic::set_hook(Box::new(|_| {}));
    let hook = PanicHook::new(&queue).breadcrumbs(&crumbs);
    if gated {
        hook.install();
    }
    let (crumb_layer, disk_layer) = match gated {
        true => (BreadcrumbLayer::new(&crumbs), DiskQueueLayer::new(&queue)),
        false => (
            BreadcrumbLayer::new(&crumbs).allow_raw(),
            DiskQueueLayer::new(&queue).allow_raw(),
        ),
    };
    let stack = tracing_subscriber::registry()
        .with(fmt_layer(&text))
        .with(
            tracing_subscriber::fmt::layer()
                .json()
                .with_writer(json.clone()),
        )
        .with(fmt_layer(&filtered).with_filter(LevelFilter::WARN))
        .with(tracing_opentelemetry::layer().with_tracer(provider.tracer("every_layer")))
        .with(sentry_tracing::SpanLayer::new())
        .with(sentry_tracing::BreadcrumbLayer::new())
        .with(sentry_tracing::ErrorLayer::new())
        .with(crumb_layer)
        .with(disk_layer.breadcrumbs(&crumbs));
    if gated {
        stack
            .sanitized(SanitizeLayer::new(Sanitizer::default()))
            .init();
    } else {
        stack.init();
    }

    program();

    let mut disk = String::new();
    while let Some(batch) = queue.drain(100, 900_000) {
        disk.push_str(std::str::from_utf8(batch.joined()).unwrap());
        disk.push_str(batch.context());
        queue.confirm(batch.token());
    }
    let outputs = [
        ("fmt", text.text()),
        ("fmt, JSON", json.text()),
        ("fmt, filtered", filtered.text()),
        (
            "tracing-opentelemetry",
            format!("{:?}", spans.get_finished_spans().unwrap()),
        ),
        (
            "sentry-tracing",
            format!("{:?}", sentry.fetch_and_clear_envelopes()),
        ),
        (
            "breadcrumbs",
            serde_json::to_string(&crumbs.recent()).unwrap(),
        ),
        ("disk queue", disk),
    ];
    outputs
        .into_iter()
        .map(|(name, output)| (name.to_owned(), output))
        .collect()
}
