//! Accepts connections and keeps them honest: a stranger can hold one open, but not for long and not many.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;

/// Serves `app` until `stop` is set; then requests that have begun may end, for a while.
pub async fn serve(listener: TcpListener, app: Router, mut stop: watch::Receiver<bool>) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: it passes, and asking at once would spin.
                tracing::warn!(error = %error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        // Answers are small and whole: waiting for more to send only delays them.
        let _ = stream.set_nodelay(true);
        let (app, watcher, stopping) = (app.clone(), graceful.watcher(), stop.clone());
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = connection(stream, peer, app, watcher, stopping).await {
                tracing::debug!(error = %error, "a connection ended early");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests did not end in time");
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    app: Router,
    watcher: Watcher,
    mut stop: watch::Receiver<bool>,
) -> Result<(), hyper::Error> {
    // Whoever has not said anything yet is not waited for.
    let is_http2 = tokio::select! {
        spoken = tokio::time::timeout(HEADER_TIMEOUT, speaks_http2(&stream)) => spoken,
        _ = stop.wait_for(|stop| *stop) => return Ok(()),
    };
    let Ok(is_http2) = is_http2 else {
        return Ok(());
    };
    let service = service_fn(move |request: Request<Incoming>| answer(app.clone(), request, peer));
    let stream = TokioIo::new(stream);
    if is_http2 {
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(MAX_HEADER_BYTES)
            .keep_alive_interval(KEEP_ALIVE)
            .serve_connection(stream, service);
        return watcher.watch(connection).await;
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEADER_BYTES as usize)
        .serve_connection(stream, service);
    watcher.watch(connection).await
}

/// Whether a connection begins with HTTP/2's preface, of which no HTTP/1 method has the first four bytes.
async fn speaks_http2(stream: &TcpStream) -> bool {
    const PREFACE: &[u8; 4] = b"PRI ";
    let mut start = [0; PREFACE.len()];
    loop {
        match stream.peek(&mut start).await {
            Ok(bytes @ 1..4) if start.get(..bytes) == PREFACE.get(..bytes) => {
                tokio::time::sleep(PEEK_AGAIN).await;
            }
            Ok(_) => return start == *PREFACE,
            Err(_) => return false,
        }
    }
}

async fn answer(
    app: Router,
    request: Request<Incoming>,
    peer: SocketAddr,
) -> Result<axum::response::Response, std::convert::Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    app.oneshot(request).await
}

/// A connection must have sent a whole head within this, its first one and each one after. Longer than the 30 s at which
/// clients flush, so that they find their connection open.
const HEADER_TIMEOUT: Duration = Duration::from_secs(75);

/// Connections at once; the next waits in the listener's queue.
const MAX_CONNECTIONS: usize = 4096;

/// A head has at most so many headers.
const MAX_HEADERS: usize = 64;

/// A head has at most so many bytes.
const MAX_HEADER_BYTES: u32 = 32 * 1024;

/// Requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 64;

/// How often a silent HTTP/2 connection is asked whether it still lives.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long to wait for more of a connection's first four bytes.
const PEEK_AGAIN: Duration = Duration::from_millis(5);

/// How long requests that have begun may take once the relay stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait after an `accept` that failed.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
