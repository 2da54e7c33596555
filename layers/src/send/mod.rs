//! Brings the records home.
//!
//! One thread of its own drains the queue in ascending order, a batch at a time, one request in flight:
//!
//! 1. on a timer (30 s), at once on ERROR and FATAL, and when asked to flush;
//! 2. until everything is home that was there when it began, not one batch;
//! 3. after an outage gently: the relay's `Retry-After` wins, else 1 s, doubling to a minute, with jitter;
//! 4. a record leaves the queue by the relay's receipt, or by a verdict on its content. Never by an outage.
//!
//! What it does not do: touch the thread that logs, or return an error to the program once it runs.

mod guard;
#[cfg(feature = "http")]
mod http;
mod layer;
mod next;
mod report;
mod shared;
mod transport;
mod worker;

use std::io;
use std::sync::Arc;
use std::time::Duration;

pub use guard::{Finish, Guard};
#[cfg(feature = "http")]
pub use http::{EndpointError, Http};
pub use layer::BackendLayer;
pub use report::{Connection, Report, Status, WhyStopped};
pub use transport::{Answer, MAX_ANSWER_BYTES, Request, Transport};

use crate::level::Levels;
use crate::queue::DiskQueue;
use crate::sanitize::Sensitive;
use shared::Shared;
use worker::Worker;

/// Time between sends when nothing urgent was logged: 30 s, so that a radio may sleep.
pub const DEFAULT_FLUSH_EVERY: Duration = Duration::from_secs(30);
/// How long the drop of a [`Guard`] waits for the relay: 2 s, what a person takes for "closing".
pub const DEFAULT_DROP_DEADLINE: Duration = Duration::from_secs(2);

/// The sender could not be started; nothing was installed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// The URL is none that records could be sent to.
    #[cfg(feature = "http")]
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// A token is one line of visible ASCII. Check for a line break at its end.
    #[error("the token holds a character that no HTTP header can carry (a line break at its end?)")]
    Token,
    /// A setting is out of range.
    #[error("{setting} must be more than zero")]
    Zero {
        /// Which one.
        setting: &'static str,
    },
    /// The system gave no thread.
    #[error("cannot start the sender's thread: {0}")]
    Thread(io::Error),
}

/// The sender of one queue. A cheap handle: clones share it.
#[derive(Clone, Debug)]
pub struct Backend(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    queue: DiskQueue,
    endpoint: String,
    drop_deadline: Duration,
}

impl Backend {
    /// A sender to the relay at this base URL: `https://relay.example`.
    #[cfg(feature = "http")]
    pub fn builder(url: impl Into<String>) -> BackendBuilder {
        let transport = Http::new(&url.into());
        BackendBuilder::new(transport.map(boxed).map_err(BackendError::Endpoint))
    }

    /// A sender by another transport.
    pub fn by(transport: impl Transport + 'static) -> BackendBuilder {
        BackendBuilder::new(Ok(boxed(transport)))
    }

    /// Replaces the token; a sender that waits for one goes on at once.
    ///
    /// # Errors
    /// The token is none that an HTTP header can carry; the one in use stays.
    pub fn set_token(&self, token: impl Into<String>) -> Result<(), BackendError> {
        self.0.shared.set_token(checked(token.into())?);
        Ok(())
    }

    /// Sends what is there and waits for it, up to the deadline. From any thread; concurrent calls share one drain.
    pub fn flush(&self, deadline: Duration) -> Report {
        let why_stopped = self.0.shared.flush(deadline);
        let snapshot = self.0.shared.snapshot();
        Report {
            delivered: snapshot.delivered,
            pending: self.0.queue.pending().records,
            rejected: snapshot.rejected,
            lost_by_reason: self.0.queue.losses().by_reason(),
            why_stopped,
        }
    }

    /// Wakes the sender, without waiting.
    pub fn nudge(&self) {
        self.0.shared.nudge();
    }

