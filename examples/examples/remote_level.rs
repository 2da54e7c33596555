//! Sets the level of a program from afar, to be played with in two terminals.
//!
//! In the first one a program ticks, and a relay runs beside it:
//!
//! ```sh
//! cargo run --example remote_level
//! ```
//!
//! It prints the command for the second one, which raises the level of this one user's programs for a while. Within a
//! flush (two seconds here) the ticks' steps appear; when the time is up they are gone, whether the relay lives or not.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;
use courier_relay::config::{Config, RawConfig};
use tracing::{Dispatch, dispatcher, info, trace};
use tracing_courier::prelude::*;
use tracing_subscriber::prelude::*;

/// A program that ticks, and a relay beside it.
#[derive(Parser)]
struct Args {
    /// Where the relay and the program keep what they keep; by default a directory that goes with them.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Ends after so many seconds instead of at Ctrl-C.
    #[arg(long, value_name = "S")]
    seconds: Option<u64>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let temporary = tempfile::tempdir()?;
    let dir = args.dir.as_deref().unwrap_or(temporary.path());
    let (relay, token) = start_relay(&dir.join("relay"))?;

    let courier = Courier::builder("remote-level", env!("CARGO_PKG_VERSION"))
        .dir(dir.join("program"))
        .relay(&relay)
        .token(token)
        .user("ada")
        .flush_every(Duration::from_secs(2))
        .start()?;
    tracing_subscriber::registry()
        // This console follows the levels too, so that there is something to see. Most stay at INFO.
        .with(
            tracing_subscriber::fmt::layer()
                .with_writer(io::stdout)
                .with_filter(courier.levels().filter()),
        )
        .with(courier.layer())
        .sanitized(courier.sanitizer())
        .init();

    println!("In a second terminal:\n");
    for rule in [
        "--user ada --for 20s trace",
        "--service remote-level --module remote_level::disk=debug info",
    ] {
        println!(
            "  cargo run -q -p courier-relay -- level set {rule} --data-dir {}",
            dir.join("relay").display()
        );
    }
    println!("\nand `level ls`, `level ls --audit`, `level rm 1` in its place. Ctrl-C ends it.\n");
    tick(&courier, args.seconds.map(Duration::from_secs));
    Ok(())
}

fn tick(courier: &Courier, duration: Option<Duration>) {
    let start = Instant::now();
    let mut said = courier.levels().status();
    for n in 0_u64.. {
        if duration.is_some_and(|duration| start.elapsed() >= duration) {
            return;
        }
        info!(n, "tick");
        trace!(n, "a step of the tick");
        disk::look();
        let now = courier.levels().status();
        if (&now.levels, &now.rule, &now.until) != (&said.levels, &said.rule, &said.until) {
            println!(
                "-- in force: {} ({}{})",
                now.levels,
                now.rule.as_deref().unwrap_or("the program's own"),
                now.until
                    .as_ref()
                    .map(|until| format!(", until {until}"))
                    .unwrap_or_default()
            );
            said = now;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

mod disk {
    /// Something with a module of its own.
    pub fn look() {
        tracing::debug!("there is room");
    }
}

/// A relay on a thread of its own, where nobody listens to what it logs; its URL, and a token of ada's.
fn start_relay(dir: &Path) -> anyhow::Result<(String, String)> {
    let config = Config::try_from(RawConfig::embedded(dir))?;
    let (sender, started) = mpsc::channel();
    std::thread::Builder::new()
        .name("relay".to_owned())
        .spawn(move || {
            let _quiet = dispatcher::set_default(&Dispatch::none());
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async {
                let relay = match courier_relay::start(config).await {
                    Ok(relay) => relay,
                    Err(error) => {
                        let _ = sender.send(Err(error.into()));
                        return;
                    }
                };
                let token = relay.development_token("ada").map_err(anyhow::Error::from);
                let _ = sender.send(token.map(|token| (format!("http://{}", relay.addr()), token)));
                std::future::pending::<()>().await;
            });
        })?;
    started.recv().context("the relay's thread ended")?
}
