//! One record, all the way, in one process: a program that logs secrets and loses its network, a relay, and a backend
//! that decodes what the relay exports. Then a report of what each of them saw.
//!
//! ```sh
//! cargo run --example quickstart            # the report, then it ends
//! cargo run --example quickstart -- --serve # keeps the relay up
//! ```

mod program;
mod report;
mod witness;

use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Parser;
use courier_examples::receiver::Receiver;
use courier_relay::config::{Config, RawConfig};
use tracing_courier::prelude::*;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

use witness::{Printed, Witness};

/// A record's whole way in one process, and a report of it.
#[derive(Parser)]
struct Args {
    /// Keeps the relay up afterwards, and says where it is.
    #[arg(long)]
    serve: bool,
}

/// How long the network is away at the start.
const AWAY: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let dir = tempfile::tempdir().context("no temporary directory")?;
    let backend = Receiver::start().await?;
    let config = Config::try_from(RawConfig {
        otlp_endpoint: Some(backend.url().into()),
        ..RawConfig::embedded(&dir.path().join("relay"))
    })?;
    let relay = courier_relay::start(config).await?;
    let token = relay.development_token("user-abc")?;
    let url = format!("http://{}", relay.addr());

    let program_dir = dir.path().join("program");
    let (printed, witness) = (Printed::default(), Witness::new(&url, AWAY)?);
    let seen = {
        let (printed, witness) = (printed.clone(), witness.clone());
        let token = token.clone();
        tokio::task::spawn_blocking(move || run_program(&program_dir, token, &printed, &witness))
            .await??
    };

    let expected = seen.report.delivered as usize;
    ensure!(
        seen.report.pending == 0,
        "not everything was delivered: {:?}",
        seen.report
    );
    wait_for(|| backend.records() >= expected).await?;

    let story = report::Story {
        printed: printed.text(),
        on_disk: seen.on_disk,
        answers: witness.answers(),
        requests: witness.requests(),
        exported: backend.requests(),
        report: seen.report,
    };
    story.print();
    story.check()?;

    if args.serve {
        println!(
            "\nThe relay stays up at {url} (admin http://{}).",
            relay.admin_addr()
        );
        println!("A token:  {token}");
        println!("Its data: {}", dir.path().display());
        println!("Ctrl-C ends it.");
        tokio::signal::ctrl_c().await?;
    }
    relay.stop().await;
    Ok(())
}

/// What is left of the program's run.
struct Seen {
    on_disk: Vec<String>,
    report: tracing_courier::send::Report,
}

/// The five lines that a program adds, and the program.
fn run_program(
    dir: &std::path::Path,
    token: String,
    printed: &Printed,
    witness: &Witness,
) -> anyhow::Result<Seen> {
    // The program's own hook would print the panic, which is planted, to stderr. Ours comes before it.
    std::panic::set_hook(Box::new(|_| {}));
    let courier = Courier::builder("field-app", env!("CARGO_PKG_VERSION"))
        .dir(dir)
        .transport(witness.transport()?)
        .token(token)
        .user("user-abc")
        .start()?;
    tracing_subscriber::registry()
        .with(
            tracing_subscriber::fmt::layer()
                .with_ansi(false)
                .with_writer(printed.clone())
                .with_filter(LevelFilter::INFO),
        )
        .with(courier.layer())
        .sanitized(courier.sanitizer())
        .init();

    program::run();
    let on_disk = witness::lines_on_disk(dir)?;
    let report = courier.flush(Duration::from_secs(8));
    Ok(Seen { on_disk, report })
}

async fn wait_for(mut done: impl FnMut() -> bool) -> anyhow::Result<()> {
    for _ in 0..200 {
        if done() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    anyhow::bail!("the backend did not get everything within 5 s")
}
