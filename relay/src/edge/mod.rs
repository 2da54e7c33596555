//! Accepts connections. A stranger can hold one open, but not for long and not many.
//!
//! 1. There are so many places, in all and for one address; a connection from an address that has all of its
//!    places is closed, and the rest wait in the listener's queue;
//! 2. a connection has to send a whole head soon after its first byte, and goes when it has nothing to ask for a while,
//!    sooner when places are few (`pulse`);
//! 3. once the relay stops, requests that have begun may end, for a while; no other connection is waited for.
//!
//! Refusals have one form (`form`).
//!
//! HTTP/1.1 and HTTP/2 are told apart by how a connection begins, with TLS and without. What a request may take is not its
//! business: see `limit` and `body`.

mod places;
mod pulse;
mod refusals;
mod tls;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::ServiceExt;

use crate::metrics::ByLabel;
pub use refusals::own_form;

pub use places::{Place, Places};
use pulse::{Pulse, Rest, Watched};
pub use tls::{Tls, TlsError};

/// One listener: what answers, and how it is reached.
pub struct Edge {
    /// What answers.
    pub app: Router,
    /// Its certificate; plain HTTP without one.
    pub tls: Option<Arc<Tls>>,
    /// How many connections it has.
    pub places: Places,
    /// Connections that were hung up on, by reason.
    pub refused: Arc<ByLabel>,
}

impl Edge {
    /// Serves until `stop` is set; then requests that have begun may end, for a while.
    pub async fn serve(self, listener: TcpListener, mut stop: watch::Receiver<bool>) {
        let Self {
            app,
            tls,
            places,
            refused,
        } = self;
        loop {
            let next = async {
                places.any().await;
                listener.accept().await
            };
            let accepted = tokio::select! {
                accepted = next => accepted,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: it passes, and asking at once would spin.
                    refused.add("accept", 1);
                    tracing::warn!(error = %error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                    continue;
                }
            };
            let Some(place) = places.take(peer.ip()) else {
                refused.add("address", 1);
                tracing::debug!(address = %peer.ip(), "too many connections from one address");
                continue;
            };
            // Answers are small and whole: waiting for more to send only delays them.
            let _ = stream.set_nodelay(true);
            let guest = Guest {
                app: app.clone(),
                peer,
                place,
                stop: stop.clone(),
            };
            let tls = tls.clone();
            tokio::spawn(async move {
                match tls {
                    None => guest.serve(stream).await,
                    Some(tls) => guest.greet(stream, &tls).await,
                }
            });
        }
        drop(listener);
        if tokio::time::timeout(DRAIN_TIMEOUT, places.empty())
            .await
            .is_err()
        {
            tracing::warn!("some requests did not end in time");
        }
    }
}

/// One connection.
struct Guest {
    app: Router,
    peer: SocketAddr,
    place: Place,
    stop: watch::Receiver<bool>,
}

impl Guest {
    /// TLS, whose handshake comes first. A connection that has not finished it when the relay stops is dropped.
    async fn greet(mut self, stream: TcpStream, tls: &Tls) {
        let shaken = tokio::select! {
            shaken = tokio::time::timeout(HEAD_TIMEOUT, tls.accept(stream)) => shaken,
            _ = self.stop.wait_for(|stop| *stop) => return,
        };
        match shaken {
            Ok(Ok(stream)) => self.serve(stream).await,
            Ok(Err(error)) => tracing::debug!(error = %error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    async fn serve<S>(mut self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let pulse = Arc::new(Pulse::default());
        let (app, peer, beat) = (self.app.clone(), self.peer, Arc::clone(&pulse));
        let service = service_fn(move |mut request: Request<Incoming>| {
            let under_way = beat.begin(request.version());
            request.extensions_mut().insert(ConnectInfo(peer));
            let answer = app.clone().oneshot(request.map(Body::new));
            async move {
                let answer = answer.await;
                drop(under_way);
                answer
            }
        });
        let builder = builder();
        let stream = TokioIo::new(Watched::new(stream, Arc::clone(&pulse)));
        let mut connection = pin!(builder.serve_connection(stream, service));
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut is_ending = false;
        loop {
            tokio::select! {
                ended = &mut connection => {
                    if let Err(error) = ended {
                        tracing::debug!(error = %error, "a connection ended early");
                    }
                    return;
                }
                _ = self.stop.wait_for(|stop| *stop), if !is_ending => {
                    is_ending = true;
                    connection.as_mut().graceful_shutdown();
                    look.reset();
                }
                _ = look.tick() => {
                    let limit = if self.place.is_crowded() { CROWDED_IDLE_TIMEOUT } else { IDLE_TIMEOUT };
                    match pulse.rest() {
                        Rest::None => {}
                        // It was asked to go, and has nothing under way.
                        _ if is_ending => return,
                        Rest::Head(since) if since >= HEAD_TIMEOUT => {
                            tracing::debug!("a head took too long");
                            return;
                        }
                        Rest::Idle(since) if since >= limit => {
                            is_ending = true;
                            connection.as_mut().graceful_shutdown();
                        }
                        Rest::Head(_) | Rest::Idle(_) => {}
                    }
                }
            }
        }
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // Ours: it tells a slow head from a quiet connection.
        .header_read_timeout(None)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD_BYTES)
        .keep_alive_interval(KEEP_ALIVE);
    builder
}

/// A head has to be whole this long after its first byte, the first one after the connection was made.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection may be quiet this long. Longer than the 30 s at which clients flush, so that they find it open.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// A connection may be quiet this long when places are few.
const CROWDED_IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a connection is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A head has at most so many headers.
const MAX_HEADERS: usize = 64;

/// A head has at most so many bytes.
const MAX_HEAD_BYTES: u32 = 32 * 1024;

/// Requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 64;

/// How often a silent HTTP/2 connection is asked whether it still lives.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long requests that have begun may take once the relay stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait after an `accept` that failed.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
