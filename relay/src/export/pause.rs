//! How an exporter waits: a relay that stops is not waited for.

use std::time::Duration;

use tokio::sync::watch;

/// Whether to go on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    GoOn,
    Stop,
}

/// Waits, but not for a relay that stops.
pub async fn pause(wait: Duration, stop: &mut watch::Receiver<bool>) -> Flow {
    let stopped = tokio::time::timeout(wait, stop.wait_for(|stop| *stop)).await;
    if stopped.is_ok() {
        Flow::Stop
    } else {
        Flow::GoOn
    }
}

/// How soon a database that failed is tried again.
pub const READ_AGAIN: Duration = Duration::from_secs(5);
