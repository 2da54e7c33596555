//! The README's program. Beside `courier-relay dev`: `HELLO_TOKEN=$(courier-relay token --user ada) cargo run --example hello`.

use tracing_courier::prelude::*;
use tracing_subscriber::{filter::LevelFilter, prelude::*};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let relay = std::env::var("HELLO_RELAY").unwrap_or("http://127.0.0.1:8787".to_owned());
    let token = std::env::var("HELLO_TOKEN").map_err(|_| "HELLO_TOKEN is not set")?;

    let courier = Courier::builder("hello", env!("CARGO_PKG_VERSION")) // install, session, resource, panic hook
        .dir("hello-data")
        .relay(relay)
        .token(token)
        .start()?; // a guard: dropping it flushes, with a deadline

    tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().with_filter(LevelFilter::INFO)) // stock layers are welcome
        .with(courier.layer()) // trail + queue + nudge, filtered by the levels
        .sanitized(courier.sanitizer()) // everything above sees clean data only
        .init();

    tracing::info!(password = "hunter2", "login of ada@example.org");
    // fmt prints, the disk keeps, the relay gets: login of [REDACTED:email] password=[REDACTED]
    Ok(())
}
