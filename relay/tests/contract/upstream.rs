//! An OTLP backend that decodes what it gets and answers as a test tells it to.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::sync::watch;

/// What the backend says to a request.
#[derive(Clone, Debug)]
pub enum Say {
    /// 200: the records are counted as delivered.
    Ok,
    /// 200, but so many were refused.
    Partial(i64),
    /// This status, and a `Retry-After` in seconds where given; nothing is delivered.
    Status(u16, Option<u64>),
    /// 400 as long as a record with this message is in it.
    Poisoned(String),
    /// This status, and a page for people.
    Page(u16),
    /// This status, and what the request had as its token.
    Echo(u16),
}

/// A running backend.
#[derive(Clone)]
pub struct Upstream {
    pub endpoint: String,
    inner: Arc<Inner>,
    delivered: watch::Receiver<usize>,
    spans: watch::Receiver<Vec<Span>>,
}

struct Inner {
    script: Mutex<(VecDeque<Say>, Say)>,
    seen: Mutex<Vec<Seen>>,
    delivered: watch::Sender<usize>,
    spans: watch::Sender<Vec<Span>>,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub headers: HeaderMap,
    pub raw: Vec<u8>,
    pub request: ExportLogsServiceRequest,
    pub delivered: bool,
}

impl Upstream {
    /// A backend that says what is in `script`, in turn, and then `always`.
    pub fn start(script: impl IntoIterator<Item = Say>, always: Say) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let (sender, delivered) = watch::channel(0);
        let (spans_sender, spans) = watch::channel(Vec::new());
        let script = Mutex::new((script.into_iter().collect(), always));
        let inner = Arc::new(Inner {
            script,
            seen: Mutex::default(),
            delivered: sender,
            spans: spans_sender,
        });
        let app = Router::new()
            .route("/v1/logs", post(take))
            .route("/v1/traces", post(take_spans))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(Arc::clone(&inner));
        // On a thread of its own: a test that waits for a process must not keep the backend from answering it.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async move {
                listener.set_nonblocking(true).expect("it is set");
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                axum::serve(listener, app).await
            })
        });
        Self {
            endpoint,
            inner,
            delivered,
            spans,
        }
    }

    /// From now on it always says this.
    pub fn now_says(&self, say: Say) {
        *self.inner.script.lock().expect("no test panics with it") = (VecDeque::new(), say);
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.inner
            .seen
            .lock()
            .expect("no test panics with it")
            .clone()
    }

    /// Waits until so many records were delivered, and returns what was.
    pub async fn delivered(&self, records: usize) -> Vec<ResourceLogs> {
        let mut delivered = self.delivered.clone();
        let enough = delivered.wait_for(|&so_far| so_far >= records);
        let waited = tokio::time::timeout(Duration::from_secs(30), enough)
            .await
            .map(|_| ());
        let seen = self.seen();
        assert!(
            waited.is_ok(),
            "only {} of {records} records came, in {} requests",
            *self.delivered.borrow(),
            seen.len()
        );
        seen.into_iter()
            .filter(|seen| seen.delivered)
            .flat_map(|seen| seen.request.resource_logs)
            .collect()
    }

    /// The messages of all that was delivered, in order.
    pub async fn messages(&self, records: usize) -> Vec<String> {
        let logs = self.delivered(records).await;
        logs.iter().flat_map(records_of).map(message).collect()
    }

    /// Waits until so many spans came, and returns them.
    pub async fn spans(&self, wanted: usize) -> Vec<Span> {
        let mut spans = self.spans.clone();
        let enough = spans.wait_for(|spans| spans.len() >= wanted);
        let waited = tokio::time::timeout(Duration::from_secs(30), enough).await;
        waited
            .expect("in time")
            .expect("the backend is there")
            .clone()
    }
}

/// The records of one resource, in order.
pub fn records_of(logs: &ResourceLogs) -> impl Iterator<Item = &LogRecord> {
    logs.scope_logs.iter().flat_map(|scope| &scope.log_records)
}

/// A record's message.
pub fn message(record: &LogRecord) -> String {
    match record.body.as_ref().and_then(|body| body.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        other => panic!("a body is text, not {other:?}"),
    }
}

async fn take_spans(State(inner): State<Arc<Inner>>, body: Bytes) {
    let request = ExportTraceServiceRequest::decode(&unpacked(&body)[..]).expect("a request");
    let resources = request.resource_spans.into_iter();
    let scopes = resources.flat_map(|resource| resource.scope_spans);
    inner
        .spans
        .send_modify(|spans| spans.extend(scopes.flat_map(|scope| scope.spans)));
}

async fn take(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> Response {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    assert_eq!(headers["content-encoding"], "gzip");
    let raw = unpacked(&body);
    let request = ExportLogsServiceRequest::decode(&raw[..]).expect("it is a request");
    let messages: Vec<String> = request
        .resource_logs
        .iter()
        .flat_map(records_of)
        .map(message)
        .collect();

    // A probe is answered as records are at this moment, and changes nothing.
    if request.resource_logs.is_empty() {
        let always = inner
            .script
            .lock()
            .expect("no test panics with it")
            .1
            .clone();
        return match always {
            Say::Status(status, _) => StatusCode::from_u16(status)
                .expect("a status")
                .into_response(),
            _ => StatusCode::OK.into_response(),
        };
    }
    let say = {
        let mut script = inner.script.lock().expect("no test panics with it");
        script.0.pop_front().unwrap_or_else(|| script.1.clone())
    };
    let (delivered, response) = match say {
        Say::Ok => (true, StatusCode::OK.into_response()),
        Say::Partial(refused) => {
            let error_message = "some were too old".to_owned();
            let partial = ExportLogsPartialSuccess {
                rejected_log_records: refused,
                error_message,
            };
            (
                true,
                ExportLogsServiceResponse {
                    partial_success: Some(partial),
                }
                .encode_to_vec()
                .into_response(),
            )
        }
        Say::Status(status, retry_after) => {
            let status = StatusCode::from_u16(status).expect("a status");
            let headers: Vec<(&str, String)> = retry_after
                .iter()
                .map(|seconds| ("retry-after", seconds.to_string()))
                .collect();
            let mut response = (status, "a secret of the upstream").into_response();
            for (name, value) in headers {
                response
                    .headers_mut()
                    .insert(name, value.parse().expect("a header"));
            }
            (false, response)
        }
        Say::Page(status) => {
            let status = StatusCode::from_u16(status).expect("a status");
            let page = axum::response::Html("<html><body>400 Bad Request</body></html>");
            (false, (status, page).into_response())
        }
        Say::Echo(status) => {
            let status = StatusCode::from_u16(status).expect("a status");
            let token = headers["authorization"].to_str().expect("it is text");
            (
                false,
                (status, format!("no access with {token}, sorry")).into_response(),
            )
        }
        Say::Poisoned(poison) if messages.contains(&poison) => {
            (false, StatusCode::BAD_REQUEST.into_response())
        }
        Say::Poisoned(_) => (true, StatusCode::OK.into_response()),
    };
    inner
        .seen
        .lock()
        .expect("no test panics with it")
        .push(Seen {
            headers,
            raw,
            request,
            delivered,
        });
    if delivered {
        inner
            .delivered
            .send_modify(|so_far| *so_far += messages.len());
    }
    response
}

fn unpacked(body: &[u8]) -> Vec<u8> {
    let mut raw = Vec::new();
    flate2::read::GzDecoder::new(body)
        .read_to_end(&mut raw)
        .expect("it is gzip");
    raw
}
