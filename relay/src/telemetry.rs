//! What the relay says about itself: its log on stderr, and spans if `--telemetry-endpoint` is set.
//!
//! The log is one JSON object a line, with every control and invisible character escaped ([`visible`](crate::text)), so
//! that nothing that a client or an upstream says can move a terminal's cursor; of a path it has the first 256 bytes. No body and no token is ever in it. Spans go out only with `--telemetry-endpoint`:
//! one for each request of the ingest listener, in the trace that the client's `traceparent` names.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Write};
use std::time::Duration;

use axum::extract::Request as Asked;
use axum::middleware::Next;
use axum::response::Response as Answered;
use bytes::Bytes;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use secrecy::ExposeSecret;
use tokio::runtime::Handle;
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::{EnvFilter, LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, reload};

use crate::config::{Config, UpstreamConfig};
use crate::http::{self, ClientError, End};
use crate::text::escape;

/// The log and the spans of a process; [`Telemetry::finish`] sends what is left.
#[derive(Debug)]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
    filter: reload::Handle<EnvFilter, Registry>,
}

/// The spans can't be sent anywhere. Nothing was started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// The HTTP client can't be made.
    #[error("--telemetry-endpoint")]
    Client(#[from] ClientError),
    /// The exporter refuses its settings.
    #[error("--telemetry-endpoint: {0}")]
    Exporter(#[from] ExporterBuildError),
}

impl Telemetry {
    /// Makes this process log to stderr, and send spans, as `config` says. Call it once, in a runtime.
    ///
    /// # Errors
    ///
    /// When spans are wanted and can't be sent.
    pub fn install(config: &Config) -> Result<Self, TelemetryError> {
        let provider = config.telemetry.as_ref().map(provider).transpose()?;
        let spans = provider.as_ref().map(|provider| {
            tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("courier-relay"))
                .with_location(false)
                .with_threads(false)
                .with_tracked_inactivity(false)
                .with_filter(Targets::new().with_target(REQUESTS, LevelFilter::DEBUG))
        });
        // The settings were checked: this is what they say.
        let (filter, handle) = reload::Layer::new(EnvFilter::new(&config.log));
        let log = tracing_subscriber::fmt::layer()
            .json()
            .with_writer(Escaped(io::stderr))
            .with_filter(filter);
        // Whoever has set a subscriber before wants that one.
        let _ = tracing_subscriber::registry()
            .with(log)
            .with(spans)
            .try_init();
        Ok(Self {
            provider,
            filter: handle,
        })
    }

    /// From now on the log shows what the settings say now. `config` is what came of reading them again: where they make
    /// no sense any more, that is said and the log goes on as it is.
    pub fn reload<E: std::fmt::Display>(&self, config: Result<&Config, E>) {
        match config {
            Ok(config) => match self.filter.reload(EnvFilter::new(&config.log)) {
                Ok(()) => tracing::info!(log = config.log, "the log's filter was read again"),
                Err(error) => tracing::error!(error = %error, "the log's filter can't be changed"),
            },
            Err(error) => tracing::error!(
                error = %error,
                "the log's filter can't be used: the settings make no sense any more. It stays as it is"
            ),
        }
    }

    /// Sends the spans that are left, as far as that goes at once.
    pub async fn finish(self) {
        let Some(provider) = self.provider else {
            return;
        };
        // It waits for a thread that sends by way of this runtime.
        let shutdown = move || provider.shutdown_with_timeout(FINISH_TIMEOUT);
        if let Ok(Err(error)) = tokio::task::spawn_blocking(shutdown).await {
            tracing::warn!(error = %error, "some spans about the relay were not sent");
        }
    }
}

