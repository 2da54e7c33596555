//! A service: each request in a span with whoever makes it, errors with what led to them, and an orderly end.
//!
//! ```sh
//! cargo run --example axum_service -- --dir /tmp/service
//! curl -H 'x-user: user-7' http://127.0.0.1:8080/orders/17
//! curl -H 'x-user: user-7' http://127.0.0.1:8080/orders/13     # fails
//! kill %1                                                      # SIGTERM: ends within two seconds
//! cargo run -p courier-relay -- queue cat /tmp/service
//! ```
//!
//! A service has many users at once, so the user is no matter of [`Courier::set_user`] but of the request's span:
//! `user.id` becomes an attribute of each record in it, and that is where support looks.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::{Path, Request};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{Instrument as _, debug, error, info, info_span, warn};
use tracing_courier::prelude::*;

/// A small service that logs.
#[derive(Parser)]
struct Args {
    /// The queue's root; made where it is missing.
    #[arg(long, value_name = "ROOT")]
    dir: PathBuf,
    /// The relay's base URL; without it records are only queued.
    #[arg(long, value_name = "BASE_URL")]
    relay: Option<String>,
    /// The bearer token for the relay.
    #[arg(long, value_name = "T")]
    token: Option<String>,
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// How long the last flush may take.
    #[arg(long, value_name = "D", default_value = "2s", value_parser = humantime::parse_duration)]
    drop_deadline: Duration,
}

/// No async `main`: what flushes at the end is dropped after the runtime, when no task logs any more.
fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let mut courier = Courier::builder("axum-service", env!("CARGO_PKG_VERSION"))
        .dir(&args.dir)
        .levels("info,axum_service=debug");
    if let Some(relay) = &args.relay {
        courier = courier.relay(relay).drop_deadline(args.drop_deadline);
    }
    if let Some(token) = &args.token {
        courier = courier.token(token);
    }
    let courier = courier.start().context("cannot start")?;
    courier.install()?;
    tokio::runtime::Runtime::new()?.block_on(serve(args.listen))
}

async fn serve(listen: SocketAddr) -> anyhow::Result<()> {
    let app = Router::new()
        .route("/orders/{id}", get(order))
        .layer(middleware::from_fn(in_span));
    let listener = TcpListener::bind(listen).await.context("cannot listen")?;
    println!("listening on {}", listener.local_addr()?);
    let mut terminated = signal(SignalKind::terminate())?;
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            tokio::select! {
                _ = terminated.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            info!("told to end");
        })
        .await?;
    Ok(())
}

/// Whatever is logged for a request says which one, and whose.
async fn in_span(request: Request, next: Next) -> Response {
    let user = request
        .headers()
        .get("x-user")
        .and_then(|user| user.to_str().ok());
    let span = info_span!(
        "request",
        http.request.method = %request.method(),
        url.path = request.uri().path(),
        user.id = user,
        http.response.status_code = tracing::field::Empty,
    );
    async {
        let response = next.run(request).await;
        let status = response.status();
        tracing::Span::current().record("http.response.status_code", status.as_u16());
        info!("answered");
        response
    }
    .instrument(span)
    .await
}

async fn order(Path(id): Path<u64>) -> Result<String, StatusCode> {
    debug!(order = id, "looking in the cache");
    info!(order = id, "asking the warehouse");
    match warehouse(id) {
        Ok(shelf) => Ok(format!("order {id} is on shelf {shelf}\n")),
        Err(failed) => {
            warn!(order = id, "the warehouse did not answer, once more");
            error!(
                error = &failed as &dyn std::error::Error,
                order = id,
                "no shelf for the order"
            );
            Err(StatusCode::BAD_GATEWAY)
        }
    }
}

/// Somebody else's system, which has no number 13.
fn warehouse(id: u64) -> std::io::Result<u64> {
    match id {
        13 => Err(std::io::Error::other(
            "no answer from warehouse.internal for ada@example.org",
        )),
        _ => Ok(id % 10),
    }
}
