//! What signals ask of a running relay.

/// What a signal asks for.
#[derive(PartialEq, Eq)]
pub enum Said {
    #[cfg_attr(not(unix), allow(dead_code, reason = "there is no SIGHUP"))]
    Reload,
    Stop,
}

/// The signals that the relay obeys: SIGHUP reads again, SIGTERM and SIGINT stop.
#[cfg(unix)]
pub struct Signal {
    hangup: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signal {
    /// From now on signals are caught.
    pub fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next one.
    pub async fn received(&mut self) -> Said {
        tokio::select! {
            _ = self.hangup.recv() => Said::Reload,
            _ = self.terminate.recv() => Said::Stop,
            _ = self.interrupt.recv() => Said::Stop,
        }
    }
}

/// Ctrl-C, where there are no other signals.
#[cfg(not(unix))]
pub struct Signal;

#[cfg(not(unix))]
impl Signal {
    /// From now on signals are caught.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    /// Waits for the next one.
    pub async fn received(&mut self) -> Said {
        let _ = tokio::signal::ctrl_c().await;
        Said::Stop
    }
}