fn provider(config: &UpstreamConfig) -> Result<SdkTracerProvider, TelemetryError> {
    let base = config.endpoint.as_str().trim_end_matches('/');
    let mut headers = HashMap::new();
    if let Some(token) = &config.token {
        headers.insert("authorization".to_owned(), token.expose_secret().to_owned());
    }
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client {
            client: http::Client::new(config.endpoint.scheme() == "https")?,
            runtime: Handle::current(),
        })
        .with_endpoint(format!("{base}/v1/traces"))
        .with_timeout(EXPORT_TIMEOUT)
        .with_headers(headers)
        .build()?;
    let resource = Resource::builder()
        .with_service_name("courier-relay")
        .with_attribute(opentelemetry::KeyValue::new(
            "service.version",
            env!("CARGO_PKG_VERSION"),
        ))
        .build();
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .build())
}

/// Puts a span around each request, in the trace that the client names.
pub async fn trace(request: Asked, next: Next) -> Answered {
    let span = tracing::debug_span!(
        target: REQUESTS,
        "request",
        otel.name = %format_args!("{} {}", request.method(), short(request.uri().path())),
        otel.kind = "server",
        http.request.method = %request.method(),
        url.path = short(request.uri().path()),
        http.response.status_code = tracing::field::Empty,
        otel.status_code = tracing::field::Empty,
    );
    if span.is_disabled() {
        return next.run(request).await;
    }
    let parent = TraceContextPropagator::new().extract(&HeaderExtractor(request.headers()));
    // It fails where no spans are sent: then it is only in the log.
    let _ = span.set_parent(parent);
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    response
}

/// Sends by way of the relay's own runtime and TLS; the exporter's thread has neither.
#[derive(Debug)]
struct Client {
    client: http::Client,
    runtime: Handle,
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sending = self.runtime.spawn(async move {
            let answer = client
                .execute(request.try_into()?, MAX_ANSWER_BYTES)
                .await?;
            if let End::Broken(error) = answer.end {
                return Err(error.into());
            }
            let mut response = Response::builder().status(answer.status);
            if let Some(headers) = response.headers_mut() {
                headers.extend(answer.headers);
            }
            Ok(response.body(answer.body)?)
        });
        sending.await?
    }
}

/// A path as far as it is logged: the first 256 bytes.
#[must_use]
pub fn short(path: &str) -> &str {
    path.get(..path.floor_char_boundary(MAX_PATH_BYTES))
        .unwrap_or(path)
}

/// Escapes what JSON leaves as it is and a terminal obeys or does not show.
struct Escaped<W>(W);

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for Escaped<W> {
    type Writer = Escaped<W::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        Escaped(self.0.make_writer())
    }
}

impl<W: Write> Write for Escaped<W> {
    /// Takes whole lines, as the log gives them: no character is cut in two.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let (text, end) = match text.strip_suffix('\n') {
            Some(text) => (text, "\n"),
            None => (text.as_ref(), ""),
        };
        match escape(text) {
            // One write a line: two processes may share the log.
            Cow::Borrowed(_) => self.0.write_all(line)?,
            Cow::Owned(escaped) => self.0.write_all((escaped + end).as_bytes())?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// More of a path is not logged.
const MAX_PATH_BYTES: usize = 256;

/// The target of the spans around requests.
const REQUESTS: &str = "courier_relay::request";

/// How long one request with spans may take.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a relay that stops waits for its last spans.
const FINISH_TIMEOUT: Duration = Duration::from_secs(3);

/// More of an answer is not read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_that_json_leaves_are_escaped() {
        let mut out = Vec::new();
        let line = "{\"said\":\"a\u{7f}b\u{9b}31m é \u{a0}\u{85}\"}\n";
        assert_eq!(
            Escaped(&mut out).write(line.as_bytes()).expect("it writes"),
            line.len()
        );
        let text = String::from_utf8(out).expect("text");
        assert_eq!(text, "{\"said\":\"a\\u007fb\\u009b31m é \u{a0}\\u0085\"}\n");
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["said"], "a\u{7f}b\u{9b}31m é \u{a0}\u{85}");
    }
}
