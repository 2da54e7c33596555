//! Brings the records home.
//!
//! One thread of its own drains the queue in ascending order, a batch at a time, one request in flight:
//!
//! 1. on a timer (30 s), at once on ERROR and FATAL, and when asked to flush;
//! 2. until everything is home that was there when it began, not one batch;
//! 3. after an outage gently: the relay's `Retry-After` wins, else 1 s, doubling to a minute, with jitter; without a
//!    network not at all, and at once when it is back;
//! 4. a record leaves the queue by the relay's receipt, or by a verdict on its content, each in the relay's own form.
//!    Never by an outage, by what something between here and the relay answers, by a missing token, or by a panic in
//!    what the program gave the sender.
//!
//! What it does not do: touch the thread that logs, or return an error to the program once it runs.

mod builder;
mod flush;
mod follow;
mod fork;
mod guard;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "netwatch")]
mod interfaces;
mod later;
mod layer;
mod network;
mod next;
mod reason;
mod report;
mod round;
mod shared;
#[cfg(all(unix, feature = "signals"))]
mod signals;
mod source;
mod stamps;
mod time;
mod token;
mod told;
mod transport;
mod wake;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

pub use builder::{
    BackendBuilder, BackendError, DEFAULT_BATCH_BYTES, DEFAULT_BATCH_RECORDS,
    DEFAULT_DROP_DEADLINE, DEFAULT_FLUSH_EVERY, MAX_BATCH_BYTES, MAX_BATCH_RECORDS,
};
pub use guard::{Finish, Guard};
#[cfg(feature = "http")]
pub use http::{
    CertificateError, Compression, DEFAULT_CONNECT_TIMEOUT, DEFAULT_REQUEST_TIMEOUT, EndpointError,
    Http, TOKEN_TIMEOUT,
};
pub use layer::BackendLayer;
pub use network::{Network, NetworkCheck, NetworkKind, OFFLINE_POLL};
pub use report::{Connection, Report, WhyStopped};
pub use round::MAX_BODY_BYTES;
pub use time::{ManualTime, Time};
pub use transport::{Answer, Get, MAX_ANSWER_BYTES, Request, Transport};

use crate::level::Levels;
use crate::own::Own;
use crate::queue::{DiskQueue, Pending};
use crate::status::Status;
use crate::watch::Changes;
use fork::Again;
use shared::Shared;

/// Where the relay is, if that can change.
#[cfg(feature = "http")]
type Place = http::Place;
#[cfg(not(feature = "http"))]
type Place = std::convert::Infallible;

/// The sender of one queue. A cheap handle: clones share it.
#[derive(Clone, Debug)]
pub struct Backend(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Swapped in a forked child.
    shared: ArcSwap<Shared>,
    again: Again,
    own: Own,
    queue: DiskQueue,
    endpoint: String,
    #[cfg_attr(
        not(feature = "http"),
        expect(dead_code, reason = "only HTTP has a place")
    )]
    place: Option<Place>,
    levels: Option<Levels>,
    #[cfg(feature = "netwatch")]
    _interfaces: interfaces::Watcher,
    drop_deadline: Duration,
    /// What earlier runs had left, where the next run delivers what this one leaves.
    exits_later: Option<Pending>,
}

impl Inner {
    fn shared(&self) -> Arc<Shared> {
        self.shared.load_full()
    }
}

impl Backend {
    /// Replaces the token; a sender that waits for one goes on at once.
    ///
    /// # Errors
    /// The token is empty, or none that an HTTP header can carry; the one in use stays.
    pub fn set_token(&self, token: impl Into<String>) -> Result<(), BackendError> {
        let token = token::checked(token.into())?;
        self.0.shared().set_token(token);
        Ok(())
    }

    /// Says that the token provider has another token; a sender that waits for one asks at once.
    pub fn token_changed(&self) {
        self.0.shared().ask_for_token();
    }

