//! An OTLP/HTTP receiver that keeps what it is sent: the backend of a trial. It can be told to be away for a while.

use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{self, DefaultBodyLimit};
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
    state: State,
}

type State = Arc<Mutex<Taken>>;

#[derive(Debug, Default)]
struct Taken {
    requests: Vec<ExportLogsServiceRequest>,
    is_away: bool,
    refused: usize,
}

impl Receiver {
    /// Starts listening.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let state = State::default();
        let app = Router::new()
            .route("/v1/logs", post(take))
            .layer(DefaultBodyLimit::max(64 << 20))
            .with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { addr, state })
    }

    /// The base URL, for `--otlp-endpoint`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// From now on it answers 503 and takes nothing, until [`come_back`](Self::come_back).
    pub fn go_away(&self) {
        self.taken().is_away = true;
    }

    /// From now on it takes what it gets.
    pub fn come_back(&self) {
        self.taken().is_away = false;
    }

    /// How many requests it has answered with 503.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.taken().refused
    }

    /// The requests so far, decoded; not the refused ones.
    #[must_use]
    pub fn requests(&self) -> Vec<ExportLogsServiceRequest> {
        self.taken().requests.clone()
    }

    /// Log records so far.
    #[must_use]
    pub fn records(&self) -> usize {
        self.taken()
            .requests
            .iter()
            .flat_map(|request| &request.resource_logs)
            .flat_map(|resource| &resource.scope_logs)
            .map(|scope| scope.log_records.len())
            .sum()
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn take(
    extract::State(state): extract::State<State>,
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
    let Ok(request) = ExportLogsServiceRequest::decode(&plain[..]) else {
        return (StatusCode::BAD_REQUEST, Vec::new());
    };
    let mut taken = state.lock().unwrap_or_else(PoisonError::into_inner);
    if taken.is_away {
        taken.refused += 1;
        return (StatusCode::SERVICE_UNAVAILABLE, Vec::new());
    }
    taken.requests.push(request);
    let answer = ExportLogsServiceResponse::default().encode_to_vec();
    (StatusCode::OK, answer)
}