    /// The sender at a glance.
    #[must_use]
    pub fn status(&self) -> Status {
        let snapshot = self.0.shared.snapshot();
        let pending = self.0.queue.pending();
        Status {
            endpoint: self.0.endpoint.clone(),
            connection: snapshot.connection,
            last_success: snapshot.last_success,
            last_error: snapshot.last_error,
            delivered: snapshot.delivered,
            pending_records: pending.records,
            pending_bytes: pending.bytes,
            lost_by_reason: self.0.queue.losses().by_reason(),
        }
    }
}

impl Finish for Backend {
    fn finish(&self) {
        let _: WhyStopped = self.0.shared.flush(self.0.drop_deadline);
        self.0.shared.stop();
    }
}

/// Settings of a [`Backend`].
#[must_use = "it sends nothing before `start`"]
pub struct BackendBuilder {
    /// What is wrong with it is said by `start`.
    transport: Result<Box<dyn Transport>, BackendError>,
    token: Option<String>,
    flush_every: Duration,
    drop_deadline: Duration,
}

impl BackendBuilder {
    fn new(transport: Result<Box<dyn Transport>, BackendError>) -> Self {
        Self {
            transport,
            token: None,
            flush_every: DEFAULT_FLUSH_EVERY,
            drop_deadline: DEFAULT_DROP_DEADLINE,
        }
    }

    /// Sets the bearer token. By default none is sent.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Names the levels that the relay may change. This version keeps to what the program sets.
    pub fn levels(self, _levels: &Levels) -> Self {
        self
    }

    /// Sets the time between sends when nothing urgent was logged. By default [`DEFAULT_FLUSH_EVERY`].
    pub fn flush_every(mut self, interval: Duration) -> Self {
        self.flush_every = interval;
        self
    }

    /// Sets how long the drop of the guard waits for the relay. By default [`DEFAULT_DROP_DEADLINE`].
    pub fn drop_deadline(mut self, deadline: Duration) -> Self {
        self.drop_deadline = deadline;
        self
    }

    /// Starts the thread `courier-send`.
    ///
    /// # Errors
    /// A setting makes no sense, or the system gives no thread. Nothing was started then.
    pub fn start(self, queue: &DiskQueue) -> Result<Guard<Backend>, BackendError> {
        self.check()?.start(queue).map(Guard::new)
    }

    /// Everything that can be wrong with the settings, before anything is started.
    pub(crate) fn check(self) -> Result<Checked, BackendError> {
        let transport = self.transport?;
        let token = self.token.map(checked).transpose()?;
        if self.flush_every.is_zero() {
            return Err(BackendError::Zero {
                setting: "flush_every",
            });
        }
        Ok(Checked {
            transport,
            token,
            flush_every: self.flush_every,
            drop_deadline: self.drop_deadline,
        })
    }
}

/// Settings that make sense.
pub(crate) struct Checked {
    transport: Box<dyn Transport>,
    token: Option<Sensitive<String>>,
    flush_every: Duration,
    drop_deadline: Duration,
}

impl Checked {
    pub(crate) fn start(self, queue: &DiskQueue) -> Result<Backend, BackendError> {
        let endpoint = self.transport.endpoint().to_owned();
        let shared = Arc::new(Shared::new(self.token));
        let worker = Worker::new(
            queue.clone(),
            self.transport,
            Arc::clone(&shared),
            self.flush_every,
        );
        std::thread::Builder::new()
            .name("courier-send".to_owned())
            .spawn(move || worker.run())
            .map_err(BackendError::Thread)?;
        Ok(Backend(Arc::new(Inner {
            shared,
            queue: queue.clone(),
            endpoint,
            drop_deadline: self.drop_deadline,
        })))
    }
}

fn boxed(transport: impl Transport + 'static) -> Box<dyn Transport> {
    Box::new(transport)
}

/// A token that a header can carry.
fn checked(token: String) -> Result<Sensitive<String>, BackendError> {
    let is_carried = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    if is_carried {
        Ok(Sensitive(token))
    } else {
        Err(BackendError::Token)
    }
}