    /// Says that the network may have changed: the sender asks its [`NetworkCheck`] at once.
    pub fn network_changed(&self) {
        self.0.shared().network_changed();
    }

    /// Sends what is there and waits for it, up to the deadline. From any thread, inside or outside of any runtime;
    /// concurrent calls share one drain. Back early, with the reason, when the sender is paused.
    pub fn flush(&self, deadline: Duration) -> Report {
        let why_stopped = self.0.shared().flush(deadline);
        self.report(why_stopped)
    }

    /// [`flush`](Self::flush) as a future, on any runtime. It is under way from the call on, polled or not.
    pub fn flush_async(
        &self,
        deadline: Duration,
    ) -> impl Future<Output = Report> + Send + 'static + use<> {
        let flush = self.0.shared().flush_async(deadline);
        let backend = self.clone();
        async move { backend.report(flush.await) }
    }

    fn report(&self, why_stopped: WhyStopped) -> Report {
        if why_stopped == WhyStopped::Drained {
            self.0.queue.rest();
        }
        let (_, tally) = self.0.shared().snapshot();
        Report {
            delivered: tally.delivered,
            pending: self.0.queue.pending().records,
            rejected: tally.rejected,
            lost_by_reason: self.0.queue.losses().by_reason(),
            why_stopped,
        }
    }

    /// Wakes the sender, without waiting.
    pub fn nudge(&self) {
        self.0.shared().nudge();
    }

    /// Stops sending, or goes on. A batch that is on its way arrives. [`Courier::set_enabled`](crate::Courier::set_enabled)
    /// remembers it over restarts.
    pub fn set_enabled(&self, enabled: bool) {
        self.0.shared().set_enabled(enabled);
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> Status {
        let (connection, tally) = self.0.shared().snapshot();
        let mut status = Status::of(&self.0.queue);
        let is_degraded = matches!(status.connection, Connection::Degraded { .. });
        if !is_degraded || connection == Connection::Disabled {
            status.connection = connection;
        }
        let (last_error_at, last_error) = tally.last_error.unzip();
        Status {
            enabled: self.0.shared().is_enabled(),
            endpoint: Some(self.endpoint()),
            locked: self.is_locked(),
            last_success: tally.last_success.map(|at| at.to_string()),
            last_error,
            last_error_at: last_error_at.map(|at| at.to_string()),
            delivered: tally.delivered,
            rejected: tally.rejected,
            panics: tally.panics,
            levels: self.0.levels.as_ref().map(Levels::status),
            ..status
        }
    }

    pub(crate) fn changes(&self) -> Changes {
        self.0.shared().changes().clone()
    }
}

#[cfg(feature = "http")]
impl Backend {
    fn endpoint(&self) -> String {
        self.place()
            .map_or_else(|| self.0.endpoint.clone(), Place::shown)
    }

    fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }

    fn is_locked(&self) -> bool {
        self.place().is_some_and(Place::is_locked)
    }

    fn endpoint_changed(&self) {
        self.0.shared().endpoint_changed();
        self.0.shared().changes().note();
    }
}

#[cfg(not(feature = "http"))]
impl Backend {
    fn endpoint(&self) -> String {
        self.0.endpoint.clone()
    }

    fn is_locked(&self) -> bool {
        true
    }
}

impl Backend {
    /// The last flush: as [`flush`](Self::flush) with the drop's deadline, but a try that fails ends the wait, and so
    /// does a sender that waits to try again. None at all where the next run delivers. Nothing is sent after it.
    pub(crate) fn finish_and_report(&self) -> Report {
        let why_stopped = match self.0.exits_later {
            Some(left) => {
                self.0.shared().wait_for_begin(later::patience(left));
                WhyStopped::Later
            }
            None => self.0.shared().flush_once(self.0.drop_deadline),
        };
        self.0.shared().stop();
        self.report(why_stopped)
    }
}

impl Finish for Backend {
    fn finish(&self) {
        let _: Report = self.finish_and_report();
    }
}
