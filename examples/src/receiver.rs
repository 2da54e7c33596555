//! An OTLP/HTTP receiver that keeps what it is sent: the backend of a trial.

use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use prost::Message as _;
use tokio::net::TcpListener;

/// A receiver on a free loopback port. It runs until the runtime ends.
#[derive(Clone, Debug)]
pub struct Receiver {
    addr: SocketAddr,
    requests: Requests,
}

type Requests = Arc<Mutex<Vec<ExportLogsServiceRequest>>>;

impl Receiver {
    /// Starts listening.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let requests = Requests::default();
        let app = Router::new()
            .route("/v1/logs", post(take))
            .layer(DefaultBodyLimit::max(64 << 20))
            .with_state(Arc::clone(&requests));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { addr, requests })
    }

    /// The base URL, for `--otlp-endpoint`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The requests so far, decoded.
    #[must_use]
    pub fn requests(&self) -> Vec<ExportLogsServiceRequest> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Log records so far.
    #[must_use]
    pub fn records(&self) -> usize {
        self.requests()
            .iter()
            .flat_map(|request| &request.resource_logs)
            .flat_map(|resource| &resource.scope_logs)
            .map(|scope| scope.log_records.len())
            .sum()
    }
}

async fn take(
    State(requests): State<Requests>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Vec<u8>) {
    let mut plain = body.to_vec();
    if headers
        .get("content-encoding")
        .is_some_and(|coding| coding == "gzip")
    {
        plain.clear();
        if GzDecoder::new(&body[..]).read_to_end(&mut plain).is_err() {
            return (StatusCode::BAD_REQUEST, Vec::new());
        }
    }
    match ExportLogsServiceRequest::decode(&plain[..]) {
        Ok(request) => {
            requests
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(request);
            let answer = ExportLogsServiceResponse::default().encode_to_vec();
            (StatusCode::OK, answer)
        }
        Err(_) => (StatusCode::BAD_REQUEST, Vec::new()),
    }
}
